// What both binary formats take from JSON alike: a boolean as one byte, and a whole number of which each format has its own bounds and bytes.
import { writeByte } from '#core/expression/run/byte-sink.ts';
import type { Encoding, Write } from '#core/formats/json-encoding.ts';
import { isNumber, misfit, readWhole } from '#core/formats/read-json.ts';
import { valueEnd } from '#core/operators/run/json-bytes.ts';

export const writeBoolean =
  (at: string): Write =>
  ({ bytes, end, out }, from) => {
    const first = bytes[from];
    if (first !== 0x74 && first !== 0x66) throw misfit(at, 'a boolean', bytes, from, end);
    writeByte(out, first === 0x74 ? 1 : 0);
    return from + (first === 0x74 ? 4 : 5);
  };

/** `put` refuses what its kind does not hold. */
export function writeWhole<Kind extends string>(
  kind: Kind,
  at: string,
  put: (encoding: Encoding, value: number | bigint, kind: Kind, at: string) => void,
): Write {
  return (encoding, from) => {
    const { bytes, end } = encoding;
    const to = isNumber(bytes, from) ? valueEnd(bytes, from, end) : -1;
    const value = to < 0 ? null : readWhole(bytes, from, to);
    if (value === null) throw misfit(at, `a whole number (${kind})`, bytes, from, end);
    put(encoding, value, kind, at);
    return to;
  };
}
