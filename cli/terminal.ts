// What the terminal is: colours where wanted, questions where a person can answer, and text that cannot take it over.
import { CommandError, exitCodes } from '#cli/exit.ts';

type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

const codes: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export type Paint = (colour: Colour, text: string) => string;

/** https://no-color.org: set and not empty means no colours; FORCE_COLOR means colours even into a pipe. */
export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  const { NO_COLOR: no, FORCE_COLOR: force, TERM: term } = process.env;
  const wanted = force !== undefined && force !== '' && force !== '0' ? true : stream.isTTY === true && term !== 'dumb';
  if (!wanted || (no !== undefined && no !== '')) return (_, text) => text;
  return (colour, text) => `\u001b[${codes[colour][0]}m${text}\u001b[${codes[colour][1]}m`;
}

/** Without the characters by which data could drive a terminal (escape sequences, bells, cursor moves, reversed text). */
export const withoutControls = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

/** One line, without control characters, at most `charsMax` long. */
export function oneLine(text: string, charsMax = 200): string {
  const flat = withoutControls(text.replace(/\s+/g, ' ').trim());
  return flat.length <= charsMax ? flat : `${flat.slice(0, charsMax - 1)}…`;
}

/** Progress and remarks go to stderr, so that stdout holds data alone. Without colours: names and messages of others stand in them. */
export function note(text: string): void {
  process.stderr.write(`${withoutControls(text)}\n`);
}

/** A command's outcome in a line of words, on stdout. */
export function say(text: string): void {
  process.stdout.write(`${withoutControls(text)}\n`);
}

/** Writes data, and waits where the reader is slow, so that memory stays bounded. */
export async function writeOut(text: string | Uint8Array): Promise<void> {
  if (process.stdout.write(text)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}

/** True if a person says yes. Where nobody can be asked (no terminal), true: scripts state what they want by what they call. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = new Promise<string>((resolve, reject) => {
    prompt.once('close', () => reject(new CommandError(exitCodes.interrupted, 'not answered, so nothing was changed')));
    prompt.question(`${withoutControls(question)} [y/N] `).then(resolve, reject);
  });
  try {
    return /^y(es)?$/i.test((await answer).trim());
  } finally {
    prompt.close();
  }
}
