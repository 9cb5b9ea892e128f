// What a topic holds, as one number: the same records in any order and any partition give the same.
import { hash } from 'node:crypto';

const mask = (1n << 64n) - 1n;

/** A sum of hashes: a record that is missing, doubled or altered by one byte changes it. */
export class Content {
  count = 0;
  bytes = 0;
  #sum = 0n;

  add(value: Uint8Array | string): void {
    this.count++;
    this.bytes += value.length;
    this.#sum = (this.#sum + hash('sha256', value, 'buffer').readBigUInt64BE(0)) & mask;
  }

  get hash(): string {
    return this.#sum.toString(16).padStart(16, '0');
  }
}
