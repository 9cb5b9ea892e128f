// The ways in which a worker's process ends, or stands still, without being asked: whatever the way, its successor loses nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { exitCodes } from '#core/job/exit-codes.ts';
import { compareWithLoad, startLoad } from '../workers/load.ts';
import { addressesFromEnvironment, type RunningWorker, type StreamJobGoal, WorkerRig } from '../workers/worker-rig.ts';

// Bounds for hangs: several workers start one after the other in these.
jest.setTimeout(240_000);
const withinMs = 100_000;

let rig: WorkerRig;
let folder: string;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
  folder = mkdtempSync(join(tmpdir(), 'millrace-deaths-'));
});
afterEach(() => rig.endWorkers());
afterAll(async () => {
  await rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const untilFile = (): string => join(folder, 'go-on');
const preload = pathToFileURL(join(import.meta.dirname, '../support/act-when-told.mjs')).href;

const goalWith = async (leaseMs: number): Promise<StreamJobGoal> =>
  await rig.job({ where: 'id >= 0', settings: { leaseMs } });

const startTold = async (goal: StreamJobGoal, incarnation: number, deed: string): Promise<RunningWorker> =>
  await rig.start(goal, incarnation, 0, {
    NODE_OPTIONS: `--import=${preload}`,
    TEST_DEED: deed,
    TEST_UNTIL_FILE: untilFile(),
  });

/** In turn: each worker is the successor of the one before. */
const deaths = [
  { deed: 'heap', signal: 'SIGUSR2', end: [null, 'SIGABRT'] },
  { deed: '', signal: 'SIGSEGV', end: [null, 'SIGSEGV'] },
  { deed: 'rejection', signal: 'SIGUSR2', end: [exitCodes.internal, null] },
] as const;

describe('a worker', () => {
  test('that runs out of heap [fault 57], crashes in native code [fault 59] or meets an error that nobody handled [fault 60] ends at once, and its successor loses nothing', async () => {
    const goal = await goalWith(5_000);
    let worker = await startTold(goal, 1, deaths[0].deed);
    const producing = startLoad(rig, goal, { perTurn: 50 });
    for (const [index, { signal, end }] of deaths.entries()) {
      await rig.accounted(goal, producing.count() + 100, withinMs);
      worker.child.kill(signal);
      await worker.exited;
      expect([worker.child.exitCode, worker.child.signalCode]).toEqual(end);
      await rig.workers.fence(goal.id, worker.name);
      worker = await startTold(goal, index + 2, deaths[index + 1]?.deed ?? '');
    }
    const count = await producing.stop();
    expect(await rig.accounted(goal, count, withinMs)).toMatchObject({ in: count, out: count });
    expect(await compareWithLoad(rig, goal, count)).toMatchObject({ lost: 0, disordered: 0 });
  });

  test('whose event loop is blocked gives no sign of life, is taken over from, and ends when it wakes [fault 56]', async () => {
    const goal = await goalWith(5_000);
    const first = await startTold(goal, 1, 'block');
    const producing = startLoad(rig, goal, { perTurn: 50 });
    await rig.accounted(goal, 500, withinMs);
    first.child.kill('SIGUSR2');
    const second = await rig.start(goal, 2, 1);
    await rig.heartbeatWith(goal, second.name, ({ splits, leader }) => splits.length === 4 && leader, withinMs);
    await rig.accounted(goal, producing.count() + 500, withinMs);
    writeFileSync(untilFile(), '');
    expect(await first.exited).toBe(exitCodes.fenced);
    const count = await producing.stop();
    expect(await rig.accounted(goal, count, withinMs)).toMatchObject({ in: count, out: count });
    expect(await compareWithLoad(rig, goal, count)).toMatchObject({ lost: 0 });
  });

  test('that gets no more file descriptors ends, and says why [fault 62]', async () => {
    const goal = await goalWith(5_000);
    const worker = await rig.start(goal, 1, 0, {}, { descriptorsMax: 24 });
    expect(await worker.exited).toBe(exitCodes.internal);
    expect(JSON.stringify(worker.log)).toMatch(/EMFILE|too many open files/);
  });
});
