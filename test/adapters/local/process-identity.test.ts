// Processes are known by their id and their start, so that a reused id is never taken for the process that had it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { end, identify, isAlive, residentBytes, signal } from '#adapters/local/process-identity.ts';
import { endRecorded, readIdentity, recordedAlive } from '#adapters/local/stale-processes.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-identity-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that says when it is up, in a group of its own. */
async function child(
  program: string,
): Promise<{ identity: NonNullable<ReturnType<typeof identify>>; exit: Promise<unknown> }> {
  const process = spawn('sh', ['-c', program], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const exit = once(process, 'exit');
  await once(process.stdout, 'data');
  const identity = identify(process.pid ?? 0);
  if (identity === null) throw new Error('the process is gone already');
  return { identity, exit };
}

const polite = 'echo up; while :; do sleep 0.05; done';
const stubborn = `trap '' TERM; ${polite}`;
const record = (name: string, value: unknown): void => writeFileSync(join(folder, name), JSON.stringify(value));

test('a living process is identified the same way each time, and is no longer alive after its end', async () => {
  const { identity, exit } = await child(polite);
  expect(identify(identity.pid)).toEqual(identity);
  expect(residentBytes(identity.pid)).toBeGreaterThan(100_000);
  signal(identity, 'SIGKILL');
  await exit;
  expect(isAlive(identity)).toBe(false);
});

test('a process that asks to go on is killed after its time', async () => {
  const one = await child(polite);
  const other = await child(stubborn);
  expect(await end(one.identity, 'SIGTERM', 5_000)).toBe(true);
  expect(await end(other.identity, 'SIGTERM', 200)).toBe(false);
  expect(isAlive(other.identity)).toBe(false);
});

test('another process with the recorded id is neither alive nor ended', async () => {
  const { identity, exit } = await child(polite);
  const impostor = { pid: identity.pid, startedAt: 'before it' };
  record('kafka.json', { name: 'kafka', ...impostor });
  expect(isAlive(impostor)).toBe(false);
  expect(recordedAlive(folder)).toEqual([]);
  expect(await endRecorded(folder)).toEqual([]);
  signal(impostor, 'SIGKILL');
  expect(isAlive(identity)).toBe(true);
  signal(identity, 'SIGKILL');
  await exit;
});

test('recorded processes that still live are ended and forgotten', async () => {
  const { identity } = await child(polite);
  record('kafka.json', { name: 'kafka', ...identity });
  expect(await endRecorded(folder)).toEqual([{ name: 'kafka', ...identity }]);
  expect(isAlive(identity)).toBe(false);
  expect(readdirSync(folder)).toEqual([]);
});

test('a record that was half written, and a folder that is not there, are no processes', () => {
  writeFileSync(join(folder, 'kafka.json'), '{"pid": 12');
  mkdirSync(join(folder, 'sub'));
  expect(readIdentity(join(folder, 'kafka.json'))).toBeNull();
  expect(recordedAlive(folder)).toEqual([]);
  expect(recordedAlive(join(folder, 'missing'))).toEqual([]);
});
