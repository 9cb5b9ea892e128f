// Runs the real `millrace` command as a process, the way a person does.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

const entry = join(import.meta.dirname, '../../cli/millrace.mjs');

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly api?: string;
  readonly input?: string | Uint8Array;
  /** Feeds the command's input while it runs, and ends it or leaves it open; in place of `input`. */
  readonly feed?: (stdin: Writable) => void;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Reads a little, then goes away, as `| head` does. */
  readonly closeOutputEarly?: boolean;
  /** Called with each piece of output, for tests that act while the command runs. */
  readonly onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export function runCli(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { MILLRACE_API: _api, MILLRACE_DATA_DIR: _data, ...inherited } = process.env;
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: options.cwd ?? process.cwd(),
    env: { ...inherited, NO_COLOR: '1', ...(options.api ? { MILLRACE_API: options.api } : {}), ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    options.onOutput?.(text, (signal) => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    options.onOutput?.(text, (signal) => child.kill(signal));
  });
  if (options.closeOutputEarly) child.stdout.once('data', () => child.stdout.destroy());
  child.stdin.on('error', () => {});
  if (options.feed) options.feed(child.stdin);
  else child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
