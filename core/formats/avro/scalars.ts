// Scalar values of Avro as JSON: by the logical type of whoever knows what they mean.
import { writeText } from '#core/expression/run/byte-sink.ts';
import { formatNumeric, Numeric } from '#core/expression/values/numeric.ts';
import { malformed } from '#core/formats/format-fault.ts';
import { type Input, type Read, take } from '#core/formats/input.ts';
import { clockText, dayText, writePoint } from '#core/formats/times.ts';
import { writeBase64, writeDouble, writeFloat, writeInteger, writeJsonString } from '#core/formats/write-json.ts';
import { readInt, readLength, readLong } from './input.ts';
import type { AvroFixed, AvroPrimitive, Logical } from './schema.ts';

/** How values of `writer` are read where the reader's type means `meaning` by them. */
export function readScalar(writer: AvroPrimitive | AvroFixed, meaning: Logical | null, scale: number): Read {
  switch (writer.kind) {
    case 'null':
      return (input) => writeText(input.out, 'null');
    case 'boolean':
      return readBoolean;
    case 'int':
      return readWhole(readInt, meaning);
    case 'long':
      return readWhole(readLong, meaning);
    case 'float':
      return (input) => writeFloat(input.out, input.view.getFloat32(take(input, 4, 'a float'), true));
    case 'double':
      return (input) => writeDouble(input.out, input.view.getFloat64(take(input, 8, 'a double'), true));
    case 'bytes':
      return readBytes((input) => readLength(input, 'a bytes value'), meaning, scale);
    case 'fixed':
      return readBytes(() => writer.size, meaning, scale);
    case 'string':
      return readString;
  }
}

const readString: Read = (input) => {
  const length = readLength(input, 'a string');
  const start = input.at;
  input.at = start + length;
  writeJsonString(input.out, input.bytes, start, input.at);
};

const readBoolean: Read = (input) => {
  const byte = input.bytes[take(input, 1, 'a boolean')]!;
  if (byte > 1) throw malformed(`a boolean is ${byte}, expected 0 or 1`);
  writeText(input.out, byte === 1 ? 'true' : 'false');
};

function writeWhole(input: Input, value: number | bigint): void {
  if (typeof value === 'number') writeInteger(input.out, value);
  else writeText(input.out, value.toString());
}

/** Units of a second in which a logical type counts. */
const perSecond: Readonly<Partial<Record<Logical, number>>> = {
  'time-millis': 1e3,
  'time-micros': 1e6,
  'timestamp-millis': 1e3,
  'timestamp-micros': 1e6,
  'timestamp-nanos': 1e9,
  'local-timestamp-millis': 1e3,
  'local-timestamp-micros': 1e6,
  'local-timestamp-nanos': 1e9,
};

function readWhole(read: (input: Input) => number | bigint, meaning: Logical | null): Read {
  if (meaning === null) return (input) => writeWhole(input, read(input));
  if (meaning === 'date') return (input) => writeQuoted(input, dayText(Number(read(input))));
  const units = perSecond[meaning]!;
  if (meaning.startsWith('time-')) return (input) => writeQuoted(input, clockText(Number(read(input)), units));
  const zone = meaning.startsWith('local') ? '' : 'Z';
  return (input) => {
    const value = read(input);
    const seconds = typeof value === 'number' ? Math.floor(value / units) : Number(floorDivide(value, BigInt(units)));
    const fraction =
      typeof value === 'number' ? value - seconds * units : Number(value - BigInt(seconds) * BigInt(units));
    writePoint(input.out, seconds, fraction, units, zone);
  };
}

const floorDivide = (value: bigint, by: bigint): bigint => (value - (((value % by) + by) % by)) / by;

function writeQuoted(input: Input, text: string): void {
  writeText(input.out, `"${text}"`);
}

function readBytes(lengthOf: (input: Input) => number, meaning: Logical | null, scale: number): Read {
  return (input) => {
    const length = lengthOf(input);
    const start = take(input, length, 'a bytes value');
    if (meaning === 'decimal') writeText(input.out, decimalText(input, start, length, scale));
    else if (meaning === 'duration') writeQuoted(input, durationText(input.view, start));
    else if (meaning === 'uuid') writeQuoted(input, uuidText(input, start));
    else writeBase64(input.out, input.bytes, start, input.at);
  };
}

/** Big-endian two's complement. */
function decimalText({ bytes }: Input, start: number, length: number, scale: number): string {
  if (length > decimalBytesMax) throw malformed(`a decimal has ${length} bytes, expected at most ${decimalBytesMax}`);
  let value = 0n;
  for (let at = start; at < start + length; at++) value = (value << 8n) | BigInt(bytes[at]!);
  if (length > 0 && bytes[start]! >= 0x80) value -= 1n << BigInt(length * 8);
  return formatNumeric(new Numeric(value, scale));
}

const decimalBytesMax = 64;

function durationText(view: DataView, at: number): string {
  const [months, days, millis] = [view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 8, true)];
  const seconds =
    millis % 1000 === 0 ? millis / 1000 : `${Math.floor(millis / 1000)}.${String(millis % 1000).padStart(3, '0')}`;
  return `P${months}M${days}DT${seconds}S`;
}

function uuidText({ bytes }: Input, start: number): string {
  const digits = Array.from(bytes.subarray(start, start + 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
