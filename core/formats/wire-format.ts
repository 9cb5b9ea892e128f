// How a record says which schema it was written by: Confluent's wire format, a zero byte and the schema's id in four bytes.
import type { ByteSink } from '#core/expression/run/byte-sink.ts';
import { ensureRoom } from '#core/expression/run/byte-sink.ts';
import { FormatFault } from './format-fault.ts';

export const headerBytes = 5;

export function readSchemaId(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= headerBytes && bytes[start] === 0)
    return bytes[start + 1]! * 2 ** 24 + (bytes[start + 2]! << 16) + (bytes[start + 3]! << 8) + bytes[start + 4]!;
  const got = end === start ? 'nothing' : `${end - start} bytes that begin with ${bytes[start]}`;
  throw new FormatFault(
    'poison',
    'not_framed',
    `got ${got}, expected a zero byte and the schema’s id in four bytes (the wire format of schema registries)`,
  );
}

export function writeSchemaId(out: ByteSink, id: number): void {
  ensureRoom(out, headerBytes);
  const { bytes, length } = out;
  bytes[length] = 0;
  bytes[length + 1] = id >>> 24;
  bytes[length + 2] = (id >>> 16) & 255;
  bytes[length + 3] = (id >>> 8) & 255;
  bytes[length + 4] = id & 255;
  out.length = length + headerBytes;
}
