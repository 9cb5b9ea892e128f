// A worker with processors to spare works in threads: what holds in one thread holds in several, and one that fails ends all.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { isBalanced } from '#core/job/accounting.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { compareWithLoad, startLoad } from '../workers/load.ts';
import {
  addressesFromEnvironment,
  type RunningWorker,
  type StreamJobGoal,
  shapes,
  WorkerRig,
} from '../workers/worker-rig.ts';

// A bound for hangs: several workers start one after the other in these.
jest.setTimeout(240_000);

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(async () => await rig.endWorkers());
afterAll(async () => await rig.close());

const withinMs = 100_000;
/** Long enough for a machine that has much else to do. */
const leaseMs = 15_000;
const inOrder = { lost: 0, duplicates: 0, disordered: 0 };

describe.each(shapes)('workers of $shape', ({ resources }) => {
  test('share the splits as they come and go, and lose and double nothing [fault 47]', async () => {
    const goal = await rig.job({ where: 'id >= 0', settings: { leaseMs }, goal: { resources } });
    const producing = startLoad(rig, goal, { perTurn: 300, turnMs: 20 });
    const first = await rig.start(goal, 1, 0);
    await rig.heartbeatWith(goal, first.name, ({ splits }) => splits.length === 4, withinMs);
    const second = await rig.start(goal, 2, 1);
    await rig.heartbeatWith(goal, second.name, ({ splits }) => splits.length === 2, withinMs);
    await rig.heartbeatWith(goal, first.name, ({ splits }) => splits.length === 2, withinMs);
    await rig.accounted(goal, producing.count(), withinMs);
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(exitCodes.ended);
    await rig.heartbeatWith(goal, second.name, ({ splits, leader }) => splits.length === 4 && leader, withinMs);
    const count = await producing.stop();
    const accounting = await rig.accounted(goal, count, withinMs);
    expect(accounting).toMatchObject({ in: count, out: count });
    expect(isBalanced(accounting)).toBe(true);
    expect(await compareWithLoad(rig, goal, count)).toEqual(inOrder);
  });
});

/** A worker of two data threads, the first of which will do what it is told. */
async function startFaulty(): Promise<{
  readonly goal: StreamJobGoal;
  readonly worker: RunningWorker;
  readonly tell: (fault: 'die' | 'hang') => void;
}> {
  const { resources } = shapes[1];
  const goal = await rig.job({ where: 'id >= 0', settings: { leaseMs: 6_000 }, goal: { resources } });
  const file = join(tmpdir(), `fault-${randomUUID()}`);
  const preload = pathToFileURL(join(import.meta.dirname, '../support/thread-fault.mjs')).href;
  const worker = await rig.start(goal, 1, 0, { NODE_OPTIONS: `--import=${preload}`, THREAD_FAULT: file });
  return { goal, worker, tell: (fault) => writeFileSync(file, fault) };
}

describe('data threads', () => {
  test('each have splits of their own, and one heartbeat speaks for all', async () => {
    const { resources } = shapes[1];
    const goal = await rig.job({ where: 'id % 2 = 0', settings: { leaseMs }, goal: { resources } });
    const worker = await rig.start(goal);
    const events = Array.from({ length: 2_000 }, (_, id) => ({ key: `k${id % 40}`, value: JSON.stringify({ id }) }));
    await rig.produce(goal.source.topic, events);
    await rig.accounted(goal, 2_000, withinMs);
    const beat = await rig.heartbeatWith(goal, worker.name, ({ accounting }) => accounting.in === 2_000, withinMs);
    expect(beat.splits).toHaveLength(4);
    expect(beat.accounting).toMatchObject({ in: 2_000, out: 1_000, filtered: 1_000 });
    const paths = worker.log.filter(({ message }) => message === 'took a split').map(({ path }) => path);
    expect(paths.sort()).toEqual([0, 0, 1, 1]);
  });

  test.each([
    { fault: 'die', means: 'the process ends at once', exit: exitCodes.internal },
    { fault: 'hang', means: 'no heartbeat is sent, and the lease runs out [fault 56]', exit: exitCodes.fenced },
  ] as const)(
    'when one of them is made to $fault, $means, and another worker loses nothing',
    async ({ fault, exit }) => {
      const { goal, worker, tell } = await startFaulty();
      const producing = startLoad(rig, goal, { perTurn: 200 });
      await rig.accounted(goal, 2_000, withinMs);
      tell(fault);
      expect(await worker.exited).toBe(exit);
      await rig.workers.fence(goal.id, worker.name);
      await rig.start(goal, 2);
      const count = await producing.stop();
      expect(await rig.accounted(goal, count, withinMs)).toMatchObject({ in: count, out: count });
      expect(await compareWithLoad(rig, goal, count)).toMatchObject({ lost: 0, disordered: 0 });
    },
  );
});
