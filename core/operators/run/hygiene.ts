// Values made harmless, byte by byte of the event: masked, hashed, truncated or taken out.
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type ByteSink, writeByte, writeJsonText, writeSlice } from '#core/expression/run/byte-sink.ts';
import { decodeJsonString } from '#core/expression/run/decode.ts';
import type { HygieneRule } from '../hygiene-rule.ts';
import type { HygieneField } from '../operator.ts';
import { eachElement, hasEscape } from './json-bytes.ts';
import { createRewrite, type Edit, type Rewrite } from './rewrite.ts';

export type Salts = ReadonlyMap<string, Uint8Array>;

/** Throws where a salt is missing: an unsalted hash would be no protection. */
export function createHygiene(fields: readonly HygieneField[], salts: Salts): Rewrite {
  return createRewrite(fields.map(({ path, rule }) => ({ path, edit: editOf(rule, salts) })));
}

type Change = (bytes: Uint8Array, start: number, end: number) => string;

function editOf(rule: HygieneRule, salts: Salts): Edit {
  switch (rule.kind) {
    case 'drop':
      return null;
    case 'mask':
      return perElement((bytes, start, end) => mask(textOf(bytes, start, end), bytes[start]!, rule));
    case 'truncate':
      return perElement((bytes, start, end) => [...textOf(bytes, start, end)].slice(0, rule.characters).join(''));
    case 'hash': {
      const salt = salts.get(rule.salt);
      if (salt === undefined) throw new Error(`the secret ${rule.salt}, which salts a hash, was not given`);
      const keyed = hmac.create(sha256, salt);
      const hash: Change = (bytes, start, end) =>
        bytesToHex(
          keyed
            .clone()
            .update(textBytes(bytes, start, end))
            .digest(),
        );
      return perElement(hash);
    }
  }
}

/** A list stays one: its elements are changed. NULL hides nothing and stays. */
function perElement(change: Change): NonNullable<Edit> {
  const edit = (bytes: Uint8Array, start: number, end: number, out: ByteSink): void => {
    const first = bytes[start]!;
    if (first === 0x6e) writeSlice(out, bytes, start, end);
    else if (first !== 0x5b) writeJsonText(out, change(bytes, start, end));
    else {
      let isFirst = true;
      writeByte(out, 0x5b);
      eachElement(bytes, start, end, (from, to) => {
        if (!isFirst) writeByte(out, 0x2c);
        isFirst = false;
        edit(bytes, from, to, out);
      });
      writeByte(out, 0x5d);
    }
  };
  return edit;
}

const masked = '****';

/** So few characters that hardly any would be hidden are hidden whole; so is an object. */
function mask(text: string, first: number, { keepFirst, keepLast }: Extract<HygieneRule, { kind: 'mask' }>): string {
  if (keepFirst + keepLast === 0 || first === 0x7b) return masked;
  const characters = [...text];
  if (characters.length < 2 * (keepFirst + keepLast)) return masked;
  return characters.slice(0, keepFirst).join('') + masked + characters.slice(characters.length - keepLast).join('');
}

const encoder = new TextEncoder();

/** A string's content; anything else as it is written. */
function textOf(bytes: Uint8Array, start: number, end: number): string {
  if (bytes[start] !== 0x22) return decodeJsonString(bytes, start, end, false);
  return decodeJsonString(bytes, start + 1, end - 1, hasEscape(bytes, start, end));
}

function textBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes[start] !== 0x22) return bytes.subarray(start, end);
  if (!hasEscape(bytes, start, end)) return bytes.subarray(start + 1, end - 1);
  return encoder.encode(textOf(bytes, start, end));
}
