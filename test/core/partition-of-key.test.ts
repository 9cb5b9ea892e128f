// The partitioner's hash: the same as Java's, so that keys stay where Java producers put them.
import { describe, expect, test } from '@jest/globals';
import { murmur2 as oracle } from '@platformatic/kafka';
import fc from 'fast-check';
import { murmur2, partitionOfKey } from '#core/partition-of-key.ts';

describe('murmur2', () => {
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is what Kafka’s own tests say', (text, hash) => {
    const bytes = Buffer.from(text);
    expect(murmur2(bytes, 0, bytes.length)).toBe(hash);
  });

  test('agrees with another implementation, wherever the key lies', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 5 }), (key, before) => {
        const bytes = Buffer.concat([Buffer.alloc(before, 0xff), key, Buffer.alloc(3, 0xff)]);
        expect(murmur2(bytes, before, before + key.length)).toBe(oracle(Buffer.from(key)));
        // As Java's partitioner does it: without the sign's bit.
        const partition = Number(BigInt.asUintN(31, BigInt(oracle(Buffer.from(key)))) % 7n);
        expect(partitionOfKey(bytes, before, before + key.length, 7)).toBe(partition);
      }),
    );
  });
});
