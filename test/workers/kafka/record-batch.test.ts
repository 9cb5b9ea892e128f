// Record batches: what others write we read, what we write others read, and what is damaged nobody takes for data.

import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka';
import { crc32c, snappyCompress } from '@platformatic/wasm-utils';
import fc from 'fast-check';
import { batchFields, lengthEnd } from '#core/record-batch/batch-format.ts';
import { compress, DecompressionRefused, decompress } from '#core/record-batch/compression.ts';
import { noHeaders, OutputBatch, recordBytes, type Slice } from '#workers/kafka/output-batch.ts';
import { CorruptBatch, offsetAfter, RecordReader } from '#workers/kafka/record-reader.ts';

interface Sample {
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer, Buffer])[];
}

const aBuffer = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const aRecord: fc.Arbitrary<Sample> = fc.record({
  // Within 12 days of each other: the other client writes larger differences wrongly.
  timestamp: fc.integer({ min: 1_800_000_000_000, max: 1_800_000_000_000 + 2 ** 30 }),
  key: fc.option(aBuffer),
  value: fc.option(aBuffer),
  headers: fc.array(
    fc.tuple(
      fc.string({ maxLength: 8 }).map((name) => Buffer.from(name)),
      aBuffer,
    ),
    { maxLength: 3 },
  ),
});
const someRecords = fc.array(aRecord, { minLength: 1, maxLength: 40 });
const anOffset = fc.integer({ min: 0, max: 2 ** 50 });

function written(records: readonly Sample[], compression: string, baseOffset: number): Buffer {
  const messages = records.map(({ timestamp, key, value, headers }) => ({
    topic: 't',
    partition: 0,
    timestamp: BigInt(timestamp),
    key,
    value,
    headers: new Map(headers),
  }));
  const bytes = Buffer.from(createRecordsBatch(messages as never, { compression } as never).buffer);
  bytes.writeBigInt64BE(BigInt(baseOffset), batchFields.baseOffset);
  return bytes;
}

function readAll(
  set: Buffer,
  from: number,
  aborted: { producerId: number; firstOffset: number }[] = [],
): (Sample & { offset: number })[] {
  const reader = new RecordReader();
  const records: (Sample & { offset: number })[] = [];
  reader.open(set, from, aborted);
  while (reader.next()) {
    const part = (start: number, end: number): Buffer | null =>
      end < 0 ? null : Buffer.from(reader.bytes.subarray(start, end));
    const headers = headersIn(reader.bytes.subarray(reader.headersStart, reader.headersEnd));
    const { offset, timestamp } = reader;
    records.push({
      offset,
      timestamp,
      key: part(reader.keyStart, reader.keyEnd),
      value: part(reader.valueStart, reader.valueEnd),
      headers,
    });
  }
  return records;
}

const headersIn = (bytes: Buffer): (readonly [Buffer, Buffer])[] =>
  Reader.from(bytes).readVarIntArray((reader) => [reader.readVarIntBytes()!, reader.readVarIntBytes()!] as const);

const slice = (bytes: Buffer | null): Slice =>
  bytes === null ? { bytes: Buffer.alloc(0), start: 0, end: -1 } : { bytes, start: 0, end: bytes.length };

const origin = { attach: (): void => {}, acknowledge: (): void => {} };
const withDistinctHeaders = (records: readonly Sample[]): Sample[] =>
  records.map((record) => ({ ...record, headers: record.headers.slice(0, 1) }));

const transactional = 0b1_0000;
const control = 0b11_0000;

/** A batch of one record. */
function marked(offset: number, producerId: bigint, attributes: number): Buffer {
  const record = { timestamp: 1, key: Buffer.alloc(4), value: Buffer.from(`${offset}`), headers: [] };
  const bytes = written([record], 'none', offset);
  bytes.writeInt16BE(attributes, batchFields.attributes);
  bytes.writeBigInt64BE(producerId, batchFields.producerId);
  bytes.writeUInt32BE(crc32c(bytes.subarray(batchFields.attributes)), batchFields.crc);
  return bytes;
}

