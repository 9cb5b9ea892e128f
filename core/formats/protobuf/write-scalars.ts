// Scalar values of JSON in Protobuf's wire format: exact, or refused.
import { type ByteSink, ensureRoom, writeByte, writeBytes, writeSlice } from '#core/expression/run/byte-sink.ts';
import { unfit } from '#core/formats/format-fault.ts';
import type { Encoding, Write } from '#core/formats/json-encoding.ts';
import { isNumber, misfit, quote, readBase64, readText, readWhole } from '#core/formats/read-json.ts';
import { writeBoolean, writeFloating, writeWhole } from '#core/formats/write-whole.ts';
import { hasEscape, stringEnd, valueEnd } from '#core/operators/run/json-bytes.ts';
import type { ProtoEnum, ScalarKind } from './schema.ts';
import { writeVarint, zigzag } from './varint.ts';

type WholeKind = Exclude<ScalarKind, 'double' | 'float' | 'bool' | 'string' | 'bytes'>;

const signed32: readonly [bigint, bigint] = [-(2n ** 31n), 2n ** 31n - 1n];
const unsigned32: readonly [bigint, bigint] = [0n, 2n ** 32n - 1n];
const signed64: readonly [bigint, bigint] = [-(2n ** 63n), 2n ** 63n - 1n];
const unsigned64: readonly [bigint, bigint] = [0n, 2n ** 64n - 1n];
/** The least and the greatest of each kind. */
export const wholeBounds: Readonly<Record<WholeKind, readonly [bigint, bigint]>> = {
  int32: signed32,
  sint32: signed32,
  sfixed32: signed32,
  uint32: unsigned32,
  fixed32: unsigned32,
  int64: signed64,
  sint64: signed64,
  sfixed64: signed64,
  uint64: unsigned64,
  fixed64: unsigned64,
};

function put({ out }: Encoding, value: number | bigint, kind: WholeKind, at: string): void {
  const [low, high] = wholeBounds[kind];
  if (value < low || value > high) throw unfit('out_of_range', `${at || 'the value'}: ${value} does not fit ${kind}`);
  if (kind.startsWith('sint')) writeVarint(out, zigzag(value));
  else if (kind.includes('fixed')) putFixed(out, value, kind.endsWith('64') ? 8 : 4);
  else writeVarint(out, value);
}

const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

function putFixed(out: Encoding['out'], value: number | bigint, size: 4 | 8): void {
  scratch.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  writeBytes(out, scratchBytes.subarray(0, size));
}

export function writeScalar(kind: ScalarKind, at: string): Write {
  switch (kind) {
    case 'double':
    case 'float':
      return writeFloating(kind, at, putFloating);
    case 'bool':
      return writeBoolean(at);
    case 'string':
    case 'bytes':
      return kind === 'string' ? writeString(at) : writeBase64Text(at);
    default:
      return writeWhole(kind, at, put);
  }
}

function putFloating(out: ByteSink, value: number, kind: 'float' | 'double'): void {
  if (kind === 'float') scratch.setFloat32(0, value, true);
  else scratch.setFloat64(0, value, true);
  writeBytes(out, scratchBytes.subarray(0, kind === 'float' ? 4 : 8));
}

const encoder = new TextEncoder();

export function putText({ out }: Encoding, text: string): void {
  const binary = encoder.encode(text);
  writeVarint(out, binary.length);
  writeBytes(out, binary);
}

function writeString(at: string): Write {
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    if (bytes[from] !== quote) throw misfit(at, 'a text', bytes, from, end);
    const to = stringEnd(bytes, from);
    if (hasEscape(bytes, from + 1, to - 1)) putText(encoding, readText(bytes, from, to));
    else {
      writeVarint(out, to - from - 2);
      writeSlice(out, bytes, from + 1, to - 1);
    }
    return to;
  };
}

function writeBase64Text(at: string): Write {
  return ({ bytes, end, out }, from) => {
    const to = bytes[from] === quote ? stringEnd(bytes, from) : -1;
    const binary = to < 0 ? null : readBase64(readText(bytes, from, to));
    if (binary === null) throw misfit(at, 'bytes in base64', bytes, from, end);
    ensureRoom(out, binary.length + 10);
    writeVarint(out, binary.length);
    writeBytes(out, binary);
    return to;
  };
}

/** By name, or by a number: as text where the schema has no name for it. */
export function writeEnum({ numbers }: ProtoEnum, at: string): Write {
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    const to = valueEnd(bytes, from, end);
    const text = bytes[from] === quote ? readText(bytes, from, to) : null;
    const named = text === null ? undefined : numbers.get(text);
    const number =
      named ??
      (/^-?\d{1,10}$/.test(text ?? '') ? Number(text) : isNumber(bytes, from) ? readWhole(bytes, from, to) : null);
    if (typeof number !== 'number' || number < -(2 ** 31) || number > 2 ** 31 - 1)
      throw misfit(at, `one of ${[...numbers.keys()].slice(0, 20).join(', ')}`, bytes, from, end);
    writeVarint(out, number);
    return to;
  };
}

/** A map's key, which JSON has as a text: spelled as it is read back, so that no two of them are one. */
export function writeScalarKey(kind: ScalarKind, at: string): (encoding: Encoding, name: string) => void {
  if (kind === 'string') return putText;
  return (encoding, name) => {
    const isBool = kind === 'bool' && (name === 'true' || name === 'false');
    if (isBool) writeByte(encoding.out, name === 'true' ? 1 : 0);
    else if (kind !== 'bool' && /^(?:0|-?[1-9]\d{0,19})$/.test(name))
      put(encoding, BigInt(name), kind as WholeKind, at);
    else throw unfit('misfit', `${at}: got the key ${JSON.stringify(name)}, expected ${kind}`);
  };
}
