// Runs a worker's data path over a stream of equal batches and says what it cost: everything of a worker but its sockets.
import { systemClock } from '#adapters/clock/system-clock.ts';
import { loadParser, planRoute, type RouteExpressions } from '#core/expression/index.ts';
import { createProcessor } from '#core/expression/run/processor.ts';
import type { RowType } from '#core/expression/types.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { jobId } from '#core/names.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { aDelivery, anErrorPolicy } from '#test/support/builders.ts';
import { DataPath } from '#workers/data-path.ts';
import { ErrorsSeen } from '#workers/errors-seen.ts';
import { noHeaders, OutputBatch, type OutputCompression, type Slice } from '#workers/kafka/output-batch.ts';
import { Lease } from '#workers/lease.ts';
import type { WorkerParts } from '#workers/parts.ts';
import { Split } from '#workers/split.ts';
import { LoopbackBroker, type RecordSet, topicId } from './loopback-broker.ts';

export const source = 'in';
const setBytes = 1024 * 1024;
const batchBytes = 128 * 1024;
export const clock = { now: () => Date.now(), monotonicMs: systemClock.monotonicMs };
const silent = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger;
const nobody = { attach: () => {}, acknowledge: () => {} };
const noKey: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };

export interface Load {
  readonly expressions: RouteExpressions;
  readonly row: RowType | null;
  readonly events: readonly string[];
  readonly partitions: number;
  /** Paths over the same stream: a route is a job of its own. */
  readonly routes: number;
  /** At least so many are worked on in all, over all routes. */
  readonly recordsMin: number;
  readonly compression: OutputCompression;
  /** A stream where not given. */
  readonly sink?: SinkGoal;
  /** What that sink uses of a worker beside the rest. */
  readonly worker?: Partial<WorkerParts>;
}

export interface Cost {
  readonly records: number;
  readonly bytes: number;
  readonly produced: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** Batches of about 128 KiB of the events in turn, a set of about 1 MiB. */
export function recordSetOf(events: readonly string[], compression: OutputCompression): RecordSet {
  const pieces: Buffer[] = [];
  const batches: { at: number; before: number }[] = [];
  let records = 0;
  let at = 0;
  for (let plain = 0; plain < setBytes; ) {
    const batch = new OutputBatch();
    while (batch.count === 0 || batch.length < batchBytes) {
      const bytes = Buffer.from(events[(records + batch.count) % events.length]!);
      batch.append(1_767_225_600_000, noKey, { bytes, start: 0, end: bytes.length }, noHeaders, nobody);
    }
    plain += batch.length;
    batch.seal(compression);
    batch.stamp({ producerId: -1n, producerEpoch: -1, isTransactional: false }, -1);
    batches.push({ at, before: records });
    pieces.push(batch.bytes);
    at += batch.bytes.length;
    records += batch.count;
  }
  return { bytes: Buffer.concat(pieces), records, batches };
}

export async function runPaths(load: Load): Promise<Cost> {
  await loadParser();
  const set = recordSetOf(load.events, load.compression);
  const { partitions, routes } = load;
  const sets = Math.max(1, Math.ceil(load.recordsMin / (set.records * partitions * routes)));
  const broker = new LoopbackBroker(set, { source, partitions, sets });
  const paths = Array.from({ length: routes }, () => pathOf(load, broker));
  const [before, beforeMs] = [process.cpuUsage(), performance.now()];
  await Promise.all(paths.map(({ path }) => path.open()));
  for (const { path, splits } of paths) for (const split of splits) path.add(split);
  const end = set.records * sets;
  const isDone = () => paths.every(({ splits }) => splits.every(({ done }) => done.position === end));
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 10));
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - beforeMs) / 1_000;
  await Promise.all(paths.map(({ path }) => path.close()));
  const produced = paths.flatMap(({ splits }) => splits).reduce((sum, { own }) => sum + own.out, 0);
  if (load.sink === undefined && produced !== broker.produced)
    throw new Error(`${broker.produced} records were produced, ${produced} accounted for`);
  const records = end * partitions * routes;
  const bytes = set.bytes.length * sets * partitions * routes;
  return { records, bytes, produced, cpuSeconds: (user + system) / 1e6, seconds };
}

function pathOf(load: Load, broker: LoopbackBroker): { readonly path: DataPath; readonly splits: readonly Split[] } {
  const lease = endlessLease();
  const parts = { ...partsOf(goalOf(load), broker), ...load.worker };
  const splits = splitRecordsOf(load).map((record) => new Split(record, clock));
  return { path: new DataPath(parts, lease, new ErrorsSeen(silent, clock), () => {}), splits };
}

export function endlessLease(): Lease {
  const lease = new Lease(Number.POSITIVE_INFINITY, clock.monotonicMs);
  lease.renew(clock.monotonicMs());
  return lease;
}

/** All that a data path uses of a worker's parts where its sink is a stream. */
export const partsOf = (goal: JobGoal, broker: LoopbackBroker): WorkerParts =>
  ({
    ...{ goal, processor: createProcessor(goal.program), eventTime: null, cluster: broker.cluster },
    ...{ clock, log: silent },
  }) as unknown as WorkerParts;

export const splitRecordsOf = ({ partitions }: Pick<Load, 'partitions'>): readonly SplitRecord[] =>
  Array.from({ length: partitions }, (_, partition) => ({
    ...{ split: `${source}/${partition}`, owner: 'w', epoch: 1, position: '0', topicId, accounting: noRecords },
  }));

export function goalOf({
  expressions,
  row,
  compression,
  sink = { kind: 'stream', stream: 'out', topic: 'out', keyed: false },
}: Pick<Load, 'expressions' | 'row' | 'compression' | 'sink'>): JobGoal {
  const planned = planRoute(expressions, row, { validate: row === null ? 'read' : 'declared' });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problem));
  return {
    formatVersion: 1,
    id: jobId('bench', 'scaling.out', 'u1'),
    tenant: 'bench',
    name: 'scaling.out',
    route: 'scaling',
    uid: 'u1',
    revision: 1,
    owner: 'bench',
    source: { stream: source, topic: source, start: { kind: 'earliest' } },
    program: planned.value,
    eventTime: null,
    sink,
    deadLetterTopic: 'dead',
    delivery: aDelivery,
    errors: anErrorPolicy,
    throttle: null,
    resources: { workers: 1, cpu: 1, memoryMiB: 256 },
    stalledAfterMs: 90_000,
    settings: { ...localSettings.worker, compression },
  };
}
