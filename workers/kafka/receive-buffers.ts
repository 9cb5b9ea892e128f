// Two buffers that answers are received into in turn: one is worked on while the next answer arrives in the other.

/**
 * For one reader with one request under way at a time, who asks for the next answer before working on the current one and
 * is done with the current one when he asks for the one after: bytes are good until the second `gather` after theirs.
 */
export class ReceiveBuffers {
  readonly #bytesMax: number;
  readonly #buffers: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  #turn: 0 | 1 = 0;

  /** Larger answers get memory of their own. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  readonly gather = (chunks: readonly Buffer[], length: number): Buffer => {
    if (chunks.length === 1) return chunks[0]!;
    if (length > this.#bytesMax) return Buffer.concat(chunks, length);
    this.#turn = this.#turn === 0 ? 1 : 0;
    if (this.#buffers[this.#turn].length < length)
      this.#buffers[this.#turn] = Buffer.allocUnsafeSlow(Math.min(this.#bytesMax, Math.ceil(length * 1.25)));
    const buffer = this.#buffers[this.#turn];
    let at = 0;
    for (const chunk of chunks) {
      buffer.set(chunk, at);
      at += chunk.length;
    }
    return buffer.subarray(0, length);
  };
}
