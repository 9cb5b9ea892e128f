// Messages that JSON has a form of its own for: times, durations, wrapped values, and JSON itself.
import { type ByteSink, writeByte, writeText } from '#core/expression/run/byte-sink.ts';
import { malformed } from '#core/formats/format-fault.ts';
import { enter, type Input } from '#core/formats/input.ts';
import { writePoint } from '#core/formats/times.ts';
import { checkSize, writeDouble, writeJsonString } from '#core/formats/write-json.ts';
import { type ReadValue, readScalar, wires, zeroJson } from './scalars.ts';
import type { ProtoMessage } from './schema.ts';
import { readLength, readVarint } from './varint.ts';
import { isTooLong, type WellKnown } from './well-known.ts';

export function readWellKnown(form: WellKnown, _made: unknown, message: ProtoMessage): ReadValue {
  switch (form) {
    case 'timestamp':
      return (input, end) => {
        const { seconds, nanos } = readParts(input, end);
        if (nanos < 0 || nanos > 999_999_999) throw malformed(`a time has ${nanos} nanoseconds`);
        writePoint(input.out, seconds, nanos, 1e9, 'Z');
      };
    case 'duration':
      return (input, end) => writeText(input.out, `"${durationText(readParts(input, end))}"`);
    case 'wrapper':
      return readWrapper(message);
    case 'struct':
      return readStruct;
    case 'value':
      return readJsonValue;
    case 'list':
      return readList;
  }
}

/** Calls `visit` for each field, at its value; it may read on from there. */
function eachField(input: Input, end: number, visit: (number: number, wire: number, valueEnd: number) => void): void {
  while (input.at < end) {
    const tag = readVarint(input, end);
    if (typeof tag === 'bigint') throw malformed(`a field has the tag ${tag}`);
    const wire = tag % 8;
    const number = (tag - wire) / 8;
    const start = input.at;
    const valueEnd = endOf(input, end, wire);
    const next = input.at;
    if (wire !== wires.bytes) input.at = start;
    else input.at = valueEnd.start;
    visit(number, wire, valueEnd.end);
    input.at = next;
  }
}

function endOf(input: Input, end: number, wire: number): { readonly start: number; readonly end: number } {
  const start = input.at;
  if (wire === wires.varint) readVarint(input, end);
  else if (wire === wires.bytes) {
    const length = readLength(input, end);
    const from = input.at;
    input.at += length;
    return { start: from, end: input.at };
  } else if (wire === wires.fixed64 || wire === wires.fixed32) {
    const size = wire === wires.fixed64 ? 8 : 4;
    if (end - start < size) throw malformed('a number is cut short');
    input.at += size;
  } else throw malformed(`a field has wire type ${wire}`);
  return { start, end: input.at };
}

interface Parts {
  readonly seconds: number;
  readonly nanos: number;
}

function readParts(input: Input, end: number): Parts {
  let seconds = 0;
  let nanos = 0;
  eachField(input, end, (number, wire, valueEnd) => {
    if (wire !== wires.varint || number > 2) return;
    const value = Number(BigInt.asIntN(64, BigInt(readVarint(input, valueEnd))));
    if (number === 1) seconds = value;
    else nanos = value;
  });
  return { seconds, nanos };
}

function durationText({ seconds, nanos }: Parts): string {
  if (isTooLong(seconds) || Math.abs(nanos) > 999_999_999 || seconds * nanos < 0)
    throw malformed(`a duration is ${seconds} s and ${nanos} ns`);
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  const fraction = nanos === 0 ? '' : `.${String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '')}`;
  return `PT${sign}${Math.abs(seconds)}${fraction}S`;
}

/** The value inside; one that is not there is zero, since the message is. */
function readWrapper({ fields }: ProtoMessage): ReadValue {
  const { kind } = fields[0]!.type;
  if (kind === 'message' || kind === 'enum') throw new Error('a wrapper wraps a scalar');
  const read = readScalar(kind);
  const zero = zeroJson(kind, null);
  return (input, end) => {
    const { length } = input.out;
    let isThere = false;
    eachField(input, end, (number, _wire, valueEnd) => {
      if (number !== 1) return;
      input.out.length = length;
      read(input, valueEnd);
      isThere = true;
    });
    if (!isThere) writeText(input.out, zero);
  };
}

const readJsonValue: ReadValue = (input, end) => {
  enter(input);
  const { length } = input.out;
  let isThere = false;
  eachField(input, end, (number, wire, valueEnd) => {
    input.out.length = length;
    isThere = writeKind(input, number, wire, valueEnd);
  });
  if (!isThere) writeText(input.out, 'null');
  input.depth--;
};

function writeKind(input: Input, number: number, wire: number, end: number): boolean {
  const { out } = input;
  if (number === 2 && wire === wires.fixed64) writeDouble(out, input.view.getFloat64(input.at, true));
  else if (number === 4 && wire === wires.varint) writeText(out, readVarint(input, end) === 0 ? 'false' : 'true');
  else if (number === 3 && wire === wires.bytes) writeJsonString(out, input.bytes, input.at, end);
  else if (number === 5 && wire === wires.bytes) readStruct(input, end);
  else if (number === 6 && wire === wires.bytes) readList(input, end);
  else return false;
  return true;
}

const readList: ReadValue = (input, end) => {
  const { out } = input;
  writeByte(out, 0x5b);
  let isFirst = true;
  eachField(input, end, (number, wire, valueEnd) => {
    if (number !== 1 || wire !== wires.bytes) return;
    if (isFirst) isFirst = false;
    else writeByte(out, 0x2c);
    readJsonValue(input, valueEnd);
    checkSize(out);
  });
  writeByte(out, 0x5d);
};

/** Of members with one name the last counts. */
const readStruct: ReadValue = (input, end) => {
  const members = new Map<string, readonly [number, number]>();
  eachField(input, end, (number, wire, entryEnd) => {
    if (number !== 1 || wire !== wires.bytes) return;
    let name = '""';
    let value: readonly [number, number] = [entryEnd, entryEnd];
    eachField(input, entryEnd, (inner, innerWire, innerEnd) => {
      if (innerWire !== wires.bytes) return;
      if (inner === 1) name = nameText(input, innerEnd);
      else if (inner === 2) value = [input.at, innerEnd];
    });
    members.delete(name);
    members.set(name, value);
  });
  let separator = '{';
  for (const [name, [from, to]] of members) {
    writeText(input.out, `${separator}${name}:`);
    separator = ',';
    input.at = from;
    readJsonValue(input, to);
    checkSize(input.out);
  }
  writeText(input.out, separator === '{' ? '{}' : '}');
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A name of JSON, quotes included, out of the text that lies from `at` to `end`. Names are told apart, so it has to be UTF-8. */
export function nameText({ bytes, at }: Input, end: number): string {
  const scratch: ByteSink = { bytes: new Uint8Array(64), length: 0 };
  writeJsonString(scratch, bytes, at, end);
  try {
    return utf8.decode(scratch.bytes.subarray(0, scratch.length));
  } catch {
    throw malformed('a key is no UTF-8');
  }
}
