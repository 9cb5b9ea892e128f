// Bytes to lines, with bounded memory: a line that is too long is reported and skipped, not gathered.

export interface InputLine {
  /** 1-based, blank lines counted. */
  readonly number: number;
  /** Without its line end; null where it was longer than allowed. */
  readonly bytes: Uint8Array | null;
  readonly sizeBytes: number;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/** The lines that each chunk completes, chunk by chunk (so that whoever reads knows when the input pauses). */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<readonly InputLine[]> {
  let number = 0;
  let kept: Uint8Array[] = [];
  let sizeBytes = 0;
  const grow = (bytes: Uint8Array): void => {
    sizeBytes += bytes.length;
    if (sizeBytes > lineBytesMax) kept = [];
    else if (bytes.length > 0) kept.push(bytes);
  };
  const finish = (): InputLine => {
    const whole = kept.length === 1 ? kept[0]! : Buffer.concat(kept);
    const line = { number: ++number, bytes: sizeBytes > lineBytesMax ? null : trimEnd(whole), sizeBytes };
    kept = [];
    sizeBytes = 0;
    return line;
  };
  for await (const chunk of source) {
    const lines: InputLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      grow(chunk.subarray(from, at));
      lines.push(finish());
      from = at + 1;
    }
    grow(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (sizeBytes > 0) yield [finish()];
}

const trimEnd = (bytes: Uint8Array): Uint8Array =>
  bytes.at(-1) === carriageReturn ? bytes.subarray(0, bytes.length - 1) : bytes;

export const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0x20 || byte === 0x09);
