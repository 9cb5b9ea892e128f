// One event on its way from JSON to Avro, and what every writer of a value shares.
import { type ByteSink, writeSlice } from '#core/expression/run/byte-sink.ts';
import { malformed } from '#core/formats/format-fault.ts';
import { readText } from '#core/formats/read-json.ts';
import { limits } from '#core/limits.ts';
import { hasEscape } from '#core/operators/run/json-bytes.ts';
import { writeBlob, writeLong } from './output.ts';

export interface Encoding {
  bytes: Uint8Array;
  end: number;
  depth: number;
  out: ByteSink;
}

/** Writes the value that begins at `at`; gives the offset behind it. */
export type Write = (encoding: Encoding, at: number) => number;

export function enterJson(encoding: Encoding): void {
  if (++encoding.depth > limits.recordDepthMax)
    throw malformed(`the value is nested deeper than ${limits.recordDepthMax} levels`);
}

const encoder = new TextEncoder();

/** A JSON string's text behind its length. */
export function writeUtf8(out: ByteSink, bytes: Uint8Array, start: number, end: number): void {
  if (hasEscape(bytes, start + 1, end - 1)) return void writeBlob(out, encoder.encode(readText(bytes, start, end)));
  writeLong(out, end - start - 2);
  writeSlice(out, bytes, start + 1, end - 1);
}
