// What writes a stream's records takes any JSON: an event that does not fit is its own fault, whatever stands in it.
import { describe, expect, test } from '@jest/globals';
import type { FormatFault } from '#core/formats/format-fault.ts';
import { RecordEncoder } from '#core/formats/record-encoder.ts';

const avro = (type: unknown): RecordEncoder => {
  const schema = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'n', type }] });
  return new RecordEncoder({ kind: 'avro', schema, message: null }, 1);
};
const protobuf = (type: string): RecordEncoder => {
  const schema = `syntax = "proto3"; import "google/protobuf/timestamp.proto"; message R { ${type} n = 1; }`;
  return new RecordEncoder({ kind: 'protobuf', schema, message: null }, 1);
};

function encode(encoder: RecordEncoder, json: string): FormatFault | null {
  const bytes = Buffer.from(json);
  return encoder.encode(bytes, 0, bytes.length);
}

describe('a number beyond all that PostgreSQL holds', () => {
  const cases: readonly (readonly [string, RecordEncoder])[] = [
    ['Avro’s int', avro('int')],
    ['Avro’s long', avro('long')],
    ['Avro’s double', avro('double')],
    ['Avro’s decimal', avro({ type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 })],
    ['Avro’s timestamp-millis', avro({ type: 'long', logicalType: 'timestamp-millis' })],
    ['Protobuf’s int32', protobuf('int32')],
    ['Protobuf’s int64', protobuf('int64')],
    ['Protobuf’s double', protobuf('double')],
    ['Protobuf’s Timestamp', protobuf('google.protobuf.Timestamp')],
  ];

  test.each(cases)('is a fault of its event in %s [fault 105]', (_what, encoder) => {
    expect(encode(encoder, '{"n":1.00000000000000e200000}')).toMatchObject({
      errorClass: 'schema',
      code: 'out_of_range',
      message: expect.stringContaining('got the number 1.00000000000000e200000'),
    });
    expect(encode(encoder, '{"n":1}')).toBeNull();
  });

  test('is told as it was written, not digit by digit', () => {
    for (const encoder of [avro('long'), protobuf('int64')]) {
      const fault = encode(encoder, '{"n":1e130000}');
      expect(fault).toMatchObject({ errorClass: 'schema', code: 'out_of_range' });
      expect(fault!.message.length).toBeLessThan(200);
    }
  });
});
