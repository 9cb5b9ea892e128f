// Scalar values of JSON in Avro's binary encoding: exact, or refused.

import { EvaluationFault } from '#core/expression/fault.ts';
import { type ByteSink, ensureRoom, writeBytes } from '#core/expression/run/byte-sink.ts';
import { parseInterval } from '#core/expression/values/interval.ts';
import { unfit } from '#core/formats/format-fault.ts';
import type { Encoding, Write } from '#core/formats/json-encoding.ts';
import { isNumber, misfit, quote, readBase64, readScaled, readText } from '#core/formats/read-json.ts';
import {
  beyondYears,
  inUnits,
  isFinerThanMicros,
  isPointInYears,
  readDay,
  readPlainPoint,
  readPoint,
  readTimeOfDay,
} from '#core/formats/times.ts';
import { writeBoolean, writeFloating, writeWhole } from '#core/formats/write-whole.ts';
import { stringEnd, valueEnd } from '#core/operators/run/json-bytes.ts';
import { fitsBits, perSecond } from './bounds.ts';
import { writeBlob, writeDouble, writeFloat, writeLong } from './output.ts';
import type { AvroFixed, AvroPrimitive, Logical } from './schema.ts';
import { writeUtf8 } from './text.ts';

export function writeScalar(type: AvroPrimitive | AvroFixed, at: string): Write {
  switch (type.kind) {
    case 'null':
      return ({ bytes, end }, from) => {
        if (bytes[from] !== 0x6e) throw misfit(at, 'null', bytes, from, end);
        return from + 4;
      };
    case 'boolean':
      return writeBoolean(at);
    case 'int':
    case 'long':
      return type.logical === null ? writeWhole(type.kind, at, put) : writeTime(type.kind, type.logical, at);
    case 'float':
    case 'double':
      return writeFloating(type.kind, at, putFloating);
    case 'string':
      return ({ bytes, end, out }, from) => {
        if (bytes[from] !== quote) throw misfit(at, 'a text', bytes, from, end);
        const to = stringEnd(bytes, from);
        writeUtf8(out, bytes, from, to);
        return to;
      };
    default:
      return type.logical === 'decimal' ? writeDecimal(type, at) : writeBinary(type, at);
  }
}

function put({ out }: Encoding, value: number | bigint, kind: 'int' | 'long', at: string): void {
  if (!fitsBits(value, kind)) throw unfit('out_of_range', `${at || 'the value'}: ${value} does not fit ${kind}`);
  writeLong(out, value);
}

const putFloating = (out: ByteSink, value: number, kind: 'float' | 'double'): void =>
  kind === 'float' ? writeFloat(out, value) : writeDouble(out, value);

/** From text; a point in time from epoch milliseconds too, as everywhere. */
function writeTime(kind: 'int' | 'long', logical: Logical, at: string): Write {
  const units = perSecond(logical);
  const isPoint = logical.includes('timestamp');
  const expected =
    logical === 'date' ? 'a date' : isPoint ? 'a time as ISO text or epoch milliseconds' : 'a time of day';
  const read = (text: string): bigint | null => {
    if (logical === 'date') {
      const days = readDay(text);
      return days === null ? null : BigInt(days);
    }
    const nanos = isPoint ? readPoint(text, at) : readTimeOfDay(text, at);
    return nanos === null ? null : inUnits(nanos, units, at);
  };
  return (encoding, from) => {
    const { bytes, end } = encoding;
    const to = valueEnd(bytes, from, end);
    const plain = isPoint ? readPlainPoint(bytes, from, to, units) : Number.NaN;
    if (!Number.isNaN(plain)) {
      put(encoding, plain, kind, at);
      return to;
    }
    let value: bigint | null = null;
    if (bytes[from] === quote) value = read(readText(bytes, from, to));
    else if (isPoint && isNumber(bytes, from)) {
      const nanos = readScaled(bytes, from, to, 6);
      value = nanos === null ? null : inUnits(nanos, units, at);
    }
    if (value === null) throw misfit(at, expected, bytes, from, end);
    if (isPoint && !isPointInYears(value, units)) throw beyondYears(at, bytes, from, end);
    put(encoding, value, kind, at);
    return to;
  };
}

function writeDecimal(type: AvroPrimitive | AvroFixed, at: string): Write {
  const size = type.kind === 'fixed' ? type.size : null;
  const bound = 10n ** BigInt(type.precision);
  return ({ bytes, end, out }, from) => {
    const to = valueEnd(bytes, from, end);
    const value = isNumber(bytes, from) ? readScaled(bytes, from, to, type.scale) : null;
    if (value === null || value >= bound || value <= -bound)
      throw misfit(
        at,
        `a number of at most ${type.precision} digits, ${type.scale} of them behind the point`,
        bytes,
        from,
        end,
      );
    const binary = twosComplement(value, size);
    if (binary === null) throw unfit('out_of_range', `${at}: ${value} does not fit ${size} bytes`);
    if (size === null) writeBlob(out, binary);
    else writeBytes(out, binary);
    return to;
  };
}

/** The shortest, or of the size that is asked for; null where that is too small. */
function twosComplement(value: bigint, size: number | null): Uint8Array | null {
  const digits: number[] = [];
  let rest = value;
  do {
    digits.unshift(Number(rest & 255n));
    rest >>= 8n;
  } while (!(rest === 0n && digits[0]! < 0x80) && !(rest === -1n && digits[0]! >= 0x80));
  if (size === null) return Uint8Array.from(digits);
  if (digits.length > size) return null;
  const fill = value < 0n ? 255 : 0;
  return Uint8Array.from([...Array<number>(size - digits.length).fill(fill), ...digits]);
}

/** Bytes travel as base64, an Avro duration as an ISO interval, a UUID as its text. */
function writeBinary(type: AvroPrimitive | AvroFixed, at: string): Write {
  const size = type.kind === 'fixed' ? type.size : null;
  return ({ bytes, end, out }, from) => {
    const to = bytes[from] === quote ? stringEnd(bytes, from) : -1;
    const binary = to < 0 ? null : binaryOf(type, readText(bytes, from, to));
    if (binary === null || (size !== null && binary.length !== size))
      throw misfit(at, expectedBinary(type.logical, size), bytes, from, end);
    ensureRoom(out, binary.length + 10);
    if (size === null) writeBlob(out, binary);
    else writeBytes(out, binary);
    return to;
  };
}

function expectedBinary(logical: Logical | null, size: number | null): string {
  if (logical === 'duration') return 'an interval such as P1M2DT3S';
  if (logical === 'uuid') return 'a UUID';
  return size === null ? 'bytes in base64' : `${size} bytes in base64`;
}

function binaryOf({ kind, logical }: AvroPrimitive | AvroFixed, text: string): Uint8Array | null {
  if (kind === 'fixed' && logical === 'uuid') {
    const digits = text.replaceAll('-', '');
    return /^[0-9a-f]{32}$/i.test(digits)
      ? Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16))
      : null;
  }
  return logical === 'duration' ? durationBytes(text) : readBase64(text);
}

function durationBytes(text: string): Uint8Array | null {
  try {
    if (isFinerThanMicros(text)) return null;
    const { months, days, micros } = parseInterval(text);
    const parts = [months, days, Number(micros) / 1000];
    if (parts.some((part) => !Number.isInteger(part) || part < 0 || part > 0xffff_ffff)) return null;
    return new Uint8Array(Uint32Array.from(parts).buffer);
  } catch (error) {
    if (error instanceof EvaluationFault) return null;
    throw error;
  }
}
