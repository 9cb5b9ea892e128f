// Scalar values of Protobuf as JSON: 64 bits exact, bytes as base64, what is no number as text.
import { writeBytes, writeText } from '#core/expression/run/byte-sink.ts';
import { malformed } from '#core/formats/format-fault.ts';
import type { Input } from '#core/formats/input.ts';
import { writeBase64, writeDouble, writeFloat, writeInteger, writeJsonString } from '#core/formats/write-json.ts';
import type { ProtoEnum, ScalarKind } from './schema.ts';
import { readVarint } from './varint.ts';

/** Writes the value that begins at `input.at` and ends at `end`; fixed and varint values move `input.at` behind them. */
export type ReadValue = (input: Input, end: number) => void;

export const wires = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

export function wireOf(kind: ScalarKind | 'enum' | 'message'): number {
  switch (kind) {
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return wires.fixed64;
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return wires.fixed32;
    case 'string':
    case 'bytes':
    case 'message':
      return wires.bytes;
    default:
      return wires.varint;
  }
}

function put({ out }: Input, value: number | bigint): void {
  if (typeof value === 'number') writeInteger(out, value);
  else writeText(out, value.toString());
}

const int32 = (value: number | bigint): number =>
  typeof value === 'number' ? (value % 4_294_967_296) | 0 : Number(BigInt.asIntN(32, value));
const uint32 = (value: number | bigint): number =>
  typeof value === 'number' ? value % 4_294_967_296 : Number(BigInt.asUintN(32, value));

function fixed(input: Input, end: number, size: number): number {
  const start = input.at;
  if (end - start < size) throw malformed('a number is cut short');
  input.at = start + size;
  return start;
}

export function readScalar(kind: ScalarKind): ReadValue {
  switch (kind) {
    case 'double':
      return (input, end) => writeDouble(input.out, input.view.getFloat64(fixed(input, end, 8), true));
    case 'float':
      return (input, end) => writeFloat(input.out, input.view.getFloat32(fixed(input, end, 4), true));
    case 'int32':
      return (input, end) => put(input, int32(readVarint(input, end)));
    case 'uint32':
      return (input, end) => put(input, uint32(readVarint(input, end)));
    case 'int64':
      return (input, end) => {
        const value = readVarint(input, end);
        put(input, typeof value === 'number' ? value : BigInt.asIntN(64, value));
      };
    case 'uint64':
      return (input, end) => put(input, readVarint(input, end));
    case 'sint32':
      return (input, end) => {
        const value = uint32(readVarint(input, end));
        put(input, value % 2 === 0 ? value / 2 : -(value + 1) / 2);
      };
    case 'sint64':
      return (input, end) => {
        const value = readVarint(input, end);
        if (typeof value === 'number') put(input, value % 2 === 0 ? value / 2 : -(value + 1) / 2);
        else put(input, (value >> 1n) ^ -(value & 1n));
      };
    case 'fixed32':
      return (input, end) => put(input, input.view.getUint32(fixed(input, end, 4), true));
    case 'sfixed32':
      return (input, end) => put(input, input.view.getInt32(fixed(input, end, 4), true));
    case 'fixed64':
      return (input, end) => put(input, input.view.getBigUint64(fixed(input, end, 8), true));
    case 'sfixed64':
      return (input, end) => put(input, input.view.getBigInt64(fixed(input, end, 8), true));
    case 'bool':
      return (input, end) => writeText(input.out, readVarint(input, end) === 0 ? 'false' : 'true');
    case 'string':
      return (input, end) => {
        writeJsonString(input.out, input.bytes, input.at, end);
        input.at = end;
      };
    case 'bytes':
      return (input, end) => {
        writeBase64(input.out, input.bytes, input.at, end);
        input.at = end;
      };
  }
}

/** By its name; a number that the schema has no name for, as that number's text. */
export function readEnum({ names }: ProtoEnum): ReadValue {
  const texts = new Map([...names].map(([number, name]) => [number, new TextEncoder().encode(JSON.stringify(name))]));
  return (input, end) => {
    const number = int32(readVarint(input, end));
    const text = texts.get(number);
    if (text === undefined) writeText(input.out, `"${number}"`);
    else writeBytes(input.out, text);
  };
}

/** What a field of implicit presence is when it is not there. */
export function zeroJson(kind: ScalarKind | 'enum', values: ProtoEnum | null): string {
  if (kind === 'enum') return JSON.stringify(values!.names.get(0) ?? '0');
  if (kind === 'string' || kind === 'bytes') return '""';
  return kind === 'bool' ? 'false' : '0';
}
