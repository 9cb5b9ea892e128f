// A request's body as events: lines of NDJSON, or the elements of a JSON array, each with the bytes it was sent with.
import { isUtf8 } from 'node:buffer';
import { splitJsonArray } from '#core/api/read-json.ts';
import { limits } from '#core/limits.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

export interface SentRecord {
  /** 1-based: the line, or the place in the array. */
  readonly line: number;
  readonly bytes: Uint8Array;
}

const newline = 0x0a;
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d;

export function splitRecords(contentType: string, body: Uint8Array): readonly SentRecord[] {
  const records = contentType === 'application/json' ? elementsOf(body) : linesOf(body);
  if (records.length > limits.requestRecordsMax)
    throw new ApiRefusal(
      413,
      'too-many-records',
      `got ${records.length} records, expected at most ${limits.requestRecordsMax}`,
      {
        fix: 'send them in several requests',
      },
    );
  return records;
}

/** Blank lines count as lines, and are no records. */
function linesOf(body: Uint8Array): readonly SentRecord[] {
  const records: SentRecord[] = [];
  for (let start = 0, line = 1; start < body.length; line++) {
    const found = body.indexOf(newline, start);
    const next = found < 0 ? body.length : found;
    let from = start;
    let to = next;
    while (to > from && isSpace(body[to - 1])) to--;
    while (from < to && isSpace(body[from])) from++;
    if (to > from) records.push({ line, bytes: body.subarray(from, to) });
    start = next + 1;
  }
  return records;
}

function elementsOf(body: Uint8Array): readonly SentRecord[] {
  if (!isUtf8(body)) throw new ApiRefusal(400, 'not-utf8', 'got a body that is not UTF-8');
  const text = Buffer.from(body).toString('utf8');
  const elements = splitJsonArray(text);
  if (elements !== null) return elements.map((element, index) => ({ line: index + 1, bytes: Buffer.from(element) }));
  return [{ line: 1, bytes: requireObject(text, body) }];
}

/** A single event may stand alone. */
function requireObject(text: string, body: Uint8Array): Uint8Array {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ApiRefusal(400, 'not-json', `got no valid JSON: ${(error as SyntaxError).message}`, {
      fix: 'send an array of objects, or application/x-ndjson with one object a line',
    });
  }
  if (typeof json === 'object' && json !== null) return body;
  throw new ApiRefusal(
    422,
    'body-invalid',
    `got a JSON ${json === null ? 'null' : typeof json}, expected an array of objects`,
  );
}
