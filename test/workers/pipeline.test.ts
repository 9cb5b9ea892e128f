// What the pipeline does with fetched record sets, seen at its sink and its split: batches without bounds, and operators that remember.

import { beforeAll, describe, expect, test } from '@jest/globals';
import { createRecordsBatch } from '@platformatic/kafka';
import { createProcessor, loadParser } from '#core/expression/index.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { rememberedEvents } from '#core/operators/operator.ts';
import { Chain } from '#core/operators/run/chain.ts';
import { batchFields } from '#core/record-batch/batch-format.ts';
import type { RecordErrorAction } from '#core/spec/route-spec.ts';
import { plannedRoute } from '#test/support/run-chain.ts';
import { Aside } from '#workers/aside.ts';
import { Brakes } from '#workers/brakes.ts';
import { DeadLetterRate } from '#workers/dead-letter-rate.ts';
import type { FetchedPartition } from '#workers/kafka/apis.ts';
import type { Slice } from '#workers/kafka/output-batch.ts';
import { LossBudget } from '#workers/loss-budget.ts';
import { Pipeline } from '#workers/pipeline.ts';
import type { Original, RecordView, Refusal, Sink } from '#workers/sinks/sink.ts';
import { Split, type Unit } from '#workers/split.ts';
import { Throttle } from '#workers/throttle.ts';

beforeAll(loadParser);

/** Takes everything, and has it acknowledged when it is told to. */
class MemorySink implements Sink {
  readonly isRefused = false;
  pendingBytesMax = Infinity;
  pendingBytes = 0;
  mostBytes = 0;
  onTake: () => void = () => {};
  values: string[] = [];
  timestamps: number[] = [];
  /** Asked of the parts of a record. */
  check: (record: RecordView) => Refusal | null = () => null;
  #units: Unit[] = [];

  keeps = false;
  readonly kept: RecordView[] = [];

  take({ value, timestamp }: RecordView, unit: Unit, original: Original): null {
    if (this.keeps) this.kept.push(original.keep());
    this.timestamps.push(timestamp);
    this.values.push(Buffer.from(value.bytes.subarray(value.start, value.end)).toString());
    this.pendingBytes += value.end - value.start;
    this.mostBytes = Math.max(this.mostBytes, this.pendingBytes);
    this.onTake();
    unit.attach();
    this.#units.push(unit);
    return null;
  }

