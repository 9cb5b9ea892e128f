// Which of a route's events go to a sink: all, those that its condition takes, or those that no other sink's condition takes.
import * as z from 'zod';
import { limits } from '#core/limits.ts';
import type { SpecProblem } from '#core/spec/problem.ts';

export type SinkCondition =
  | { readonly kind: 'all' }
  | { readonly kind: 'where'; readonly where: string }
  | { readonly kind: 'otherwise' };

/** Keys of a `to:` entry of any kind. */
export const declaredCondition = {
  where: z.string().min(1).max(limits.expressionCharsMax).optional().meta({
    description: 'Of the events that reach `select`, those for which it is true go to this sink.',
  }),
  otherwise: z.literal(true).optional().meta({
    description: 'The events for which no other sink’s `where` is true go to this sink.',
  }),
};

export function completeConditions(
  sinks: readonly { readonly where?: string | undefined; readonly otherwise?: true | undefined }[],
  problems: SpecProblem[],
): readonly SinkCondition[] {
  const conditions = sinks.map(({ where, otherwise }, index): SinkCondition => {
    if (where !== undefined && otherwise !== undefined)
      problems.push({ path: `spec.to[${index}].otherwise`, message: 'got where and otherwise, expected one of them' });
    if (otherwise !== undefined) return { kind: 'otherwise' };
    return where === undefined ? { kind: 'all' } : { kind: 'where', where };
  });
  const rest = conditions.flatMap(({ kind }, index) => (kind === 'otherwise' ? [index] : []));
  if (rest.length > 0 && !conditions.some(({ kind }) => kind === 'where'))
    problems.push({
      path: `spec.to[${rest[0]}].otherwise`,
      message: 'no other sink has a `where`, so there is no rest',
      fix: 'give another sink a `where`, or leave `otherwise` out',
    });
  return conditions;
}
