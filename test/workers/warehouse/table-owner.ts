// An owner of one split that writes a table, over memory stores: fed by hand, and killed, paused or cut off at any object.
import { createTableCatalog } from '#adapters/s3/table-catalog.ts';
import { planRoute } from '#core/expression/index.ts';
import type { RowType } from '#core/expression/types.ts';
import { compileSink } from '#core/graph/compile-sink.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { buildWorld } from '#core/graph/world.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { WarehouseSinkGoal } from '#core/job/sink-goal.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { completeWarehouseSink } from '#core/spec/sinks/warehouse.ts';
import { aJobGoal } from '#test/support/builders.ts';
import { until } from '#test/support/until.ts';
import type { WorkerParts } from '#workers/parts.ts';
import type { Refusal, Sink, SinkHooks } from '#workers/sinks/sink.ts';
import { WarehouseSink } from '#workers/sinks/warehouse/warehouse-sink.ts';
import { Split, type Unit } from '#workers/split.ts';

export interface TableWishes {
  readonly row: RowType;
  readonly select?: string;
  readonly partitionBy?: readonly string[];
  readonly roll?: { readonly size?: string; readonly every?: string };
  readonly compression?: 'zstd' | 'snappy';
}

/** Needs `loadParser()` first. */
export function tableGoal({ row, select, ...declared }: TableWishes): WarehouseSinkGoal {
  const planned = planRoute(select === undefined ? {} : { select }, row);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problem));
  const { partitionBy, roll, compression } = declared;
  const sink = completeWarehouseSink('lake', {
    table: 'plays',
    ...(partitionBy === undefined ? {} : { partitionBy: [...partitionBy] }),
    ...(roll === undefined ? {} : { roll }),
    ...(compression === undefined ? {} : { compression }),
  });
  const goal = compileSink(sink, {
    ...{ tenant: 'default', program: planned.value },
    ...{ settings: localSettings, plan: planRoute, world: buildWorld([], planRoute) },
  });
  if (goal?.kind !== 'warehouse') throw new Error('no such table');
  return goal;
}

export const splitRecord = (changes: Partial<SplitRecord> = {}): SplitRecord => ({
  split: 'playback-events/3',
  owner: 'w',
  epoch: 1,
  position: '0',
  topicId: 'A',
  accounting: noRecords,
  ...changes,
});

const encoder = new TextEncoder();
const nothing = { bytes: new Uint8Array(0), start: 0, end: -1 };
export const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface OwnerWishes {
  readonly memoryMiB?: number;
  readonly hooks?: SinkHooks;
}

export class TableOwner {
  readonly sink: Sink & Required<Pick<Sink, 'adopt'>>;
  readonly split: Split;
  readonly troubles: string[] = [];
  readonly refusals: Refusal[] = [];
  isFenced = false;
  maySend = true;
  /** What the split's item says. */
  isOwner = true;
  #isClosed = false;

  constructor(goal: WarehouseSinkGoal, objects: ObjectStore, record: SplitRecord | Split, wishes: OwnerWishes = {}) {
    const { memoryMiB = 256, hooks = this.#hooks() } = wishes;
    this.split = record instanceof Split ? record : new Split(record, clock);
    const { epoch } = record;
    const owner = `w${epoch}`;
    const worker = {
      goal: aJobGoal({ sink: goal, resources: { workers: 1, cpu: 0.25, memoryMiB } }),
      identity: { worker: owner, incarnation: epoch, slot: 0 },
      warehouse: { files: objects, catalog: createTableCatalog(objects) },
      splits: {
        list: async () => [splitRecord(this.isOwner ? { owner, epoch } : { owner: 'another', epoch: epoch + 1 })],
      },
      clock,
      log,
    } as unknown as WorkerParts;
    this.sink = new WarehouseSink(goal, {
      worker,
      outlet: null as never,
      newestAt: () => null,
      hooks,
    });
  }

  #hooks(): SinkHooks {
    return {
      maySend: () => this.maySend,
      onTrouble: (code, message) => this.troubles.push(`${code}: ${message}`),
      judge: () => 'retry',
      onReplay: (reason) => this.troubles.push(`replay: ${reason}`),
      onFenced: () => {
        this.isFenced = true;
      },
      setAside: () => {},
      monotonicMs: clock.monotonicMs,
    };
  }

