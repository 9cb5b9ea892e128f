// The reconciler dies at every single effect of a job's whole life, before it or after it; the next one must bring the world to its goal.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { taskRender, taskSlot } from '#core/plan/task-tags.ts';
import { ControlLoopWorld, type CrashPoint } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

const asked = { tenant: 'default', author: 'ann', reason: '' };
const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });

const declareStream = (world: ControlLoopWorld, partitions: number) =>
  world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: { partitions } });
const declareRoute = (world: ControlLoopWorld, where: string) =>
  world.goals.apply({
    ...asked,
    kind: 'Route',
    metadata: metadata('plays'),
    declared: { from: 'events', where, to: [{ name: 'out', stream: 'plays' }], resources: { workers: 2 } },
  });

/** The story: declared, changed, a worker killed, restarted by hand, deleted; after each chapter the world must be as declared. */
async function live(crash: CrashPoint | null): Promise<ControlLoopWorld> {
  const world = new ControlLoopWorld();
  world.crash = crash;
  await declareStream(world, 2);
  await declareRoute(world, 'x > 1');
  await world.settle();
  expectTwoWorkers(world);

  await declareStream(world, 3);
  await declareRoute(world, 'x > 2');
  await world.settle();
  expectTwoWorkers(world);
  expect(await world.broker.describe(['events', 'plays'], [])).toMatchObject([{ partitions: 3 }, { partitions: 3 }]);

  world.tasks.end(world.tasks.tasks('running')[0]!.taskId, 137);
  await world.settle();
  expectTwoWorkers(world);

  const { uid } = (await world.goals.read('default', 'Route', 'plays'))!;
  const before = new Set(world.tasks.tasks('running').map((task) => task.taskId));
  const requested = await world.goals.requestOperation({ ...asked, job: 'plays.out', uid, kind: 'restart' });
  await world.settle();
  expectTwoWorkers(world);
  expect(world.tasks.tasks('running').some((task) => before.has(task.taskId))).toBe(false);
  if (requested.kind === 'accepted')
    expect((await world.goals.readOperation('default', requested.operation.id))?.state).toBe('succeeded');

  await world.goals.remove({ ...asked, kind: 'Route', name: 'plays', purge: true });
  await world.settleListed();
  expect(world.tasks.tasks().filter((task) => task.state !== 'stopped')).toEqual([]);
  expect([await world.controls.list(), await world.workers.listHeartbeats()]).toEqual([[], []]);
  expect((await world.goals.snapshot()).revisions.map((revision) => revision.name)).toEqual(['events']);
  return world;
}

/** One worker a slot, all on the same goal, which is in the bucket. */
function expectTwoWorkers(world: ControlLoopWorld): void {
  const running = world.tasks.tasks('running');
  expect(running.map(taskSlot).sort()).toEqual([0, 1]);
  expect(new Set(running.map(taskRender)).size).toBe(1);
}

describe('a reconciler that dies', () => {
  test('nowhere at all needs few passes and few effects for a job’s whole life', async () => {
    const world = await live(null);
    expect(world.effectCount).toBeLessThan(80);
  });

  test.each(['before', 'after'] as const)(
    '%s any one effect of a job’s life leaves a world that the next pass brings to its goal [fault 17] [fault 18] [fault 34]',
    async (when) => {
      const total = (await live(null)).effectCount;
      expect(total).toBeGreaterThan(30);
      for (let at = 1; at <= total; at++) {
        await live({ at, when }).catch((error: unknown) => {
          throw new Error(`died ${when} effect ${at} of ${total}: ${String(error)}`, { cause: error });
        });
      }
    },
  );
});
