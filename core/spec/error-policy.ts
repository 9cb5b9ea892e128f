// What a route does about errors, class by class: of records, of a sink that refuses, and of too many dead letters.
import * as z from 'zod';
import type { SpecProblem } from '#core/spec/problem.ts';
import { parseDuration, parseShare } from '#core/spec/quantity.ts';
import type { SinkSpec } from '#core/spec/sinks/sink-spec.ts';

/** What to do with a record that can never succeed, and with one whose sink is given up. */
export type RecordErrorAction = 'dead-letter' | 'drop' | 'stop';

const recordErrorAction = z.enum(['dead-letter', 'drop', 'stop']);
const asDefault = { description: 'Default dead-letter.' };

const patienceForms = z.union(
  [
    z.enum(['retry', 'stop', 'dead-letter', 'drop']),
    z.strictObject({
      action: z.literal('retry'),
      giveUpAfter: z.string().meta({ description: 'How long the sink may refuse without a break: 30s to 30d.' }),
      then: recordErrorAction.optional().meta({ description: 'Default stop.' }),
    }),
  ],
  'expected retry, stop, dead-letter, drop or { action: retry, giveUpAfter: 1h, then: stop }',
);

export const declaredErrors = z.strictObject({
  poison: recordErrorAction.optional().meta(asDefault),
  schema: recordErrorAction.optional().meta(asDefault),
  retryable: patienceForms.optional().meta({
    description:
      'When the sink cannot be reached or refuses for now: try again for ever (retry), or for a time and then stop the job, or ' +
      'set aside or drop what it refuses. dead-letter and drop for opensearch and http only. Default retry.',
  }),
  throttled: patienceForms.optional().meta({
    description: 'The same for a sink that asks to be written to more slowly (429, a quota). Default retry.',
  }),
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
type DeclaredPatience = z.infer<typeof patienceForms>;

/** How long a sink that refuses is tried. */
export interface Patience {
  /** Since it last took something; 0: its first refusal is enough; null: for ever. */
  readonly giveUpAfterMs: number | null;
  readonly endsIn: RecordErrorAction;
}

export const endlessPatience: Patience = { giveUpAfterMs: null, endsIn: 'stop' };

export interface ErrorPolicy {
  readonly poison: RecordErrorAction;
  readonly schema: RecordErrorAction;
  readonly retryable: Patience;
  readonly throttled: Patience;
  readonly auth: 'stop' | 'retry';
  /** The share of events that may become dead letters; null: any. */
  readonly deadLetterRateMax: number | null;
}

export function completeErrors(
  declared: DeclaredErrors,
  sinks: readonly SinkSpec[],
  problems: SpecProblem[],
): ErrorPolicy {
  const patience = (name: 'retryable' | 'throttled'): Patience => {
    const path = `spec.errors.${name}`;
    const complete = completePatience(declared[name], path, problems);
    checkGivesUp(complete, path, sinks, problems);
    return complete;
  };
  return {
    poison: declared.poison ?? 'dead-letter',
    schema: declared.schema ?? 'dead-letter',
    retryable: patience('retryable'),
    throttled: patience('throttled'),
    auth: declared.auth ?? 'retry',
    deadLetterRateMax: rateMax(declared.deadLetter?.maxRate, problems),
  };
}

const giveUpRangeMs = { min: 30_000, max: 30 * 86_400_000 };

function completePatience(declared: DeclaredPatience | undefined, path: string, problems: SpecProblem[]): Patience {
  if (declared === undefined || declared === 'retry') return endlessPatience;
  if (typeof declared === 'string') return { giveUpAfterMs: 0, endsIn: declared };
  const { giveUpAfter, then: endsIn = 'stop' } = declared;
  const span = parseDuration(giveUpAfter);
  const isInRange = span.ok && span.value >= giveUpRangeMs.min && span.value <= giveUpRangeMs.max;
  if (!isInRange)
    problems.push({
      path: `${path}.giveUpAfter`,
      message: span.ok ? `got ${giveUpAfter}, expected 30s to 30d` : span.problem,
      ...(span.ok && span.value < giveUpRangeMs.min ? { fix: `to give up at once, set ${path}: ${endsIn}` } : {}),
    });
  return { giveUpAfterMs: span.ok ? span.value : null, endsIn };
}

/** Only where each record has a request of its own behind it can one be taken out of the row. */
function checkGivesUp(
  { giveUpAfterMs, endsIn }: Patience,
  path: string,
  sinks: readonly SinkSpec[],
  problems: SpecProblem[],
): void {
  if (giveUpAfterMs === null || endsIn === 'stop') return;
  const batched = sinks.find(({ kind }) => kind === 'stream' || kind === 'warehouse');
  if (batched === undefined) return;
  problems.push({
    path,
    message:
      `got ${endsIn}, which the sink ${JSON.stringify(batched.name)} of kind ${batched.kind} cannot do: what was sent to it in a ` +
      'batch may have been written, so no record of it can be given up',
    fix: 'retry and stop are possible; or put the other sinks into a route of their own',
  });
}

function rateMax(text: string | undefined, problems: SpecProblem[]): number | null {
  if (text === undefined) return null;
  const share = parseShare(text);
  if (!share.ok) problems.push({ path: 'spec.errors.deadLetter.maxRate', message: share.problem });
  return share.ok ? share.value : null;
}
