// Text on its way from JSON to Avro.
import { type ByteSink, writeSlice } from '#core/expression/run/byte-sink.ts';
import { readText } from '#core/formats/read-json.ts';
import { hasEscape } from '#core/operators/run/json-bytes.ts';
import { writeBlob, writeLong } from './output.ts';

const encoder = new TextEncoder();

/** A JSON string's text behind its length. */
export function writeUtf8(out: ByteSink, bytes: Uint8Array, start: number, end: number): void {
  if (hasEscape(bytes, start + 1, end - 1)) return void writeBlob(out, encoder.encode(readText(bytes, start, end)));
  writeLong(out, end - start - 2);
  writeSlice(out, bytes, start + 1, end - 1);
}
