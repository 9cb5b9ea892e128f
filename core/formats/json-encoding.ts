// One event on its way from JSON to a stream's format.
import type { ByteSink } from '#core/expression/run/byte-sink.ts';
import { malformed } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';

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