interface Write {
  readonly producerId: number;
  readonly kind: 'write' | 'commit' | 'abort';
}

const aWrite: fc.Arbitrary<Write> = fc.record({
  producerId: fc.constantFrom(5, 6),
  kind: fc.constantFrom('write', 'write', 'commit', 'abort'),
});

/** The set that a broker gives of these writes, one at an offset, and its list of what was aborted. */
function transactionsOf(writes: readonly Write[]): {
  readonly set: Buffer;
  readonly aborted: { producerId: number; firstOffset: number }[];
  readonly end: number;
} {
  const open = new Map<number, number>();
  const aborted: { producerId: number; firstOffset: number }[] = [];
  const batches = writes.map(({ producerId, kind }, offset) => {
    if (kind === 'write') open.set(producerId, open.get(producerId) ?? offset);
    else {
      const firstOffset = open.get(producerId);
      if (kind === 'abort' && firstOffset !== undefined) aborted.push({ producerId, firstOffset });
      open.delete(producerId);
    }
    return marked(offset, BigInt(producerId), kind === 'write' ? transactional : control);
  });
  return { set: Buffer.concat(batches), aborted, end: writes.length };
}

describe('reading', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'gives what another client wrote, byte for byte (%s)',
    (compression) => {
      fc.assert(
        fc.property(someRecords, anOffset, (some, base) => {
          const records = withDistinctHeaders(some);
          const read = readAll(written(records, compression, base), base);
          expect(read).toEqual(records.map((record, index) => ({ ...record, offset: base + index })));
        }),
        { numRuns: 60 },
      );
    },
  );

  test('goes over several batches and begins in the middle of one', () => {
    fc.assert(
      fc.property(fc.array(someRecords, { minLength: 2, maxLength: 4 }), fc.nat(), (batches, at) => {
        const all = batches.flat();
        let base = 0;
        const set = Buffer.concat(
          batches.map((records) => {
            const bytes = written(records, 'none', base);
            base += records.length;
            return bytes;
          }),
        );
        const from = at % all.length;
        expect(readAll(set, from).map(({ offset }) => offset)).toEqual(all.map((_, index) => index).slice(from));
        expect(offsetAfter(set, from)).toBe(all.length);
      }),
      { numRuns: 50 },
    );
  });

  test('ends before a batch that is cut short, and says where to go on', () => {
    fc.assert(
      fc.property(someRecords, someRecords, fc.nat(), (first, second, cut) => {
        const whole = written(first, 'none', 0);
        const half = written(second, 'none', first.length);
        const set = Buffer.concat([whole, half.subarray(0, cut % half.length)]);
        const reader = new RecordReader();
        reader.open(set, 0, []);
        let count = 0;
        while (reader.next()) count++;
        expect([count, reader.readTo, offsetAfter(set, 0)]).toEqual([first.length, first.length, first.length]);
      }),
      { numRuns: 50 },
    );
  });

  test('refuses a batch with any byte of its body altered', () => {
    fc.assert(
      fc.property(someRecords, fc.nat(), fc.integer({ min: 1, max: 255 }), (records, at, change) => {
        const set = written(records, 'none', 7);
        const index = batchFields.attributes + (at % (set.length - batchFields.attributes));
        set[index] = set[index]! ^ change;
        expect(() => readAll(set, 7)).toThrow(CorruptBatch);
      }),
      { numRuns: 100 },
    );
  });

  test('never reads past a batch whose lengths lie under a right checksum', () => {
    fc.assert(
      fc.property(someRecords, fc.nat(), fc.nat({ max: 255 }), (records, at, byte) => {
        const set = written(records, 'none', 0);
        set[batchFields.records + (at % (set.length - batchFields.records))] = byte;
        set.writeUInt32BE(crc32c(set.subarray(batchFields.attributes)), batchFields.crc);
        const reader = new RecordReader();
        reader.open(set, 0, []);
        try {
          for (let count = 0; reader.next(); count++) {
            expect(count).toBeLessThanOrEqual(records.length);
            expect(Math.max(reader.keyEnd, reader.valueEnd, reader.headersEnd)).toBeLessThanOrEqual(set.length);
          }
        } catch (error) {
          expect(error instanceof CorruptBatch || error instanceof RangeError).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('passes over control batches and the records of aborted transactions, and moves on behind them', () => {
    const set = Buffer.concat([
      marked(0, 5n, transactional),
      marked(1, 6n, transactional),
      marked(2, 5n, control),
      marked(3, 5n, transactional),
      marked(4, 6n, control),
      marked(5, 5n, control),
    ]);
    const reader = new RecordReader();
    reader.open(set, 0, [{ producerId: 5, firstOffset: 0 }]);
    const offsets: number[] = [];
    while (reader.next()) offsets.push(reader.offset);
    expect(offsets).toEqual([1, 3]);
    expect(reader.readTo).toBe(6);
  });

  test('gives from any offset of a set on what the whole set gives from there, whatever transactions it holds', () => {
    fc.assert(
      fc.property(fc.array(aWrite, { minLength: 1, maxLength: 20 }), (writes) => {
        const { set, aborted, end } = transactionsOf(writes);
        const whole = readAll(set, 0, aborted).map(({ offset }) => offset);
        for (let cut = 0; cut < end; cut++) {
          const tail = whole.filter((offset) => offset >= cut);
          expect(readAll(set, cut, aborted).map(({ offset }) => offset)).toEqual(tail);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('goes on where it was paused, and unpacks nothing twice', () => {
    const values = Array.from({ length: 10 }, (_, n) => ({
      timestamp: 1,
      key: null,
      value: Buffer.from([n]),
      headers: [],
    }));
    const set = written(values, 'zstd', 0);
    const reader = new RecordReader();
    reader.open(set, 0, []);
    const offsets: number[] = [];
    while (offsets.length < 4 && reader.next()) offsets.push(reader.offset);
    reader.pause();
    set.fill(0, batchFields.records);
    reader.open(set, reader.readTo, []);
    while (reader.next()) offsets.push(reader.offset);
    expect([offsets, reader.readTo]).toEqual([[...Array(10).keys()], 10]);
    reader.open(set, 4, []);
    expect(() => reader.next()).toThrow(CorruptBatch);
  });

  test('gives what a producer committed after it had aborted, also where the abort lies before the offset', () => {
    const { set, aborted } = transactionsOf([
      { producerId: 5, kind: 'write' },
      { producerId: 5, kind: 'abort' },
      { producerId: 5, kind: 'write' },
      { producerId: 5, kind: 'commit' },
    ]);
    for (const from of [0, 1, 2]) expect(readAll(set, from, aborted).map(({ offset }) => offset)).toEqual([2]);
  });
});

describe('writing', () => {
  test.each(['none', 'lz4', 'zstd'] as const)('gives what another client reads, byte for byte (%s)', (compression) => {
    fc.assert(
      fc.property(someRecords, fc.nat({ max: 1_000_000 }), (some, sequence) => {
        const records = withDistinctHeaders(some);
        const batch = new OutputBatch();
        for (const { timestamp, key, value, headers } of records) {
          const encoded = encodeHeaders(headers);
          batch.append(timestamp, slice(key), slice(value), headers.length === 0 ? noHeaders : slice(encoded), origin);
        }
        const plainBytes = batch.length;
        batch.seal(compression);
        batch.stamp({ producerId: 77n, producerEpoch: 3, isTransactional: false }, sequence);
        const read = readRecordsBatch(Reader.from(Buffer.from(batch.bytes)));
        expect(batch.bytes.readInt32BE(batchFields.length)).toBe(batch.bytes.length - lengthEnd);
        expect(crc32c(batch.bytes.subarray(batchFields.attributes))).toBe(batch.bytes.readUInt32BE(batchFields.crc));
        expect([read.producerId, read.producerEpoch, read.firstSequence]).toEqual([77n, 3, sequence]);
        expect(Number(read.maxTimestamp)).toBe(Math.max(...records.map((record) => record.timestamp)));
        expect(
          read.records.map((record) => ({
            timestamp: Number(read.firstTimestamp) + Number(record.timestampDelta),
            key: record.key && Buffer.from(record.key),
            value: record.value && Buffer.from(record.value),
            headers: (record.headers as unknown as [Buffer, Buffer][]).map((field) =>
              field.map((part) => Buffer.from(part)),
            ),
          })),
        ).toEqual(records);
        const sizes = records.map(({ key, value, headers }) =>
          recordBytes(slice(key), slice(value), slice(encodeHeaders(headers))),
        );
        const most = sizes.reduce((sum, size) => sum + size, batchFields.records);
        expect(plainBytes).toBeLessThanOrEqual(most);
      }),
      { numRuns: 60 },
    );
  });
});

test.each([
  ['none', 'its plain bytes until it is over'],
  ['lz4', 'no plain bytes beside its compressed ones'],
  ['zstd', 'no plain bytes beside its compressed ones'],
] as const)('a batch that is sealed (%s) keeps %s', (compression, _kept) => {
  const batch = new OutputBatch();
  const value = slice(Buffer.alloc(100_000, 'x'));
  for (let count = 0; count < 5; count++) batch.append(1, slice(null), value, noHeaders, origin);
  const sealed = batch.seal(compression);
  const released = batch.release();
  const plain = { sealed: sealed?.length ?? 0, released: released?.length ?? 0 };
  if (compression === 'none') expect(plain).toEqual({ sealed: 0, released: batch.bytes.buffer.byteLength });
  else {
    expect(plain).toEqual({ sealed: expect.any(Number), released: 0 });
    expect(plain.sealed).toBeGreaterThanOrEqual(500_000);
    sealed!.fill(0xff);
    batch.stamp({ producerId: 1n, producerEpoch: 0, isTransactional: false }, 0);
    expect(readAll(Buffer.from(batch.bytes), 0).map(({ value: read }) => read?.length)).toEqual(Array(5).fill(100_000));
    expect(batch.bytes.buffer.byteLength).toBe(batch.length);
  }
});

function encodeHeaders(headers: Sample['headers']): Buffer {
  const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([(bytes.length << 1) & 0x7f]), bytes]);
  const long = (bytes: Buffer): Buffer => {
    const raw = bytes.length * 2;
    return raw < 128 ? field(bytes) : Buffer.concat([Buffer.from([(raw & 0x7f) | 0x80, raw >> 7]), bytes]);
  };
  return Buffer.concat([Buffer.from([headers.length * 2]), ...headers.flat().map(long)]);
}

describe('decompression', () => {
  const bomb = Buffer.alloc(4 * 1024 * 1024);
  test.each([
    ['gzip', 1, gzipSync(bomb)],
    ['snappy', 2, Buffer.from([0x80, 0x80, 0x80, 0x80, 0x01, 0x00])],
    ['lz4', 3, compress('lz4', bomb)],
    ['zstd', 4, compress('zstd', bomb)],
  ])('refuses what becomes larger than the bound (%s)', (_name, code, bytes) => {
    expect(() => decompress(code, bytes, 1024 * 1024)).toThrow(DecompressionRefused);
  });

  test('takes what is just within it', () => {
    expect(decompress(4, compress('zstd', bomb), bomb.length).length).toBe(bomb.length);
    expect(decompress(3, compress('lz4', bomb), bomb.length).length).toBe(bomb.length);
  });
});

test('snappy is read in the framing of Java’s library: blocks, each with its length before it', () => {
  const blocks = ['first block ', 'second block'.repeat(100)].map((text) =>
    Buffer.from(snappyCompress(Buffer.from(text))),
  );
  const framed = Buffer.concat([
    Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1]),
    ...blocks.flatMap((block) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(block.length);
      return [length, block];
    }),
  ]);
  expect(decompress(2, framed).toString()).toBe(`first block ${'second block'.repeat(100)}`);
});
