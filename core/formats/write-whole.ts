// What both binary formats take from JSON alike: booleans, and numbers of which each format has its own bounds and bytes.
import { type ByteSink, writeByte } from '#core/expression/run/byte-sink.ts';
import { unfit } from '#core/formats/format-fault.ts';
import type { Encoding, Write } from '#core/formats/json-encoding.ts';
import { gotText, isNumber, misfit, readFloating, readWhole } from '#core/formats/read-json.ts';
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

/** Digits stay a number: what is too large for one is refused. Infinity is said by its name. */
export function writeFloating(
  kind: 'float' | 'double',
  at: string,
  put: (out: ByteSink, value: number, kind: 'float' | 'double') => void,
): Write {
  return ({ bytes, end, out }, from) => {
    const to = valueEnd(bytes, from, end);
    const value = readFloating(bytes, from, to, kind === 'float');
    if (value === null) throw misfit(at, 'a number', bytes, from, end);
    if (!Number.isFinite(value) && isNumber(bytes, from))
      throw unfit('out_of_range', `${at || 'the value'}: ${gotText(bytes, from, end)} does not fit ${kind}`);
    put(out, value, kind);
    return to;
  };
}
