// What every record log must do: an outcome for each record, and reading that ends where and when it should.
import { expect, test } from '@jest/globals';
import { limits } from '#core/limits.ts';
import type { AppendOutcome, LogRecord, ReadRequest, RecordLog } from '#core/ports/record-log.ts';

/** What a suite needs beside the log. */
export interface RecordLogRig {
  readonly log: RecordLog;
  newTopic(partitions: number, config?: Readonly<Record<string, string>>): Promise<string>;
  remakeTopic(topic: string): Promise<void>;
}

type Appended = Extract<AppendOutcome, { readonly kind: 'appended' }>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const aRecord = (value: string, key: string | null = null) => ({
  key: key === null ? null : bytes(key),
  value: bytes(value),
});
const textOf = (field: Uint8Array | null): string | null => (field === null ? null : new TextDecoder().decode(field));
const valuesOf = (records: readonly LogRecord[]): (string | null)[] => records.map(({ value }) => textOf(value));

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function readAll(log: RecordLog, topic: string, from: ReadRequest['from'] = 'earliest'): Promise<LogRecord[]> {
  const request = { topic, from, follow: false, signal: new AbortController().signal };
  return await collect(log.read(request));
}

export function recordLogContract(open: () => RecordLogRig): void {
  appendContract(open);
  refusalContract(open);
  readContract(open);
  followContract(open);
}

function appendContract(open: () => RecordLogRig): void {
  test('what the leader alone acknowledges is appended in order too, beside what all replicas do', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1);
    await log.append(topic, [aRecord('1')], 'available');
    await log.append(topic, [aRecord('2')]);
    const [third] = await log.append(topic, [aRecord('3')], 'available');
    expect(third).toEqual({ kind: 'appended', partition: 0, offset: '2' });
    expect(valuesOf(await readAll(log, topic))).toEqual(['1', '2', '3']);
  });

  test('records are read back as they were appended: nulls, empties and any bytes', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1);
    const any = Uint8Array.from({ length: 256 }, (_, index) => index);
    const records = [
      { key: null, value: null },
      { key: new Uint8Array(), value: new Uint8Array() },
      { key: any, value: any },
      { key: bytes('k'), value: null },
      { key: null, value: bytes('{"id":9007199254740993}') },
    ];
    const before = Date.now();
    const outcomes = await log.append(topic, records);
    expect(outcomes).toEqual(records.map((_, offset) => ({ kind: 'appended', partition: 0, offset: String(offset) })));
    const read = await readAll(log, topic);
    expect(
      read.map(({ key, value }) => ({ key: key && Uint8Array.from(key), value: value && Uint8Array.from(value) })),
    ).toEqual(records);
    for (const record of read) {
      expect(record.headers).toEqual([]);
      expect(record.timestamp).toBeGreaterThanOrEqual(before - 1);
      expect(record.timestamp).toBeLessThanOrEqual(Date.now() + 1);
    }
  });

  test('outcomes say where each record is, in the order of the records', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(4);
    const records = Array.from({ length: 500 }, (_, index) =>
      aRecord(`v${index}`, index % 3 === 0 ? null : `k${index}`),
    );
    const outcomes = (await log.append(topic, records)) as readonly Appended[];
    const placeOf = ({ partition, offset }: { partition: number; offset: string }): string => `${partition}/${offset}`;
    const found = new Map((await readAll(log, topic)).map((record) => [placeOf(record), textOf(record.value)]));
    expect(found.size).toBe(500);
    expect(outcomes.map((outcome) => found.get(placeOf(outcome)))).toEqual(records.map(({ value }) => textOf(value)));
  });

  test("a key's records are in one partition, where a Java producer would put them; records without keys spread", async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(8);
    const keys = ['21', 'foobar', 'a-little-bit-long-string', 'abc', ''];
    // murmur2 of these keys as Kafka's own tests state them, and of the empty key; all & 0x7fffffff, modulo 8.
    const hashes = [-973932308, -790332482, -985981536, 479470107, 275646681];
    const keyed = (await log.append(
      topic,
      keys.map((key) => aRecord('v', key)),
    )) as readonly Appended[];
    expect(keyed.map(({ partition }) => partition)).toEqual(hashes.map((hash) => (hash & 0x7fffffff) % 8));
    const free = (await log.append(
      topic,
      Array.from({ length: 80 }, () => aRecord('v')),
    )) as readonly Appended[];
    expect(new Set(free.map(({ partition }) => partition)).size).toBe(8);
  });

  test('appends at the same time keep the order of each', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1);
    const writers = ['a', 'b', 'c', 'd'];
    const batches = writers.map((writer) => Array.from({ length: 200 }, (_, index) => aRecord(`${writer}${index}`)));
    await Promise.all(batches.map((batch) => log.append(topic, batch)));
    const values = valuesOf(await readAll(log, topic));
    expect(values).toHaveLength(800);
    for (const [index, writer] of writers.entries()) {
      expect(values.filter((value) => value?.startsWith(writer))).toEqual(
        batches[index]!.map(({ value }) => textOf(value)),
      );
    }
  });

  test('a topic made anew under the same name takes records from its beginning', async () => {
    const { log, newTopic, remakeTopic } = open();
    const topic = await newTopic(1);
    await log.append(topic, [aRecord('old'), aRecord('old')]);
    await remakeTopic(topic);
    expect(await log.append(topic, [aRecord('new')])).toEqual([{ kind: 'appended', partition: 0, offset: '0' }]);
    expect(valuesOf(await readAll(log, topic))).toEqual(['new']);
  });

  test('appending nothing is no error; appending to no topic throws topic-missing', async () => {
    const { log } = open();
    expect(await log.append('there-is-none', [])).toEqual([]);
    const missing = { code: 'topic-missing', fault: 'user', retry: 'no-retry' };
    await expect(log.append('there-is-none', [aRecord('v')])).rejects.toMatchObject(missing);
  });
}

