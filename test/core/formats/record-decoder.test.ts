// What reads a stream's records takes any schema of a writer's: one that cannot be used is a fault of the records that name it.
import { describe, expect, test } from '@jest/globals';
import { RecordDecoder } from '#core/formats/record-decoder.ts';

describe('a writer’s schema with a default that is none', () => {
  const text = `
    message Bad { optional int32 n = 1 [default = 1.5]; }
    message Good { optional int32 n = 1; }
  `;
  const framed = (...body: readonly number[]) => Uint8Array.from([0, 0, 0, 0, 1, ...body]);
  const bad = framed(0, 0x08, 1);
  const good = framed(2, 2, 0x08, 1);

  test('is a fault of each record that it wrote, where the stream declares no schema', () => {
    const decoder = new RecordDecoder({ kind: 'protobuf', schema: null, message: null });
    decoder.learn(1, { kind: 'protobuf', text, references: [] });
    expect(decoder.decode(bad, 0, bad.length)).toBe('fault');
    expect(decoder.fault).toMatchObject({
      errorClass: 'schema',
      code: 'incompatible_schema',
      message: expect.stringMatching(/field n: got the default 1.5/),
    });
    expect(decoder.decode(good, 0, good.length)).toBe('decoded');
    expect(Buffer.from(decoder.out.bytes.subarray(0, decoder.out.length)).toString()).toBe('{"n":1}');
  });

  test('does not matter where the stream declares one: that says what stands for a field that is not there', () => {
    const schema = 'message Bad { optional int32 n = 1; }';
    const decoder = new RecordDecoder({ kind: 'protobuf', schema, message: null });
    decoder.learn(1, { kind: 'protobuf', text, references: [] });
    expect(decoder.decode(bad, 0, bad.length)).toBe('decoded');
  });
});
