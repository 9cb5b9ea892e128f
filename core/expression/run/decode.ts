// Values out of an event's bytes, decoded only when an expression asks for them. The scanner has already checked the bytes.
import { type JsonValue, jsonNull, sortedObject } from '../values/json-value.ts';
import { Numeric, parseNumeric } from '../values/numeric.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Below this a loop over char codes beats the decoder's call. */
const shortTextBytes = 24;

/** Plain ASCII or UTF-8 bytes as text. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > shortTextBytes) return decoder.decode(bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x80) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The content of a JSON string, its bytes between the quotes. */
export function decodeJsonString(bytes: Uint8Array, start: number, end: number, escaped: boolean): string {
  const text = decodeText(bytes, start, end);
  return escaped ? (JSON.parse(`"${text}"`) as string) : text;
}

/** At most this many digits without point or exponent are an exact double. */
const safeDigits = 15;

export function decodeNumeric(bytes: Uint8Array, start: number, end: number): Numeric {
  if (end - start <= safeDigits) {
    let value = 0;
    const negative = bytes[start] === 0x2d;
    let scale = -1;
    for (let at = negative ? start + 1 : start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === 0x2e) scale = end - at - 1;
      else if (byte >= 0x30 && byte <= 0x39) value = value * 10 + (byte - 0x30);
      else return parseNumeric(decodeText(bytes, start, end));
    }
    return new Numeric(BigInt(negative ? -value : value), Math.max(scale, 0));
  }
  return parseNumeric(decodeText(bytes, start, end));
}

/** A whole JSON value, numbers exact. `limit` is where the bytes of the value end. */
export function decodeJson(bytes: Uint8Array, start: number, end: number): JsonValue {
  const cursor = { at: start };
  return readValue(bytes, cursor, end);
}

type Cursor = { at: number };

function skip(bytes: Uint8Array, cursor: Cursor): void {
  while (bytes[cursor.at]! <= 0x20) cursor.at++;
}

function readValue(bytes: Uint8Array, cursor: Cursor, end: number): JsonValue {
  skip(bytes, cursor);
  switch (bytes[cursor.at]) {
    case 0x22:
      return readString(bytes, cursor);
    case 0x7b:
      return readObject(bytes, cursor, end);
    case 0x5b:
      return readArray(bytes, cursor, end);
    case 0x74:
      cursor.at += 4;
      return true;
    case 0x66:
      cursor.at += 5;
      return false;
    case 0x6e:
      cursor.at += 4;
      return jsonNull;
    default:
      return readNumber(bytes, cursor, end);
  }
}

function readString(bytes: Uint8Array, cursor: Cursor): string {
  const start = ++cursor.at;
  let escaped = false;
  while (bytes[cursor.at] !== 0x22) {
    if (bytes[cursor.at] === 0x5c) {
      escaped = true;
      cursor.at++;
    }
    cursor.at++;
  }
  return decodeJsonString(bytes, start, cursor.at++, escaped);
}

function readNumber(bytes: Uint8Array, cursor: Cursor, end: number): Numeric {
  const start = cursor.at;
  while (cursor.at < end) {
    const byte = bytes[cursor.at]!;
    if (byte === 0x2c || byte === 0x5d || byte === 0x7d || byte <= 0x20) break;
    cursor.at++;
  }
  return decodeNumeric(bytes, start, cursor.at);
}

function readArray(bytes: Uint8Array, cursor: Cursor, end: number): JsonValue[] {
  const items: JsonValue[] = [];
  cursor.at++;
  skip(bytes, cursor);
  while (bytes[cursor.at] !== 0x5d) {
    items.push(readValue(bytes, cursor, end));
    skip(bytes, cursor);
    if (bytes[cursor.at] === 0x2c) cursor.at++;
    skip(bytes, cursor);
  }
  cursor.at++;
  return items;
}

function readObject(bytes: Uint8Array, cursor: Cursor, end: number): JsonValue {
  const members: [string, JsonValue][] = [];
  cursor.at++;
  skip(bytes, cursor);
  while (bytes[cursor.at] !== 0x7d) {
    const name = readString(bytes, cursor);
    skip(bytes, cursor);
    cursor.at++;
    members.push([name, readValue(bytes, cursor, end)]);
    skip(bytes, cursor);
    if (bytes[cursor.at] === 0x2c) cursor.at++;
    skip(bytes, cursor);
  }
  cursor.at++;
  return sortedObject(members);
}
