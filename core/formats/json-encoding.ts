// One event on its way from JSON to a stream's format.
import type { ByteSink } from '#core/expression/run/byte-sink.ts';
import { malformed } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';
import { skipSpace } from '#core/operators/run/json-bytes.ts';

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

/** Runs a writer over events, one after the other; the JSON is known to be well formed. */
export function encodeWith(write: Write): (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void {
  const bytes = new Uint8Array(0);
  const encoding: Encoding = { bytes, end: 0, depth: 0, out: { bytes, length: 0 } };
  return (event, start, end, out) => {
    encoding.bytes = event;
    encoding.end = end;
    encoding.depth = 0;
    encoding.out = out;
    write(encoding, skipSpace(event, start));
  };
}
