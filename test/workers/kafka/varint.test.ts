// Variable-length integers: what is written is read again, in the bytes that it was said to take.
import { describe, expect, test } from '@jest/globals';
import { Writer } from '@platformatic/kafka';
import fc from 'fast-check';
import {
  readInt64,
  readUnsignedVarint,
  readVarint,
  readVarlong,
  varintBytes,
  varlongBytes,
  writeInt64,
  writeUnsignedVarint,
  writeVarint,
  writeVarlong,
} from '#workers/kafka/varint.ts';

const anInteger = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)));
const aLong = fc.oneof(anInteger, fc.integer({ min: -(2 ** 52), max: 2 ** 52 }));

describe('integers on the wire', () => {
  test('varints are those of another client', () => {
    fc.assert(
      fc.property(anInteger, (value) => {
        const bytes = Buffer.alloc(8);
        const end = writeVarint(bytes, value, 0);
        expect(end).toBe(varintBytes(value));
        expect(bytes.subarray(0, end)).toEqual(Writer.create().appendVarInt(value).buffer);
        const cursor = { at: 0 };
        expect(readVarint(bytes, cursor)).toBe(value);
        expect(cursor.at).toBe(end);
      }),
    );
  });

  test('varlongs are those of another client, where that one is right (to 31 bits), and come back as they were', () => {
    fc.assert(
      fc.property(aLong, (value) => {
        const bytes = Buffer.alloc(12);
        const end = writeVarlong(bytes, value, 0);
        expect(end).toBe(varlongBytes(value));
        if (Math.abs(value) < 2 ** 30)
          expect(bytes.subarray(0, end)).toEqual(Writer.create().appendVarInt64(BigInt(value)).buffer);
        const cursor = { at: 0 };
        expect(readVarlong(bytes, cursor)).toBe(value);
        expect(cursor.at).toBe(end);
      }),
    );
  });

  test('unsigned varints and 64-bit integers come back as they were', () => {
    fc.assert(
      fc.property(fc.nat(), aLong, (small, large) => {
        const bytes = Buffer.alloc(16);
        const end = writeUnsignedVarint(bytes, small, 0);
        const cursor = { at: 0 };
        expect([readUnsignedVarint(bytes, cursor), cursor.at]).toEqual([small, end]);
        writeInt64(bytes, large, 8);
        expect(readInt64(bytes, 8)).toBe(large);
        expect(bytes.readBigInt64BE(8)).toBe(BigInt(large));
      }),
    );
  });
});
