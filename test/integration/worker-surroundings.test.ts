// What befalls a worker's host: its clock jumps, nobody takes its log. Neither is any business of the records.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { exitCodes } from '#core/job/exit-codes.ts';
import { compareWithLoad, startLoad } from '../workers/load.ts';
import { addressesFromEnvironment, type RunningWorker, type StreamJobGoal, WorkerRig } from '../workers/worker-rig.ts';

// Bounds for hangs: several workers start one after the other in these.
jest.setTimeout(240_000);
const withinMs = 100_000;

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(() => rig.endWorkers());
afterAll(async () => await rig.close());

const preload = pathToFileURL(join(import.meta.dirname, '../support/act-when-told.mjs')).href;

test('clocks that jump ten minutes, one ahead and one back, cost nobody a lease or a split; a dead worker is noticed all the same [fault 79] [fault 80]', async () => {
  const goal = await rig.job({ where: 'id >= 0', settings: { leaseMs: 3_000 } });
  const startAt = async (incarnation: number, shiftMs: number): Promise<RunningWorker> =>
    await rig.start(goal, incarnation, incarnation - 1, {
      NODE_OPTIONS: `--import=${preload}`,
      TEST_DEED: 'clock',
      TEST_CLOCK_SHIFT_MS: String(shiftMs),
    });
  const [ahead, back] = [await startAt(1, 600_000), await startAt(2, -600_000)];
  for (const { name } of [ahead, back])
    await rig.heartbeatWith(goal, name, ({ splits }) => splits.length === 2, withinMs);
  const producing = startLoad(rig, goal, { perTurn: 50 });
  await rig.accounted(goal, 200, withinMs);
  const owners = async (of: StreamJobGoal) => (await rig.records(of)).map(({ owner, epoch }) => [owner, epoch]);
  const before = await owners(goal);
  for (const { child } of [ahead, back]) child.kill('SIGUSR2');
  for (const [worker, direction] of [
    [ahead, 1],
    [back, -1],
  ] as const)
    await rig.heartbeatWith(goal, worker.name, ({ at }) => (at - Date.now()) * direction > 500_000, withinMs);
  await rig.accounted(goal, producing.count() + 2_000, withinMs);
  expect(await owners(goal)).toEqual(before);
  ahead.child.kill('SIGKILL');
  await rig.heartbeatWith(goal, back.name, ({ splits }) => splits.length === 4, withinMs);
  const count = await producing.stop();
  expect(await rig.accounted(goal, count, withinMs)).toMatchObject({ in: count, out: count });
  expect(await compareWithLoad(rig, goal, count)).toMatchObject({ lost: 0 });
});

test('a log that nobody takes any more stops no record, and the worker ends in order [fault 126]', async () => {
  const goal = await rig.job({ where: 'id >= 0' });
  const worker = await rig.start(goal);
  await rig.heartbeatWith(goal, worker.name, ({ splits }) => splits.length === 4, withinMs);
  worker.child.stdout!.destroy();
  const events = ['no JSON', ...Array.from({ length: 500 }, (_, id) => JSON.stringify({ id }))];
  await rig.produce(
    goal.source.topic,
    events.map((value) => ({ value })),
  );
  expect(await rig.accounted(goal, 501, withinMs)).toMatchObject({ out: 500, deadLettered: 1 });
  worker.child.kill('SIGTERM');
  await worker.exited;
  expect(worker.child.exitCode).toBe(exitCodes.ended);
});
