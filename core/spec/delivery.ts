// How a route delivers: what is promised of each event, and which sinks can keep it.
import * as z from 'zod';
import type { OperatorSpec } from '#core/spec/operators.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { parseShare } from '#core/spec/quantity.ts';
import type { SinkSpec } from '#core/spec/sinks/sink-spec.ts';

export const guarantees = ['at-least-once', 'exactly-once', 'loss-tolerant'] as const;
export type Guarantee = (typeof guarantees)[number];

export const redeployStrategies = ['fewer-duplicates', 'lower-latency', 'canary'] as const;
export type RedeployStrategy = (typeof redeployStrategies)[number];

export const declaredDelivery = z.strictObject({
  guarantee: z
    .enum(guarantees)
    .optional()
    .meta({
      description:
        'at-least-once: nothing is lost; after a crash some events arrive twice. exactly-once: each arrives once, for readers ' +
        'of committed records; stream sinks only. loss-tolerant: as at-least-once, but events that the sink has no room for ' +
        'are dropped and counted, within `lossBudget`. Default at-least-once.',
    }),
  lossBudget: z
    .string()
    .optional()
    .meta({ description: 'The share of events that loss-tolerant may drop, such as 0.01%. Required with it only.' }),
  ordering: z
    .enum(['none', 'per-key', 'per-partition'])
    .optional()
    .meta({
      description:
        'per-key: events of one key stay in order, in one partition of the sink. per-partition: events of one source ' +
        'partition do; opensearch, and streams without `key`. none: events without key are spread evenly. Default per-key.',
    }),
  onRedeploy: z
    .enum(redeployStrategies)
    .optional()
    .meta({
      description:
        'How workers make room for others where the job changes. fewer-duplicates: they drain, commit and end, then others start. ' +
        'lower-latency: others start beside them and take splits; when these report and read, the old drain, commit and end. ' +
        'canary: one other starts beside them and takes a tenth of the splits, at least one; what both do is compared before it gets ' +
        'the rest as with lower-latency, or makes room again. Default fewer-duplicates.',
    }),
});

export type DeclaredDelivery = z.infer<typeof declaredDelivery>;

export interface Delivery {
  readonly guarantee: Guarantee;
  /** With loss-tolerant: the share of events that may be dropped, 0 to 1. */
  readonly lossBudget: number | null;
  readonly ordering: Ordering;
}

export type Ordering = 'none' | 'per-key' | 'per-partition';

export function completeDelivery(
  declared: DeclaredDelivery,
  sinks: readonly SinkSpec[],
  operators: readonly OperatorSpec[],
  problems: SpecProblem[],
): Delivery {
  const guarantee = declared.guarantee ?? 'at-least-once';
  const ordering = declared.ordering ?? 'per-key';
  const lossBudget = completeLossBudget(declared, problems);
  if (guarantee === 'loss-tolerant') checkRemembering(operators, problems);
  for (const [index, sink] of sinks.entries()) {
    const path = `spec.to[${index}]`;
    if (guarantee === 'exactly-once') checkExactlyOnce(sink, path, problems);
    if (ordering === 'per-partition') checkPerPartition(sink, path, problems);
  }
  return { guarantee, lossBudget, ordering };
}

/** A transaction of one worker is not over before another one's may begin: with them there is no beside. */
export function completeRedeploy(
  declared: DeclaredDelivery,
  sinks: readonly SinkSpec[],
  problems: SpecProblem[],
): RedeployStrategy {
  const strategy = declared.onRedeploy ?? 'fewer-duplicates';
  const path = 'spec.delivery.onRedeploy';
  if (strategy !== 'fewer-duplicates' && declared.guarantee === 'exactly-once')
    problems.push({
      path,
      message: `${strategy} cannot be kept with exactly-once: a split goes to the next worker only once the last transaction is over`,
      fix: 'leave it out, or ask for at-least-once',
    });
  const table = sinks.find(({ kind }) => kind === 'warehouse');
  if (strategy === 'canary' && table !== undefined)
    problems.push({
      path,
      message: `canary cannot be kept by ${JSON.stringify(table.name)}: a table has one row type, and two revisions may write two`,
      fix: 'leave it out, or put this sink into a route of its own',
    });
  return strategy;
}

function completeLossBudget({ guarantee, lossBudget }: DeclaredDelivery, problems: SpecProblem[]): number | null {
  const path = 'spec.delivery.lossBudget';
  const isTolerant = guarantee === 'loss-tolerant';
  if (lossBudget === undefined) {
    if (isTolerant)
      problems.push({
        path,
        message: 'got none, expected the share of events that may be dropped: loss-tolerant needs a budget',
        fix: 'set it, for example to 0.01%',
      });
    return null;
  }
  if (!isTolerant)
    problems.push({
      path,
      message: `got ${JSON.stringify(lossBudget)}, but ${guarantee ?? 'at-least-once'} loses nothing`,
      fix: 'leave it out, or set guarantee: loss-tolerant',
    });
  const share = parseShare(lossBudget);
  if (!share.ok) problems.push({ path, message: share.problem });
  return share.ok ? share.value : null;
}

/**
 * What the sink had no room for was never looked at, so an event that comes again is none that was there before. Whoever takes
 * the partition later cannot know it: the records that it reads again do not say which of them were dropped.
 */
function checkRemembering(operators: readonly OperatorSpec[], problems: SpecProblem[]): void {
  for (const [index, { kind }] of operators.entries())
    if (kind === 'dedup')
      problems.push({
        path: `spec.operators[${index}].dedup`,
        message:
          'loss-tolerant drops events, and the next worker would take one that comes again for a duplicate of a dropped one',
        fix: 'leave dedup out, ask for at-least-once, or put dedup into an at-least-once route of its own before this one',
      });
}

/** Only Kafka's output takes effect in one step with the position in the source. */
function checkExactlyOnce({ kind, name }: SinkSpec, path: string, problems: SpecProblem[]): void {
  if (kind === 'stream') return;
  problems.push({
    path,
    message: `exactly-once cannot be kept by ${JSON.stringify(name)}: a sink of kind ${kind} takes part in no transaction`,
    fix: 'write to a stream, or put this sink into a route of its own that is at-least-once',
  });
}

/** A source partition stays in order where all of it goes to one place, one after the other. */
function checkPerPartition(sink: SinkSpec, path: string, problems: SpecProblem[]): void {
  if ((sink.kind === 'stream' && sink.key === null) || sink.kind === 'opensearch') return;
  const why =
    sink.kind === 'stream'
      ? 'its `key` decides the partition, so events of one source partition go to several'
      : `a sink of kind ${sink.kind} writes several batches at a time`;
  problems.push({
    path,
    message: `per-partition ordering cannot be kept by ${JSON.stringify(sink.name)}: ${why}`,
    fix: sink.kind === 'stream' ? 'leave `key` out, or ask for per-key' : 'ask for per-key, or for none',
  });
}