  acknowledge(): void {
    for (const unit of this.#units.splice(0)) unit.acknowledge();
    this.pendingBytes = 0;
  }

  get hasRoom(): boolean {
    return this.pendingBytes < this.pendingBytesMax;
  }

  async open(): Promise<void> {}
  room(): null {
    return null;
  }
  nudge(): void {}
  flush(): void {}
  startOver(): null {
    this.#units = [];
    return null;
  }
  async close(): Promise<void> {}
}

const nowMs = 1_800_000_000_000;
let monotonicMs = 0;
const clock = { now: () => nowMs, monotonicMs: () => monotonicMs };

function rig(
  route: object = {},
  poison: RecordErrorAction = 'dead-letter',
  position = 0,
  stream: object = {},
  lossShare: number | null = null,
) {
  const { operators, programs } = plannedRoute(route, stream);
  const program = programs.get('out')!;
  const goal = {
    ...{ name: 'r.out', revision: 1, program, operators, deadLetterTopic: 'd', sink: { keyed: false } },
    errors: { poison, schema: poison },
  } as unknown as JobGoal;
  const sink = new MemorySink();
  const errors: string[] = [];
  const letters = { values: [] as string[], valuesMax: Infinity };
  const asideHasRoom = (): boolean => letters.values.length < letters.valuesMax;
  const hasRoom = (): boolean => sink.hasRoom && asideHasRoom();
  const onError = (_code: string, message: string): void => void errors.push(message);
  const parts = {
    goal,
    outlet: {
      append: (_writer: unknown, _partition: number, _at: number, _key: unknown, { bytes, start, end }: Slice) => {
        letters.values.push(Buffer.from(bytes.subarray(start, end)).toString());
        return true;
      },
    } as never,
    deadLetters: { partitionCount: 1 } as never,
    deadLetterRate: new DeadLetterRate(() => null, clock.monotonicMs),
    now: clock.now,
    onError,
  };
  const pipeline = new Pipeline({
    ...{
      decoder: null,
      brakes: new Brakes({
        ...{ decoder: null, gate: null, sinkRoom: () => null },
        lossBudget: lossShare === null ? null : new LossBudget(lossShare, hasRoom, () => {}),
        ...{ sinkHasRoom: hasRoom, asideHasRoom, monotonicMs: clock.monotonicMs },
        throttle: new Throttle(() => null, clock.monotonicMs),
      }),
      gate: null,
      eventTime: null,
      aside: new Aside(parts),
    },
    ...{ goal, sink, now: clock.now, onError },
    processor: createProcessor(program),
    chain: operators.length === 0 ? null : new Chain(operators, program, new Map()),
  });
  const record = {
    ...{ split: 'events/0', owner: 'w', epoch: 1, position: String(position), topicId: 't' },
    accounting: { in: 0, out: 0, filtered: 0, deadLettered: 0, dropped: {} },
  };
  return { sink, errors, letters, pipeline, split: new Split(record as never, clock, rememberedEvents(operators)) };
}

function batch(values: readonly string[], baseOffset: number, compression = 'none', timestamp = BigInt(nowMs)): Buffer {
  const messages = values.map((value) => ({
    ...{ topic: 'events', partition: 0, timestamp, key: null, headers: new Map() },
    value: Buffer.from(value),
  }));
  const bytes = Buffer.from(createRecordsBatch(messages as never, { compression } as never).buffer);
  bytes.writeBigInt64BE(BigInt(baseOffset), batchFields.baseOffset);
  return bytes;
}

const fetched = (records: Buffer): FetchedPartition => ({ records, aborted: [] }) as unknown as FetchedPartition;

describe('[fault 98] a batch of a few kilobytes that decompresses to 48 MiB', () => {
  const bomb = batch([`${' '.repeat(48 * 1024 * 1024)}{}`], 2, 'zstd');
  const set = Buffer.concat([batch(['{"n":0}', '{"n":1}'], 0), bomb, batch(['{"n":3}'], 3)]);

  test('is waited before, and the message says what it is and what can be done', () => {
    expect(bomb.length).toBeLessThan(16 * 1024);
    const { pipeline, split, sink, errors } = rig();
    for (let attempt = 0; attempt < 5; attempt++) pipeline.work(split, fetched(set), split.fetchOffset);
    sink.acknowledge();
    expect(sink.values).toEqual(['{"n":0}', '{"n":1}']);
    expect([split.state, split.done.position]).toEqual(['stuck', 2]);
    expect(errors.at(-1)).toMatch(/events\/0 offset 2: a record batch decompresses to more.*errors.poison: drop/);
  });

  test('is passed over and counted where the route drops poison', () => {
    const { pipeline, split, sink } = rig({}, 'drop');
    pipeline.work(split, fetched(set), 0);
    pipeline.work(split, fetched(set), split.fetchOffset);
    sink.acknowledge();
    expect(sink.values).toEqual(['{"n":0}', '{"n":1}', '{"n":3}']);
    expect(split.done).toMatchObject({ position: 4, accounting: { in: 4, out: 3, dropped: { 'too-large': 1 } } });
  });
});

describe('[fault 96] a record whose time cannot be', () => {
  test.each([
    ['before 1970', -1n],
    ['the smallest there is', -(2n ** 63n)],
    ['the largest there is', 2n ** 63n - 1n],
    ['a day ahead', BigInt(nowMs) + 86_400_000n],
  ])('(%s) passes with the time at which it was read: a sink would refuse it for ever', (_what, timestamp) => {
    const { pipeline, split, sink } = rig();
    pipeline.work(split, fetched(batch(['{"n":0}'], 0, 'none', timestamp)), 0);
    expect([sink.values, sink.timestamps]).toEqual([['{"n":0}'], [nowMs]]);
    expect(pipeline.newestAt).toBe(nowMs);
  });

  test('in 1970 is what it is', () => {
    const { pipeline, split, sink } = rig();
    pipeline.work(split, fetched(batch(['{"n":0}'], 0, 'none', 1n)), 0);
    expect(sink.timestamps).toEqual([1]);
  });
});

describe('dead letters of a route that may lose events, while their topic is away', () => {
  const poison = Array.from({ length: 100 }, (_, n) => `{"n":"x${n}"}`);
  const route = { select: 'n::integer AS n' };

  test('are bounded: beyond the budget the next record is waited before', () => {
    const { pipeline, split, letters } = rig(route, 'dead-letter', 0, {}, 0.5);
    letters.valuesMax = 10;
    expect(pipeline.work(split, fetched(batch(poison, 0)), 0)).toBe(20);
    expect(letters.values).toEqual(poison.slice(0, 10));
    letters.valuesMax = 20;
    pipeline.work(split, fetched(batch(poison, 0)), 20);
    expect(letters.values).toEqual([...poison.slice(0, 10), ...poison.slice(20, 30)]);
  });

  test('need no room where poison is dropped', () => {
    const { pipeline, split, letters } = rig(route, 'drop', 0, {}, 0.5);
    letters.valuesMax = 0;
    pipeline.work(split, fetched(batch(poison, 0)), 0);
    expect(split.done).toMatchObject({ position: 100, accounting: { in: 100, dropped: { poison: 100 } } });
  });
});

describe('a record of which the sink refuses one part', () => {
  const route = { operators: [{ explode: { field: 'tags', as: 'tag' } }], select: 'tag' };
  const tooLarge: Refusal = { errorClass: 'too-large', code: 'record-too-large', message: 'too large' };
  const set = batch(['{"tags":["a","b"]}', '{"tags":["c","d","long"]}', '{"tags":["e"]}'], 0);
  const refusesLong = ({ value }: RecordView): Refusal | null => (value.end - value.start > 12 ? tooLarge : null);

  test.each(['stop', 'drop'] as const)('leads to none of the others (%s)', (poison) => {
    const { pipeline, split, sink } = rig(route, poison);
    sink.check = refusesLong;
    pipeline.work(split, fetched(set), 0);
    sink.acknowledge();
    const behind = poison === 'stop' ? [] : ['{"tag":"e"}'];
    expect(sink.values).toEqual(['{"tag":"a"}', '{"tag":"b"}', ...behind]);
    expect(split.done).toMatchObject(
      poison === 'stop'
        ? { position: 1, accounting: { in: 1, out: 1, emitted: 2 } }
        : { position: 3, accounting: { in: 3, out: 2, emitted: 3, dropped: { 'too-large': 1 } } },
    );
  });

  test('that is one alone is asked about when it is given, and not before', () => {
    const { pipeline, split, sink } = rig(route);
    sink.check = () => tooLarge;
    pipeline.work(split, fetched(batch(['{"tags":["a"]}'], 0)), 0);
    expect(sink.values).toEqual(['{"tag":"a"}']);
  });
});

test('a record at fault is spoken of by its place, its field and its code, and none of its values is told', () => {
  const fields = { schema: { fields: { card: { type: 'bigint', pii: 'mask' } }, onInvalid: 'dead-letter' } };
  const { pipeline, split, errors } = rig({ select: 'card::text::bigint / 0 AS x' }, 'drop', 0, fields);
  pipeline.work(split, fetched(batch(['{"card":"4111 1111"}', '{"card":4111}', '{"card":4111'], 0)), 0);
  expect(errors).toEqual([
    'events/0 offset 0: field card is declared bigint: got JSON string (schema_mismatch); it is dropped and counted',
    'events/0 offset 1: invalid input syntax for type bigint (invalid_text_representation); it is dropped and counted',
    'events/0 offset 2: not JSON at byte 12 (malformed_json); it is dropped and counted',
  ]);
});

describe('operators that remember', () => {
  const route = { operators: [{ dedup: { key: 'n', within: '1h', events: 10 } }] };
  const events = ['{"n":0}', '{"n":1}', '{"n":0}', '{"n":2}'];

  test('see again what stands before the position, and nothing else comes of it', () => {
    const { pipeline, split, sink } = rig(route, 'dead-letter', 2);
    expect(split.fetchOffset).toBe(0);
    pipeline.work(split, fetched(batch(events.slice(0, 2), 0)), 0);
    expect(split.done).toMatchObject({ position: 2, accounting: { in: 0 } });
    pipeline.work(split, fetched(batch(events.slice(2), 2)), 2);
    sink.acknowledge();
    expect(sink.values).toEqual(['{"n":2}']);
    expect(split.done).toMatchObject({ position: 4, accounting: { in: 2, out: 1, filtered: 1 } });
  });

  test('after a failure know nothing that is read again, so that no record is taken for its own duplicate', () => {
    const { pipeline, split, sink } = rig(route);
    pipeline.work(split, fetched(batch(events, 0)), 0);
    sink.startOver();
    split.rewind();
    pipeline.work(split, fetched(batch(events, 0)), split.fetchOffset);
    sink.acknowledge();
    expect(sink.values).toEqual(['{"n":0}', '{"n":1}', '{"n":2}', '{"n":0}', '{"n":1}', '{"n":2}']);
    expect(split.done).toMatchObject({ position: 4, accounting: { in: 4, out: 3, filtered: 1 } });
  });
});

describe('a set of a few kilobytes that becomes many megabytes when it is unpacked', () => {
  const padded = (n: number): string => `{"n":${n},"pad":"${'x'.repeat(1_000)}"}`;
  const batches = Array.from({ length: 40 }, (_, index) =>
    batch(
      Array.from({ length: 500 }, (_, n) => padded(index * 500 + n)),
      index * 500,
      'zstd',
    ),
  );
  const set = Buffer.concat(batches);
  const batchBytes = 500 * padded(20_000).length;

  /** As the source does: works on in turns, and what was taken is acknowledged between them. */
  function workOn(records: Buffer, { pipeline, split, sink }: ReturnType<typeof rig>): number[] {
    const turns: number[] = [];
    for (let at = 0; at >= 0; ) {
      at = pipeline.work(split, set === records ? whole : fetched(records), at);
      turns.push(at);
      sink.acknowledge();
    }
    return turns;
  }
  const whole = fetched(set);

  test('is worked on as the sink has room: no more than one batch is taken beyond it', () => {
    expect(set.length).toBeLessThan(512 * 1024);
    const one = rig();
    one.sink.pendingBytesMax = 2 * 1024 * 1024;
    const turns = workOn(set, one);
    expect(turns.length).toBeGreaterThan(5);
    expect(one.sink.mostBytes).toBeLessThan(2 * 1024 * 1024 + batchBytes);
    expect(one.sink.values.map((value) => (JSON.parse(value) as { n: number }).n)).toEqual([...Array(20_000).keys()]);
    expect(one.split.done).toMatchObject({ position: 20_000, accounting: { in: 20_000, out: 20_000 } });
  });

  test('that is one batch is taken in parts too', () => {
    const one = rig();
    one.sink.pendingBytesMax = 1024 * 1024;
    const values = Array.from({ length: 8_000 }, (_, n) => padded(n));
    workOn(batch(values, 0, 'zstd'), one);
    expect(one.sink.mostBytes).toBeLessThan(1024 * 1024 + 1_000 * padded(8_000).length);
    expect(one.sink.values).toEqual(values);
    expect(one.split.done).toMatchObject({ position: 8_000, accounting: { in: 8_000, out: 8_000 } });
  });

  test('is left now and then for whatever else the thread has to do, also while there is room', () => {
    const one = rig();
    one.sink.onTake = () => {
      monotonicMs += 1 / 16;
    };
    const turns = workOn(set, one);
    expect(turns).toEqual([2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 14_000, 16_000, 18_000, -1]);
    expect(one.sink.values).toHaveLength(20_000);
  });
});

test('a list of thousands that is exploded closes the sink behind its record, not behind its batch', () => {
  const one = rig({ operators: [{ explode: { field: 'items' } }] });
  one.sink.pendingBytesMax = 10_000;
  const event = JSON.stringify({ items: Array.from({ length: 1_000 }, (_, n) => ({ n, pad: 'x'.repeat(100) })) });
  const records = fetched(batch([event, event, event], 0, 'zstd'));
  const turns = [0, 1, 2].map((at) => {
    const next = one.pipeline.work(one.split, records, at);
    one.sink.acknowledge();
    return next;
  });
  expect(turns).toEqual([1, 2, -1]);
  expect(one.sink.values).toHaveLength(3_000);
});

test('what a sink keeps of a record is one copy for all of its outputs, and another of the next record', () => {
  const one = rig({ operators: [{ explode: { field: 'items' } }] });
  one.sink.keeps = true;
  const events = [{ items: [1, 2, 3] }, { items: [4] }].map((event) => JSON.stringify(event));
  one.pipeline.work(one.split, fetched(batch(events, 0)), 0);
  const { kept } = one.sink;
  expect(new Set(kept).size).toBe(2);
  expect(kept.map(({ value }) => Buffer.from(value.bytes.subarray(value.start, value.end)).toString())).toEqual([
    ...[events[0], events[0], events[0], events[1]],
  ]);
});