function refusalContract(open: () => RecordLogRig): void {
  test('a record over the limit is refused unsent, with its size and the limit, and holds up no other', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1);
    const huge = { key: null, value: new Uint8Array(limits.recordBytesMax + 1) };
    const outcomes = await log.append(topic, [aRecord('before'), huge, aRecord('after')]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['appended', 'refused', 'appended']);
    expect(outcomes[1]).toMatchObject({
      code: 'record-too-large',
      message: expect.stringMatching(`${limits.recordBytesMax + 1}.*${limits.recordBytesMax}`),
    });
    expect(valuesOf(await readAll(log, topic))).toEqual(['before', 'after']);
  });

  test('a record that the topic refuses for its size holds up no other of its batch', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1, { 'max.message.bytes': '20000' });
    const good = Array.from({ length: 100 }, (_, index) => aRecord(`${index} `.padEnd(1_000)));
    const records = good.toSpliced(37, 0, { key: null, value: new Uint8Array(30_000) });
    const outcomes = await log.append(topic, records);
    const refused = outcomes.flatMap((outcome, index) =>
      outcome.kind === 'refused' ? [{ index, code: outcome.code }] : [],
    );
    expect(refused).toEqual([{ index: 37, code: 'record-too-large' }]);
    expect(valuesOf(await readAll(log, topic))).toEqual(good.map(({ value }) => textOf(value)));
  });

  test('a record that the topic refuses for its content holds up no other: a compacted topic takes none without key', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1, { 'cleanup.policy': 'compact' });
    const outcomes = await log.append(topic, [aRecord('a', 'k1'), aRecord('b'), aRecord('c', 'k2')]);
    expect(outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.code : outcome.kind))).toEqual([
      'appended',
      'record-refused',
      'appended',
    ]);
    expect(valuesOf(await readAll(log, topic))).toEqual(['a', 'c']);
  });

  test('after a refusal the log goes on', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1, { 'max.message.bytes': '20000' });
    for (const value of ['one', 'x'.repeat(30_000), 'two', 'three']) await log.append(topic, [aRecord(value)]);
    expect(valuesOf(await readAll(log, topic))).toEqual(['one', 'two', 'three']);
  });
}