  async start(): Promise<void> {
    await this.sink.open();
    await this.sink.adopt(this.split);
  }

  /** Reads the events from where the split stands: a unit for every `unitRecords`. */
  read(events: readonly (object | string | null)[], unitRecords = 10, upTo = events.length): Unit[] {
    const units: Unit[] = [];
    while (this.split.fetchOffset < upTo) {
      const end = Math.min(this.split.fetchOffset + unitRecords, upTo);
      const unit = this.split.openUnit();
      for (let offset = this.split.fetchOffset; offset < end; offset++) this.#take(events[offset]!, unit, offset);
      this.split.fetchOffset = end;
      unit.close(end);
      units.push(unit);
    }
    this.sink.nudge();
    return units;
  }

  #take(event: object | string | null, unit: Unit, offset: number): void {
    const bytes = event === null ? null : encoder.encode(typeof event === 'string' ? event : JSON.stringify(event));
    const value = bytes === null ? nothing : { bytes, start: 0, end: bytes.length };
    const view = { split: this.split, offset, timestamp: 0, key: nothing, value, headers: nothing };
    const refusal = this.sink.take(view, unit, { keep: () => view });
    unit.in++;
    if (refusal === null) unit.out++;
    else {
      this.refusals.push(refusal);
      unit.deadLettered++;
    }
  }

  async done(position: number, withinMs?: number): Promise<void> {
    const look = (): true | null => {
      if (this.#isClosed) throw new Error('the owner is no more');
      return this.split.done.position >= position ? true : null;
    };
    await until(look, `position ${position}`, withinMs);
  }

  /** Everything read is in the table. */
  async write(): Promise<void> {
    this.sink.flush();
    await this.done(this.split.fetchOffset);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.sink.close();
  }

  /** The split's item as the owner would have left it. */
  record(epoch: number): SplitRecord {
    const { position, topicId, accounting } = this.split.done;
    return splitRecord({ epoch, position: String(position), topicId, accounting });
  }
}

/** What becomes of an operation on the store: hold: nobody hears of it again, unless it is released. */
export type Fate = 'pass' | 'hold-before' | 'hold-after' | 'fail';

export interface FaultyStore extends ObjectStore {
  readonly operations: string[];
  /** Carries out what was held; what is asked from now on passes. */
  release(): void;
}

/** Each operation in turn is given its number, from 0, and its fate. */
export function faultyStore(objects: ObjectStore, fate: (index: number, operation: string) => Fate): FaultyStore {
  const operations: string[] = [];
  const released = Promise.withResolvers<void>();
  let isReleased = false;
  async function carryOut<Answer>(operation: string, act: () => Promise<Answer>): Promise<Answer> {
    const decided = isReleased ? 'pass' : fate(operations.push(operation) - 1, operation);
    if (decided === 'fail') throw new Error('503 Slow Down');
    if (decided === 'hold-before') await released.promise;
    const answer = await act();
    if (decided === 'hold-after') await released.promise;
    return answer;
  }
  return {
    operations,
    release: () => {
      isReleased = true;
      released.resolve();
    },
    put: (key, bytes, options) => carryOut(`put ${key}`, () => objects.put(key, bytes, options)),
    copy: (from, to) => carryOut(`copy ${to}`, () => objects.copy(from, to)),
    get: (key) => carryOut(`get ${key}`, () => objects.get(key)),
    list: (prefix) => carryOut(`list ${prefix}`, () => objects.list(prefix)),
    remove: (key) => carryOut(`remove ${key}`, () => objects.remove(key)),
  };
}
