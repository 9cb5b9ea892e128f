// What a host left running: it is found by what was written down, and ended in an order in which nothing starts anew.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { endLeftovers, leftoversIn } from '#adapters/local/leftovers.ts';
import { type Places, placesIn } from '#adapters/local/platform-file.ts';
import { identify, type ProcessIdentity } from '#adapters/local/process-identity.ts';
import { pidPath, type TaskRecord, writeRecord } from '#adapters/local/task-records.ts';
import { processTitle } from '#adapters/local/worker-process.ts';

let places: Places;
let started: ChildProcess[] = [];
beforeEach(() => {
  places = placesIn(mkdtempSync(join(tmpdir(), 'millrace-leftovers-')));
  mkdirSync(places.run);
  mkdirSync(places.tasks);
});
afterEach(() => {
  for (const one of started) one.kill('SIGKILL');
  started = [];
  rmSync(places.data, { recursive: true, force: true });
});

async function running(entry: string, flags: readonly string[] = []): Promise<ProcessIdentity> {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, [...flags, entry], { stdio: [...stdio], detached: true });
  started.push(child);
  await once(child.stdout!, 'data');
  return identify(child.pid!)!;
}

const worker = (taskId: string): Promise<ProcessIdentity> =>
  running(resolve(import.meta.dirname, '../../support/task-program.mjs'), [`--title=${processTitle(taskId)}`]);

const record = (taskId: string, more: Partial<TaskRecord>): void =>
  writeRecord(places.tasks, {
    task: { taskId, job: 'default/plays.out@u1', tags: {}, state: 'running', createdAt: 1 },
    requestHash: 'h',
    ...more,
  });

/** A part that notes, when it is asked to end, whether a process lived at that time. */
async function partThatLooksAt(name: string, pid: number): Promise<void> {
  const entry = join(places.data, `${name}.mjs`);
  const seen = JSON.stringify(join(places.data, `${name}.saw`));
  writeFileSync(
    entry,
    `import { writeFileSync } from 'node:fs';
    process.on('SIGTERM', () => {
      let saw = 'alive';
      try { process.kill(${pid}, 0); } catch { saw = 'gone'; }
      writeFileSync(${seen}, saw);
      process.exit(0);
    });
    setInterval(() => {}, 1000);
    console.log('up');`,
  );
  writeFileSync(join(places.run, `${name}.json`), JSON.stringify({ name, ...(await running(entry)) }));
}

const sawOf = (name: string): string => readFileSync(join(places.data, `${name}.saw`), 'utf8');

test('what starts workers is ended before them, and what they commit to after them', async () => {
  const one = await worker('one');
  record('one', { identity: one });
  for (const name of ['kafka', 'supervisor', 'reconciler']) await partThatLooksAt(name, one.pid);
  expect(leftoversIn(places)).toHaveLength(4);
  const { parts, workersCount } = await endLeftovers(places);
  expect([parts.map(({ name }) => name).sort(), workersCount]).toEqual([['kafka', 'reconciler', 'supervisor'], 1]);
  expect([sawOf('reconciler'), sawOf('supervisor'), sawOf('kafka')]).toEqual(['alive', 'alive', 'gone']);
  expect(leftoversIn(places)).toEqual([]);
});

test('a worker is found by what its shell wrote down, where its record is not finished, cut short or gone', async () => {
  const workers = [await worker('unfinished'), await worker('short'), await worker('gone')];
  for (const [index, taskId] of ['unfinished', 'short', 'gone'].entries())
    writeFileSync(pidPath(places.tasks, taskId), `${workers[index]!.pid}\n`);
  record('unfinished', {});
  writeFileSync(join(places.tasks, 'short.json'), '{"task":{"taskId":"sho');
  expect(leftoversIn(places)).toHaveLength(3);
  expect((await endLeftovers(places)).workersCount).toBe(3);
  expect(workers.map(({ pid }) => identify(pid))).toEqual([null, null, null]);
});

test('a task whose shell has not begun does not begin any more', async () => {
  record('late', { task: { taskId: 'late', job: 'j', tags: {}, state: 'starting', createdAt: 1 } });
  expect((await endLeftovers(places)).workersCount).toBe(0);
  expect(readFileSync(pidPath(places.tasks, 'late'), 'utf8')).toContain('abandoned');
});
