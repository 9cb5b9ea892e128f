// What the reader does with record sets that no healthy broker sends: it gives what was written, or says that it cannot.
import { describe, expect, test } from '@jest/globals';
import { crc32c } from '@platformatic/wasm-utils';
import fc from 'fast-check';
import { batchFields } from '#core/record-batch/batch-format.ts';
import { noHeaders, OutputBatch, type OutputCompression, type Slice } from '#workers/kafka/output-batch.ts';
import { offsetAfter, RecordReader } from '#workers/kafka/record-reader.ts';

const origin = { attach: (): void => {}, acknowledge: (): void => {} };
const slice = (text: string | null): Slice =>
  text === null
    ? { bytes: Buffer.alloc(0), start: 0, end: -1 }
    : { bytes: Buffer.from(text), start: 0, end: Buffer.byteLength(text) };

type Pair = readonly [key: string | null, value: string | null];

function batchOf(pairs: readonly Pair[], baseOffset: number, compression: OutputCompression = 'none'): Buffer {
  const batch = new OutputBatch();
  for (const [key, value] of pairs) batch.append(1_000, slice(key), slice(value), noHeaders, origin);
  batch.seal(compression);
  batch.stamp({ producerId: -1n, producerEpoch: -1, isTransactional: false }, -1);
  const bytes = Buffer.from(batch.bytes);
  bytes.writeBigInt64BE(BigInt(baseOffset), batchFields.baseOffset);
  return bytes;
}

function checksummed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(batchFields.attributes)), batchFields.crc);
  return batch;
}

/** What no input may bring about. */
class ReaderBroken extends Error {
  override readonly name = 'ReaderBroken';
}

interface Reading {
  readonly offsets: number[];
  readonly pairs: Pair[];
  readonly readTo: number;
  readonly failure: Error | null;
}

/** Reads to the end, or to where it cannot; never more records than there are bytes. */
function readAll(set: Buffer, from = 0): Reading {
  const reader = new RecordReader();
  const text = (start: number, end: number): string | null => {
    if (end < 0) return null;
    if (start > end || end > reader.bytes.length)
      throw new ReaderBroken(`a slice ${start}..${end} outside of the bytes`);
    return reader.bytes.toString('utf8', start, end);
  };
  const offsets: number[] = [];
  const pairs: Pair[] = [];
  reader.open(set, from, []);
  try {
    while (reader.next()) {
      offsets.push(reader.offset);
      pairs.push([text(reader.keyStart, reader.keyEnd), text(reader.valueStart, reader.valueEnd)]);
      if (pairs.length > 1_000_000) throw new ReaderBroken('it does not end');
    }
  } catch (error) {
    if (error instanceof ReaderBroken) throw error;
    return { offsets, pairs, readTo: reader.readTo, failure: error as Error };
  }
  return { offsets, pairs, readTo: reader.readTo, failure: null };
}

const aText = fc.option(fc.string({ maxLength: 40 }));
const aBatch = fc.array(fc.tuple(aText, aText), { minLength: 1, maxLength: 12 });
const aCodec = fc.constantFrom<OutputCompression>('none', 'lz4', 'zstd');
const someBatches = fc.tuple(fc.array(aBatch, { minLength: 1, maxLength: 4 }), aCodec).map(([batches, codec]) => {
  let next = 0;
  const bytes = batches.map((pairs) => {
    const made = batchOf(pairs, next, codec);
    next += pairs.length;
    return made;
  });
  return { bytes, pairs: batches.flat() };
});
/** Where, and with what, the bytes are changed. */
const someDamage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 });

describe('a record set that was damaged on its way', () => {
  test('never gives a record that was not written, nor passes one over, when what the checksum covers is altered', () => {
    fc.assert(
      fc.property(someBatches, fc.nat(), someDamage, ({ bytes, pairs }, which, damage) => {
        const batch = bytes[which % bytes.length]!;
        const before = Buffer.from(batch);
        for (const [at, change] of damage) {
          const index = batchFields.attributes + (at % (batch.length - batchFields.attributes));
          batch[index] = batch[index]! ^ change;
        }
        fc.pre(!batch.equals(before));
        const read = readAll(Buffer.concat(bytes));
        expect(read.failure).not.toBeNull();
        expect(read.pairs).toEqual(pairs.slice(0, read.pairs.length));
        expect(read.readTo).toBe(read.pairs.length);
      }),
      { numRuns: 300 },
    );
  });

  test('never makes the reader run on, or read outside of its bytes, whatever is altered', () => {
    fc.assert(
      fc.property(someBatches, someDamage, fc.boolean(), ({ bytes }, damage, repairs) => {
        const set = Buffer.concat(bytes);
        for (const [at, change] of damage) set[at % set.length] = set[at % set.length]! ^ change;
        // A checksum that fits the damage: a writer that lies, not a line that is noisy.
        if (repairs) checksummed(set);
        const { readTo } = readAll(set);
        expect(readTo).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });

  test('never makes the reader run on when it is no record set at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        readAll(Buffer.from(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('ends at a batch that stands behind a later one: what lies between would be passed over', () => {
    const set = Buffer.concat([batchOf([['a', '1']], 10), batchOf([['b', '2']], 5)]);
    const read = readAll(set);
    expect([read.offsets, read.readTo]).toEqual([[10], 11]);
    expect(read.failure?.message).toMatch(/stands behind one that ends at 11/);
  });

  test('ends at a record that claims an offset outside of its batch', () => {
    const batch = batchOf(
      [
        ['a', '1'],
        ['b', '2'],
      ],
      0,
    );
    batch.writeInt32BE(0, batchFields.lastOffsetDelta);
    const read = readAll(checksummed(batch));
    expect([read.offsets, read.failure?.message]).toEqual([[0], expect.stringMatching(/has offset 1 in a batch/)]);
  });
});

describe('[fault 97] what a log holds besides ordinary records', () => {
  test('a tombstone, a record without key and one without both are given as what they are', () => {
    const pairs: Pair[] = [
      ['k', null],
      [null, 'v'],
      [null, null],
      ['', ''],
    ];
    expect(readAll(batchOf(pairs, 3)).pairs).toEqual(pairs);
  });

  test('a batch that compaction emptied gives nothing and moves the position behind it', () => {
    const empty = batchOf([['a', '1']], 4).subarray(0, batchFields.records);
    empty.writeInt32BE(batchFields.records - 12, batchFields.length);
    empty.writeInt32BE(0, batchFields.recordCount);
    empty.writeInt32BE(6, batchFields.lastOffsetDelta);
    const set = Buffer.concat([checksummed(empty), batchOf([['b', '2']], 20)]);
    const read = readAll(set, 4);
    expect([read.offsets, read.readTo, read.failure]).toEqual([[20], 21, null]);
    expect(readAll(Buffer.from(empty), 4).readTo).toBe(11);
    expect(offsetAfter(set, 4)).toBe(21);
  });

  test('the position after compaction is the last offset that the batch ever had, not a count of its records', () => {
    const batch = batchOf([['a', '1']], 100);
    batch.writeInt32BE(9, batchFields.lastOffsetDelta);
    const read = readAll(checksummed(batch), 100);
    expect([read.offsets, read.readTo]).toEqual([[100], 110]);
  });
});
