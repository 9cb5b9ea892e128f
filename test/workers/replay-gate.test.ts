// What a replay lets through, and that a dead letter becomes the record it was before: its own headers, its place, its count.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser, planRoute } from '#core/expression/index.ts';
import type { ReplayGoal } from '#core/job/job-goal.ts';
import { deadLetterHeadersOf } from '#workers/dead-letter.ts';
import type { RecordReader } from '#workers/kafka/record-reader.ts';
import { varintBytes, writeVarint } from '#workers/kafka/varint.ts';
import { ReplayGate } from '#workers/replay-gate.ts';

beforeAll(loadParser);

type Headers = readonly (readonly [string, string])[];

function encoded(headers: Headers): Buffer {
  const fields = headers.flat().map((text) => Buffer.from(text));
  const size = fields.reduce((sum, { length }) => sum + varintBytes(length) + length, varintBytes(headers.length));
  const bytes = Buffer.alloc(size);
  let at = writeVarint(bytes, headers.length, 0);
  for (const field of fields) {
    at = writeVarint(bytes, field.length, at);
    at += field.copy(bytes, at);
  }
  return bytes;
}

function aDeadLetter(own: Headers, facts: { errorCode?: string; offset?: number; replays?: number; at?: number } = {}) {
  const original = encoded(own);
  const headers = deadLetterHeadersOf(
    { bytes: original, start: 0, end: original.length },
    {
      ...{
        job: 'plays.out',
        revision: 3,
        errorClass: 'poison',
        errorMessage: 'a test',
        topic: 'plays',
        topicId: 'life-1',
        partition: 2,
      },
      ...{ errorCode: facts.errorCode ?? 'bad', offset: facts.offset ?? 70, timestamp: 5, failedAt: 9 },
      replays: facts.replays ?? 0,
    },
  );
  const value = Buffer.from('{"id":"a"}');
  const bytes = Buffer.concat([value, headers.bytes]);
  const at = facts.at ?? 0;
  const reader = { bytes, valueStart: 0, valueEnd: value.length, headersStart: value.length, offset: at };
  return reader as unknown as RecordReader;
}

const aGate = (changes: Partial<ReplayGoal> = {}, now = () => 0): ReplayGate =>
  new ReplayGate(
    { ...{ errorClass: null, errorCode: null, where: null, ends: { 0: 100 }, recordsPerSecond: 10 }, ...changes },
    now,
  );

const whereOf = (where: string): ReplayGoal['where'] => {
  const planned = planRoute({ where }, null);
  return planned.ok ? planned.value : null;
};

const admits = (gate: ReplayGate, reader: RecordReader, partition = 0, topicId = 't'): boolean =>
  gate.admits(reader, { partition, topicId }, { bytes: reader.bytes, start: reader.valueStart, end: reader.valueEnd });

describe('a replay', () => {
  test('gives a record back its own headers, byte for byte, and its place in the source', () => {
    const header = fc.tuple(fc.string({ maxLength: 20 }), fc.string({ maxLength: 200 }));
    fc.assert(
      fc.property(fc.array(header, { maxLength: 6 }), fc.nat(), fc.nat(5), (own, offset, replays) => {
        const gate = aGate();
        expect(admits(gate, aDeadLetter(own, { offset, replays }))).toBe(true);
        const { bytes, start, end } = gate.headers;
        expect(Buffer.from(bytes.subarray(start, end))).toEqual(encoded(own));
        expect(gate.origin).toEqual({
          ...{ topic: 'plays', topicId: 'life-1', partition: 2, offset },
          ...{ replays: replays + 1, errorClass: 'poison' },
        });
      }),
    );
  });

  test('lets through what fits all that is asked, and nothing from its end on', () => {
    const admitted = (changes: Partial<ReplayGoal>, at = 0): boolean => admits(aGate(changes), aDeadLetter([], { at }));
    expect(admitted({})).toBe(true);
    expect(admitted({ errorClass: 'poison', errorCode: 'bad', where: whereOf("id = 'a'") })).toBe(true);
    expect(admitted({ errorClass: 'schema' })).toBe(false);
    expect(admitted({ errorCode: 'worse' })).toBe(false);
    expect(admitted({ where: whereOf("id = 'b'") })).toBe(false);
    expect([admitted({}, 99), admitted({}, 100), admits(aGate(), aDeadLetter([]), 1)]).toEqual([true, false, false]);
  });

  test('takes nothing from a topic that was made anew, where it knows which one its ends are of', () => {
    const admitted = (gate: ReplayGate): boolean => admits(gate, aDeadLetter([]), 0, 'made anew');
    expect([admitted(aGate()), admitted(aGate({ topicId: 'made anew' })), admitted(aGate({ topicId: 't' }))]).toEqual([
      ...[true, true, false],
    ]);
  });

  test('is paced: what was let through has to be paid for before more is read, and only that', () => {
    let now = 0;
    const gate = aGate({ errorCode: null }, () => now);
    expect([gate.room(), gate.isWaiting]).toEqual([null, false]);
    for (let record = 0; record < 5; record++) admits(gate, aDeadLetter([]));
    expect(gate.isWaiting).toBe(true);
    now = 499;
    expect(gate.room()).not.toBeNull();
    now = 500;
    expect([gate.room(), gate.isWaiting]).toEqual([null, false]);
    // An idle hour buys nothing.
    now = 3_600_000;
    admits(gate, aDeadLetter([]));
    expect(gate.isWaiting).toBe(true);
  });
});
