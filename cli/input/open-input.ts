// A file or stdin as bytes, which a reader may close early: a writer at the other end of the pipe then learns of it.
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { messageOf } from '#core/errors.ts';

export interface Input {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Ends a read that still waits. */
  readonly close: () => void;
}

/** `-` is stdin. `named` is how the file was given, for the message where it cannot be read. */
export function openInput(file: string, named: string): Input {
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 });
  return { bytes: readAll(stream, named), close: () => stream.destroy() };
}

async function* readAll(stream: Readable, named: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${named}: ${messageOf(error)}`, {
      fix: 'name a readable file, or - for stdin',
    });
  }
}
