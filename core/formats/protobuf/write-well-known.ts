// Forms of JSON that Protobuf has messages for: times, durations, wrapped values, and JSON itself.

import { EvaluationFault } from '#core/expression/fault.ts';
import { type ByteSink, writeByte, writeBytes } from '#core/expression/run/byte-sink.ts';
import { parseInterval } from '#core/expression/values/interval.ts';
import { unfit } from '#core/formats/format-fault.ts';
import { type Encoding, enterJson, type Write } from '#core/formats/json-encoding.ts';
import { gotText, isNumber, misfit, quote, readScaled, readText } from '#core/formats/read-json.ts';
import { beyondYears, isFinerThanMicros, isPointInYears, readPoint } from '#core/formats/times.ts';
import { valueEnd } from '#core/operators/run/json-bytes.ts';
import { eachElementAt, eachMember, tagBytes, withLength } from './encoder-parts.ts';
import { wireOf } from './scalars.ts';
import type { ProtoMessage, ScalarKind } from './schema.ts';
import { writeVarint } from './varint.ts';
import { isTooLong, type WellKnown } from './well-known.ts';
import { putText, writeScalar } from './write-scalars.ts';

export function writeWellKnown(form: WellKnown, message: ProtoMessage, at: string): Write {
  switch (form) {
    case 'timestamp':
      return writeTimestamp(at);
    case 'duration':
      return writeDuration(at);
    case 'wrapper':
      return writeWrapper(message, at);
    case 'struct':
      return writeStruct(at);
    case 'value':
      return writeJsonValue;
    case 'list':
      return writeJsonList(at);
  }
}

const perSecond = 1_000_000_000n;

/** Seconds and what is over: of a time it counts forwards. */
function writeTimestamp(at: string): Write {
  return ({ bytes, end, out }, from) => {
    const to = valueEnd(bytes, from, end);
    let nanos: bigint | null = null;
    if (bytes[from] === quote) nanos = readPoint(readText(bytes, from, to), at);
    else if (isNumber(bytes, from)) nanos = readScaled(bytes, from, to, 6);
    if (nanos === null) throw misfit(at, 'a time as ISO text or epoch milliseconds', bytes, from, end);
    if (!isPointInYears(nanos, 1e9)) throw beyondYears(at, bytes, from, end);
    putNanos(out, nanos, ((nanos % perSecond) + perSecond) % perSecond);
    return to;
  };
}

/** Of a duration both parts have its sign. */
function writeDuration(at: string): Write {
  return ({ bytes, end, out }, from) => {
    const to = valueEnd(bytes, from, end);
    const nanos = bytes[from] === quote ? readDuration(readText(bytes, from, to)) : null;
    if (nanos === null) throw misfit(at, 'an interval such as PT1.5S', bytes, from, end);
    const over = nanos % perSecond;
    if (isTooLong((nanos - over) / perSecond))
      throw unfit('out_of_range', `${at || 'the value'}: ${gotText(bytes, from, end)} is longer than 10,000 years`);
    putNanos(out, nanos, over);
    return to;
  };
}

function putNanos(out: ByteSink, nanos: bigint, over: bigint): void {
  const seconds = (nanos - over) / perSecond;
  if (seconds !== 0n) {
    writeByte(out, 0x08);
    writeVarint(out, seconds);
  }
  if (over !== 0n) {
    writeByte(out, 0x10);
    writeVarint(out, over);
  }
}

/** `PT1.5S`, or `1.5s` as Protobuf's own JSON has it, to the nanosecond; any other interval without months. */
function readDuration(text: string): bigint | null {
  const match = /^(?:PT(-?)(\d+)(?:\.(\d{1,9}))?S|(-?)(\d+)(?:\.(\d{1,9}))?s)$/.exec(text);
  if (match !== null) {
    const [, sign = '', whole = '', fraction = ''] = match[2] === undefined ? match.slice(3) : match;
    const nanos = BigInt(whole) * perSecond + BigInt(fraction.padEnd(9, '0'));
    return sign === '-' ? -nanos : nanos;
  }
  if (isFinerThanMicros(text)) return null;
  try {
    const { months, days, micros } = parseInterval(text);
    return months === 0 ? (BigInt(days) * 86_400_000_000n + micros) * 1_000n : null;
  } catch (error) {
    if (error instanceof EvaluationFault) return null;
    throw error;
  }
}

function writeWrapper({ fields }: ProtoMessage, at: string): Write {
  const kind = fields[0]!.type.kind as ScalarKind;
  const tag = tagBytes(1, wireOf(kind));
  const write = writeScalar(kind, at);
  return (encoding, from) => {
    writeBytes(encoding.out, tag);
    return write(encoding, from);
  };
}

function writeStruct(at: string): Write {
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    if (bytes[from] !== 0x7b) throw misfit(at, 'an object', bytes, from, end);
    enterJson(encoding);
    const behind = eachMember(encoding, from, at, (name, valueAt) => {
      writeByte(out, 0x0a);
      return withLength(encoding, () => {
        writeByte(out, 0x0a);
        putText(encoding, name);
        writeByte(out, 0x12);
        return withLength(encoding, () => writeJsonValue(encoding, valueAt));
      });
    });
    encoding.depth--;
    return behind;
  };
}

function writeJsonList(at: string): Write {
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    if (bytes[from] !== 0x5b) throw misfit(at, 'a list', bytes, from, end);
    enterJson(encoding);
    const behind = eachElementAt(encoding, from, (element) => {
      writeByte(out, 0x0a);
      return withLength(encoding, () => writeJsonValue(encoding, element));
    });
    encoding.depth--;
    return behind;
  };
}

const writeNumber = writeScalar('double', '');
const writeText = writeScalar('string', '');
const writeBool = writeScalar('bool', '');

function writeJsonValue(encoding: Encoding, from: number): number {
  const { bytes, out } = encoding;
  switch (bytes[from]) {
    case 0x6e:
      writeByte(out, 0x08);
      writeByte(out, 0);
      return from + 4;
    case quote:
      writeByte(out, 0x1a);
      return writeText(encoding, from);
    case 0x74:
    case 0x66:
      writeByte(out, 0x20);
      return writeBool(encoding, from);
    case 0x7b:
      writeByte(out, 0x2a);
      return withLength(encoding, () => writeStruct('')(encoding, from));
    case 0x5b:
      writeByte(out, 0x32);
      return withLength(encoding, () => writeJsonList('')(encoding, from));
    default:
      writeByte(out, 0x11);
      return writeNumber(encoding, from);
  }
}
