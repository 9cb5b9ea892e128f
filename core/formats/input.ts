// A record's bytes while they are read, and where its JSON goes.
import type { ByteSink } from '#core/expression/run/byte-sink.ts';
import { malformed, truncated } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';

/** One value being read. It is reused: nothing of it is kept from one record to the next. */
export interface Input {
  bytes: Uint8Array;
  at: number;
  end: number;
  view: DataView;
  depth: number;
  out: ByteSink;
}

export type Read = (input: Input) => void;

export function createInput(): Input {
  const bytes = new Uint8Array(0);
  return { bytes, at: 0, end: 0, view: new DataView(bytes.buffer), depth: 0, out: { bytes, length: 0 } };
}

export function openInput(input: Input, bytes: Uint8Array, start: number, end: number, out: ByteSink): void {
  if (input.bytes !== bytes) input.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  input.bytes = bytes;
  input.at = start;
  input.end = end;
  input.depth = 0;
  input.out = out;
}

/** Schemas may lead back to themselves, so how deep a value goes is the record's own doing. */
export function enter(input: Input): void {
  if (++input.depth > limits.recordDepthMax)
    throw malformed(`the value is nested deeper than ${limits.recordDepthMax} levels`);
}

export function take(input: Input, count: number, what: string): number {
  const start = input.at;
  if (count > input.end - start) throw truncated(what);
  input.at = start + count;
  return start;
}
