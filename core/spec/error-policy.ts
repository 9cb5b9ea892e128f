// What a route does about errors, class by class: of records, of a sink that refuses, and of too many dead letters.
import { z } from 'zod';
import type { SpecProblem } from '#core/spec/document.ts';
import { parseShare } from '#core/spec/quantity.ts';

/** What to do with a record that can never succeed. */
export type RecordErrorAction = 'dead-letter' | 'drop' | 'stop';

const recordErrorAction = z.enum(['dead-letter', 'drop', 'stop']);
const asDefault = { description: 'Default dead-letter.' };

export const declaredErrors = z.strictObject({
  poison: recordErrorAction.optional().meta(asDefault),
  schema: recordErrorAction.optional().meta(asDefault),
  auth: z
    .enum(['stop', 'retry'])
    .optional()
    .meta({
      description:
        'When source or sink refuse the worker for want of permission: try again until they take it, or stop until the job is ' +
        'restarted. Nothing is acknowledged either way. Default retry.',
    }),
  deadLetter: z
    .strictObject({
      maxRate: z.string().meta({ description: 'Share of events, over about a minute, such as 1%.' }),
      onExceeded: z.literal('stop').optional(),
    })
    .optional()
    .meta({
      description: 'Stops before the event that would be one dead letter too many. Without it there is no limit.',
    }),
});

export type DeclaredErrors = z.infer<typeof declaredErrors>;

export interface ErrorPolicy {
  readonly poison: RecordErrorAction;
  readonly schema: RecordErrorAction;
  readonly auth: 'stop' | 'retry';
  /** The share of events that may become dead letters; null: any. */
  readonly deadLetterRateMax: number | null;
}

export function completeErrors(declared: DeclaredErrors, problems: SpecProblem[]): ErrorPolicy {
  return {
    poison: declared.poison ?? 'dead-letter',
    schema: declared.schema ?? 'dead-letter',
    auth: declared.auth ?? 'retry',
    deadLetterRateMax: rateMax(declared.deadLetter?.maxRate, problems),
  };
}

function rateMax(text: string | undefined, problems: SpecProblem[]): number | null {
  if (text === undefined) return null;
  const share = parseShare(text);
  if (!share.ok) problems.push({ path: 'spec.errors.deadLetter.maxRate', message: share.problem });
  return share.ok ? share.value : null;
}
