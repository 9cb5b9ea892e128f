// An operator as workers run it: plain JSON, compiled from what was declared.
import type { RouteProgram } from '#core/expression/index.ts';
import type { HygieneRule } from './hygiene-rule.ts';

export interface HygieneField {
  readonly path: readonly string[];
  readonly rule: HygieneRule;
}

export type OperatorProgram =
  /** A filter, a projection, or both. */
  | { readonly kind: 'project'; readonly program: RouteProgram }
  | { readonly kind: 'hygiene'; readonly fields: readonly HygieneField[] }
  /** `by` is a program whose key decides. */
  | { readonly kind: 'sample'; readonly fraction: number; readonly by: RouteProgram | null }
  | { readonly kind: 'dedup'; readonly key: RouteProgram; readonly withinMs: number; readonly events: number }
  | {
      readonly kind: 'explode';
      readonly path: readonly string[];
      readonly as: string;
      readonly keepEmpty: boolean;
    };

/** The names of the secrets that salt the hashes. */
export function saltsOf(operators: readonly OperatorProgram[]): readonly string[] {
  const names = operators.flatMap((operator) =>
    operator.kind !== 'hygiene' ? [] : operator.fields.flatMap(({ rule }) => (rule.kind === 'hash' ? [rule.salt] : [])),
  );
  return [...new Set(names)].sort();
}

/** How many events of a partition are read again, without effect, before a worker goes on from its position. */
export const rememberedEvents = (operators: readonly OperatorProgram[]): number =>
  Math.max(0, ...operators.map((operator) => (operator.kind === 'dedup' ? operator.events : 0)));

/** Whether a record without a value passes: where nothing is filtered, chosen or computed. */
export const passesNull = (operators: readonly OperatorProgram[], program: RouteProgram): boolean =>
  [program, ...operators].every((each) => {
    if (!('kind' in each)) return each.identity && each.where === null;
    return each.kind === 'hygiene' || (each.kind === 'project' && each.program.identity && each.program.where === null);
  });

/** Whether one event may become several. */
export const multiplies = (operators: readonly OperatorProgram[]): boolean =>
  operators.some(({ kind }) => kind === 'explode');
