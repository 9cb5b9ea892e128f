// What a route may do to events between its `where` and its `select`: the operators as people declare them, and their complete form.
import * as z from 'zod';
import { limits } from '#core/limits.ts';
import type { HygieneRule } from '#core/operators/hygiene-rule.ts';
import { parseFieldPath } from '#core/spec/field-path.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { parseDuration } from '#core/spec/quantity.ts';

export type OperatorSpec =
  | { readonly kind: 'where'; readonly where: string }
  | { readonly kind: 'select'; readonly select: string }
  | {
      readonly kind: 'hygiene';
      readonly fields: readonly { readonly path: readonly string[]; readonly rule: HygieneRule }[];
    }
  /** `by` null: by the record's position. */
  | { readonly kind: 'sample'; readonly fraction: number; readonly by: string | null }
  /** `events` null: as many as a quarter of a worker's memory holds. */
  | { readonly kind: 'dedup'; readonly key: string; readonly withinMs: number; readonly events: number | null }
  | {
      readonly kind: 'explode';
      readonly path: readonly string[];
      readonly as: string;
      /** Whether an event without elements goes on, once, with null. */
      readonly keepEmpty: boolean;
    };

/** The secret whose value salts a hash that names no other. */
export const defaultSalt = 'pii-salt';

const secretName = z
  .string()
  .max(limits.nameCharsMax)
  .regex(/^[a-z0-9](-?[a-z0-9])*$/, 'expected a secret’s name');
const expression = z.string().min(1).max(limits.expressionCharsMax);
const fieldPath = z.string().min(1).max(1_000);
const keptCharacters = z.int().min(0).max(64).optional();

const onlyOne =
  (what: string) =>
  (value: object, context: z.core.$RefinementCtx): void => {
    const names = Object.keys(value);
    if (names.length === 1) return;
    const got = names.length === 0 ? 'none' : names.join(' and ');
    context.addIssue({ code: 'custom', message: `got ${got}, expected exactly one ${what}` });
  };

const ruleForms =
  'expected mask, hash, drop, { mask: { keepFirst, keepLast } }, { hash: { salt } } or { truncate: characters }';
export const declaredRule = z
  .union(
    [
      z.enum(['mask', 'hash', 'drop']),
      z.strictObject({ mask: z.strictObject({ keepFirst: keptCharacters, keepLast: keptCharacters }) }),
      z.strictObject({ hash: z.strictObject({ salt: secretName }) }),
      z.strictObject({ truncate: z.int().min(1).max(1_000_000) }),
    ],
    { error: ruleForms },
  )
  .meta({
    description: `mask (\`****\`), hash (HMAC-SHA-256 under the secret \`${defaultSalt}\` or the one named as salt), drop, or truncate.`,
  });
type DeclaredRule = z.infer<typeof declaredRule>;

export const declaredOperator = z
  .strictObject({
    where: expression.optional().meta({ description: 'Events for which it is true go on.' }),
    select: expression.optional().meta({ description: 'The columns that go on.' }),
    hygiene: z
      .record(fieldPath, declaredRule)
      .optional()
      .meta({ description: 'A rule for each field, by its path; paths reach through lists.' }),
    sample: z
      .strictObject({
        fraction: z.number().gt(0).max(1),
        by: expression.optional().meta({
          description: 'All events of a key go on, or none. Without it each event is chosen by its position.',
        }),
      })
      .optional()
      .meta({ description: 'A fraction of the events, the same ones each time.' }),
    dedup: z
      .strictObject({
        key: expression,
        within: z
          .string()
          .meta({ description: 'How far back by the records’ time. A number and a unit: ms, s, m, h or d.' }),
        events: z.int().min(1).max(limits.dedupEventsMax).optional().meta({
          description: 'How far back in events of the partition. Default what a quarter of the memory holds.',
        }),
      })
      .optional()
      .meta({ description: 'Events whose key was there before, in the same partition, are filtered.' }),
    explode: z
      .strictObject({
        field: fieldPath.meta({ description: 'The path of a list; each of its elements becomes an event.' }),
        as: z
          .string()
          .min(1)
          .max(255)
          .optional()
          .meta({ description: 'Where the element stands. Default the list’s name.' }),
        keepEmpty: z.boolean().optional().meta({ description: 'An event without elements goes on, with null.' }),
      })
      .optional()
      .meta({ description: 'One event for each element of a list.' }),
  })
  .superRefine(onlyOne('operator: where, select, hygiene, sample, dedup or explode'));
export type DeclaredOperator = z.infer<typeof declaredOperator>;

export function completeRule(declared: DeclaredRule): HygieneRule {
  if (declared === 'mask') return { kind: 'mask', keepFirst: 0, keepLast: 0 };
  if (declared === 'hash') return { kind: 'hash', salt: defaultSalt };
  if (declared === 'drop') return { kind: 'drop' };
  if ('mask' in declared)
    return { kind: 'mask', keepFirst: declared.mask.keepFirst ?? 0, keepLast: declared.mask.keepLast ?? 0 };
  if ('hash' in declared) return { kind: 'hash', salt: declared.hash.salt };
  return { kind: 'truncate', characters: declared.truncate };
}

/** As it would be written; the short forms where they say the same. */
export function writeRule(rule: HygieneRule): DeclaredRule {
  switch (rule.kind) {
    case 'mask': {
      const { keepFirst, keepLast } = rule;
      return keepFirst + keepLast === 0 ? 'mask' : { mask: { keepFirst, keepLast } };
    }
    case 'hash':
      return rule.salt === defaultSalt ? 'hash' : { hash: { salt: rule.salt } };
    case 'truncate':
      return { truncate: rule.characters };
    case 'drop':
      return 'drop';
  }
}

export function completeOperators(
  declared: readonly DeclaredOperator[],
  problems: SpecProblem[],
): readonly OperatorSpec[] {
  return declared.flatMap((operator, index) => completeOperator(operator, `spec.operators[${index}]`, problems) ?? []);
}

function completeOperator(declared: DeclaredOperator, path: string, problems: SpecProblem[]): OperatorSpec | null {
  const { where, select, hygiene, sample, dedup, explode } = declared;
  if (where !== undefined) return { kind: 'where', where };
  if (select !== undefined) return { kind: 'select', select };
  if (hygiene !== undefined) {
    const fields = Object.entries(hygiene).flatMap(([name, rule]) => {
      const steps = readPath(name, `${path}.hygiene`, problems);
      return steps === null ? [] : [{ path: steps, rule: completeRule(rule) }];
    });
    return { kind: 'hygiene', fields };
  }
  if (sample !== undefined) return { kind: 'sample', fraction: sample.fraction, by: sample.by ?? null };
  if (dedup !== undefined) {
    const within = parseDuration(dedup.within);
    if (!within.ok) problems.push({ path: `${path}.dedup.within`, message: within.problem });
    else return { kind: 'dedup', key: dedup.key, withinMs: within.value, events: dedup.events ?? null };
  }
  if (explode !== undefined) {
    const steps = readPath(explode.field, `${path}.explode.field`, problems);
    if (steps !== null)
      return { kind: 'explode', path: steps, as: explode.as ?? steps.at(-1)!, keepEmpty: explode.keepEmpty ?? false };
  }
  return null;
}

function readPath(text: string, at: string, problems: SpecProblem[]): readonly string[] | null {
  const steps = parseFieldPath(text);
  if (!steps.ok) problems.push({ path: at, message: steps.problem });
  return steps.ok ? steps.value : null;
}
