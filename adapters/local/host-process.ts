// Starting and stopping the host from another program: the command line, the quickstart, tests.
import { spawn } from 'node:child_process';
import { closeSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '#core/errors.ts';
import { lastBundleHere } from './bundle-note.ts';
import { compileCacheOf } from './compile-cache.ts';
import { checkFolderForPlatform } from './data-folder.ts';
import { lockFolder } from './folder-lock.ts';
import { lastLines, openLog } from './log-file.ts';
import {
  type ExtraPart,
  isRunning,
  type PlatformFile,
  type Ports,
  placesIn,
  readPlatformFile,
} from './platform-file.ts';
import { end, gone } from './process-identity.ts';

export interface HostProcess {
  readonly pid: number;
  /** Where its progress and its events are told, a line each. */
  readonly log: string;
  readonly logOffset: number;
  /** The exit code, once it has ended. */
  readonly exit: Promise<number>;
}

/** As host-main.ts ends where another host has the folder. */
const conflictCode = 5;
const lookEveryMs = 100;
/**
 * Longer than the host takes where all of it is slow: 15 s for API and reconciler, 25 to drain workers, 15 for the supervisor, 10 for
 * workers that are left, 45 for Kafka where it leaves its classes laid out.
 */
const stopWithinMs = 120_000;

/** Longer than from a host's start until it says that it starts. */
const lockedWithinMs = 30_000;

/** Throws where the folder is for something else. Starts a host of its own session, so that a terminal's Ctrl-C and the caller's end do not reach it. */
export function spawnHost(dataDir: string, ports: Partial<Ports> = {}, extra: readonly ExtraPart[] = []): HostProcess {
  checkFolderForPlatform(dataDir);
  const log = placesIn(dataDir).hostLog;
  const output = openLog(log);
  const entry = lastBundleHere('adapters/local/host-main.ts') ?? join(import.meta.dirname, 'host-main.ts');
  const logOffset = statSync(log).size;
  const child = spawn(
    process.execPath,
    [
      '--title=millrace-host',
      '--max-old-space-size=128',
      '--disable-warning=ExperimentalWarning',
      entry,
      placesIn(dataDir).data,
      ...Object.entries(ports).map(([name, port]) => `${name}=${port}`),
      ...extra.map((name) => `with=${name}`),
    ],
    {
      detached: true,
      stdio: ['ignore', output, output],
      env: { ...process.env, NODE_COMPILE_CACHE: compileCacheOf(entry) },
    },
  );
  closeSync(output);
  const exit = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
  child.unref();
  return { pid: child.pid ?? 0, log, logOffset, exit };
}

/** Waits until the platform is ready. Throws `already-running` or `not-started` where the host ends before that. */
export async function untilReady(host: HostProcess, dataDir: string): Promise<PlatformFile> {
  const exit = host.exit.then((code) => ({ code }));
  for (;;) {
    const ended = await Promise.race([exit, sleep(lookEveryMs)]);
    if (ended !== undefined) throw notStarted(ended.code, host.log);
    const file = readPlatformFile(dataDir);
    if (file?.state === 'ready' && file.host?.pid === host.pid) return file;
  }
}

function notStarted(code: number, log: string): PlatformError {
  const said = lastLines(log, 20).map((line) => line.replace(/^\S+Z /, ''));
  if (code === conflictCode) {
    return new PlatformError('already-running', said.at(-1) ?? '', { fault: 'user', retry: 'no-retry' });
  }
  const message = code === 0 ? 'the platform was stopped before it was ready' : said.join('\n');
  return new PlatformError('not-started', message, { fault: 'external', retry: 'retry' });
}

/**
 * Stops the platform of a data folder, its parts and workers in order. Returns whether one was running. Where its host hangs, or died on
 * the way, the host is gone afterwards and what it has not stopped runs on: see leftovers.ts.
 */
export async function stopHost(dataDir: string): Promise<boolean> {
  const file = readPlatformFile(dataDir);
  if (!isRunning(file) || file.host === null) return false;
  if (file.state !== 'stopping') await end(file.host, 'SIGTERM', stopWithinMs);
  else if (!(await gone(file.host, stopWithinMs))) await end(file.host, 'SIGKILL', 0);
  return true;
}

/** The folder's lock, once no host has it: one that is only just starting is stopped as soon as it says so. Null where it stays taken. */
export async function stopAndLock(dataDir: string): Promise<StoppedFolder | null> {
  const until = performance.now() + lockedWithinMs;
  let wasRunning = false;
  for (;;) {
    wasRunning = (await stopHost(dataDir)) || wasRunning;
    const unlock = lockFolder(placesIn(dataDir).lock);
    if (unlock !== null) return { wasRunning, unlock };
    if (performance.now() > until) return null;
    await sleep(lookEveryMs);
  }
}

export interface StoppedFolder {
  readonly wasRunning: boolean;
  readonly unlock: () => void;
}
