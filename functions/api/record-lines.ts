// Records as lines for people: the value as it is, or in JSON with where it stood, when, and its key and headers.
import type { LogRecord } from '#core/ports/record-log.ts';
import { isoTime } from '#functions/api/views.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text, or `base64:…` where the bytes are no UTF-8. */
function textOf(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return `base64:${Buffer.from(bytes).toString('base64')}`;
  }
}

/** The value as JSON text on one line: its own text where it is JSON, so that a number keeps all its digits. */
export function jsonTextOf(value: Uint8Array | null): string {
  if (value === null) return 'null';
  try {
    const text = utf8.decode(value);
    JSON.parse(text);
    return text.replace(/[\r\n]/g, ' ');
  } catch {
    return JSON.stringify(`base64:${Buffer.from(value).toString('base64')}`);
  }
}

/** A `RecordLine` of core/api/wire.ts. */
export function recordLine(record: LogRecord): string {
  const { partition, offset, timestamp, key, headers } = record;
  const facts = {
    ...{ partition, offset, timestamp: isoTime(timestamp), key: textOf(key) },
    ...(headers.length === 0
      ? {}
      : { headers: Object.fromEntries(headers.map(({ name, value }) => [name, textOf(value)])) }),
  };
  return `${JSON.stringify(facts).slice(0, -1)},"value":${jsonTextOf(record.value)}}`;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

const isLineBreak = (byte: number): boolean => byte === lineFeed || byte === carriageReturn;

/** The value's bytes on one line, also for readers to whom a carriage return ends one: in JSON a line break stands only between tokens. */
export function valueLine(record: LogRecord): Uint8Array {
  const { value } = record;
  if (value === null) return Buffer.from('null');
  if (!value.includes(lineFeed) && !value.includes(carriageReturn)) return value;
  return Uint8Array.from(value, (byte) => (isLineBreak(byte) ? space : byte));
}