function readContract(open: () => RecordLogRig): void {
  test('each partition is read in order, and all of them', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(3);
    await log.append(
      topic,
      Array.from({ length: 3_000 }, (_, index) => aRecord(`v${index}`, `k${index}`)),
    );
    const read = await readAll(log, topic);
    expect(read).toHaveLength(3_000);
    for (const partition of [0, 1, 2]) {
      const offsets = read.filter((record) => record.partition === partition).map(({ offset }) => Number(offset));
      expect(offsets).toEqual(offsets.map((_, index) => index));
    }
  });

  test('reading an empty topic, or from its latest end, ends at once', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(2);
    expect(await readAll(log, topic)).toEqual([]);
    await log.append(topic, [aRecord('a'), aRecord('b')]);
    expect(await readAll(log, topic, 'latest')).toEqual([]);
  });

  test('reading from a time begins with the first record at or after it, in each partition', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(2);
    await log.append(topic, [aRecord('old'), aRecord('old')]);
    const between = Math.max(...(await readAll(log, topic)).map(({ timestamp }) => timestamp)) + 1;
    while (Date.now() <= between) await new Promise((resolve) => setImmediate(resolve));
    await log.append(topic, [aRecord('new'), aRecord('new')]);
    expect(valuesOf(await readAll(log, topic, { time: between }))).toEqual(['new', 'new']);
    expect(await readAll(log, topic, { time: Date.now() + 60_000 })).toEqual([]);
    expect(await readAll(log, topic, { time: 0 })).toHaveLength(4);
  });

  test('without follow reading ends at the ends as they were at the start', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1);
    // So large that the last fetch holds the last of them together with what came later.
    const values = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(600_000));
    await log.append(
      topic,
      values.map((value) => aRecord(value)),
    );
    const request = { topic, from: 'earliest', follow: false, signal: new AbortController().signal } as const;
    const read: LogRecord[] = [];
    for await (const record of log.read(request)) {
      if (read.push(record) === 1) await log.append(topic, [aRecord('late')]);
    }
    expect(valuesOf(read).map((value) => value?.[0])).toEqual(['a', 'b', 'c', 'd']);
  });

  test('more than one fetch holds is read whole', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(2);
    const value = new Uint8Array(1_000_000);
    await log.append(
      topic,
      Array.from({ length: 24 }, () => ({ key: null, value })),
    );
    const read = await readAll(log, topic);
    expect(read.map((record) => record.value?.length)).toEqual(new Array(24).fill(1_000_000));
  });

  test('reading a topic that does not exist throws topic-missing', async () => {
    await expect(readAll(open().log, 'there-is-none')).rejects.toMatchObject({ code: 'topic-missing', fault: 'user' });
  });
}

function followContract(open: () => RecordLogRig): void {
  test('following goes on until it is aborted, and then ends without an error', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(2);
    await log.append(topic, [aRecord('0')]);
    const abort = new AbortController();
    const values: (string | null)[] = [];
    for await (const { value } of log.read({ topic, from: 'earliest', follow: true, signal: abort.signal })) {
      values.push(textOf(value));
      if (values.length === 6) abort.abort();
      else await log.append(topic, [aRecord(String(values.length))]);
    }
    expect(values).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  test('an abort ends a reading that waits for records', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(1);
    const abort = new AbortController();
    const next = log.read({ topic, from: 'latest', follow: true, signal: abort.signal })[Symbol.asyncIterator]().next();
    setTimeout(() => abort.abort(), 200);
    const began = performance.now();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('a reading that was aborted before it began reads nothing', async () => {
    const request = { topic: 'there-is-none', from: 'earliest', follow: true, signal: AbortSignal.abort() } as const;
    expect(await collect(open().log.read(request))).toEqual([]);
  });

  test('a slow reader gets every record', async () => {
    const { log, newTopic } = open();
    const topic = await newTopic(2);
    const abort = new AbortController();
    const total = 400;
    const seen = new Set<string | null>();
    const writing = (async () => {
      for (let at = 0; at < total; at += 50)
        await log.append(
          topic,
          Array.from({ length: 50 }, (_, index) => aRecord(`v${at + index}`)),
        );
    })();
    for await (const { value } of log.read({ topic, from: 'earliest', follow: true, signal: abort.signal })) {
      await new Promise((resolve) => setImmediate(resolve));
      if (seen.add(textOf(value)).size === total) abort.abort();
    }
    await writing;
    expect(seen.size).toBe(total);
  });
}
