// Log files of processes: appended to by the process itself, so that it outlives us, and kept to a size by us.
import { closeSync, copyFileSync, mkdirSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';

export const logBytesMax = 10 * 1024 * 1024;

/** A descriptor to give to a child as stdout and stderr; the caller closes it after the spawn. */
export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a', 0o600);
}

/**
 * Moves the content to `<path>.1` once the file is over its size. The process goes on writing to the same file: it has
 * it open for appending, so its next line lands at the new end. Lines written during the copy may be lost.
 */
export function boundLog(path: string, bytesMax = logBytesMax): void {
  try {
    if (statSync(path).size <= bytesMax) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  } catch {
    // No log yet, or a full disk: neither may stop what is logged.
  }
}

/** The last lines of a file, or none where there is no file. */
export function lastLines(path: string, count: number, bytesMax = 16 * 1024): string[] {
  try {
    const file = openSync(path, 'r');
    try {
      const size = statSync(path).size;
      const length = Math.min(size, bytesMax);
      const buffer = Buffer.alloc(length);
      readSync(file, buffer, 0, length, size - length);
      return buffer.toString('utf8').trimEnd().split('\n').slice(-count);
    } finally {
      closeSync(file);
    }
  } catch {
    return [];
  }
}
