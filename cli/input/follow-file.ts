// Reads a growing log file: its last lines, then what is added, through truncation by its owner.
import { open, stat } from 'node:fs/promises';

const tailBytesMax = 8 * 1024 * 1024;
const readBytesMax = 1024 * 1024;
const newline = 0x0a;

export interface FilePosition {
  readonly path: string;
  offset: number;
  /** A last line without its end yet. */
  rest: Buffer;
}

/** The last `count` lines, and where to go on from. */
export async function lastLines(
  path: string,
  count: number,
): Promise<{ lines: readonly string[]; position: FilePosition }> {
  const { size } = await stat(path);
  const from = Math.max(0, size - tailBytesMax);
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    const { lines, rest } = splitLines(buffer.subarray(0, bytesRead));
    return { lines: lines.slice(-count), position: { path, offset: from + bytesRead, rest } };
  } finally {
    await file.close();
  }
}

/** What was added since; nothing where the file is gone. A file that shrank is read from its start. */
export async function nextLines(position: FilePosition): Promise<readonly string[]> {
  const found = await stat(position.path).catch(() => null);
  if (found === null || found.size === position.offset) return [];
  if (found.size < position.offset) {
    position.offset = 0;
    position.rest = Buffer.alloc(0);
  }
  const file = await open(position.path, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(readBytesMax, found.size - position.offset));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position.offset);
    position.offset += bytesRead;
    const { lines, rest } = splitLines(Buffer.concat([position.rest, buffer.subarray(0, bytesRead)]));
    position.rest = rest;
    return lines;
  } finally {
    await file.close();
  }
}

function splitLines(bytes: Buffer): { lines: readonly string[]; rest: Buffer } {
  const end = bytes.lastIndexOf(newline);
  const text = bytes.subarray(0, Math.max(0, end)).toString('utf8');
  return { lines: end < 0 ? [] : text.split('\n'), rest: Buffer.from(bytes.subarray(end + 1)) };
}
