// Observing: what is unknown, and when the observation was made.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

async function aRunningJob(): Promise<ControlLoopWorld> {
  const world = new ControlLoopWorld();
  const asked = { tenant: 'default', author: 'ann', reason: '' };
  const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });
  await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: {} });
  const declared = { from: 'events', to: [{ name: 'out', stream: 'plays' }] };
  await world.goals.apply({ ...asked, kind: 'Route', metadata: metadata('plays'), declared });
  await world.settle();
  return world;
}

describe('a pass whose broker answers late or not at all', () => {
  test('does not take workers for silent that reported while it waited', async () => {
    const world = await aRunningJob();
    const before = world.tasks.tasks('running').map((task) => task.taskId);
    world.gate = async (call) => {
      if (call === 'broker.describe') world.now += 60_000;
    };
    await world.pass();
    expect(world.tasks.tasks('running').map((task) => task.taskId)).toEqual(before);
  });

  test('goes on with jobs: a worker that died is replaced all the same', async () => {
    const world = await aRunningJob();
    world.tasks.end(world.tasks.tasks('running')[0]!.taskId, 137);
    world.gate = async (call) => {
      if (call === 'broker.describe') throw new Error('kafka cannot be reached');
    };
    const report = await world.pass();
    expect(report?.failures).toEqual(['topics: kafka cannot be reached']);
    expect(world.tasks.tasks('running')).toHaveLength(1);
  });
});
