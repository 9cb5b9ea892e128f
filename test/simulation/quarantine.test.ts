// A worker that ends again and again by its own fault: started with growing pauses, then left down with its last words, until somebody acts.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import type { Json } from '#core/spec/json.ts';
import { assessJob } from '#core/status/assess-job.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

const asked = { tenant: 'default', author: 'ann', reason: 'a test' };
const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });

async function aWorld(
  health: { readonly [key: string]: Json } = { restartBudget: { count: 3, per: '1h' } },
): Promise<ControlLoopWorld> {
  const world = new ControlLoopWorld();
  await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: { partitions: 2 } });
  const declared = { from: 'events', to: [{ name: 'out', stream: 'plays' }], resources: { workers: 2 }, health };
  await world.goals.apply({ ...asked, kind: 'Route', metadata: metadata('plays'), declared });
  await world.settle();
  return world;
}

/** The worker of slot 0 ends whenever it runs. */
async function failing(world: ControlLoopWorld, seconds: number, code: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await world.pass();
    const victim = world.tasks.tasks('running').find(({ tags }) => tags['millrace:slot'] === '0');
    if (victim) world.tasks.end(victim.taskId, code);
    await world.turn();
  }
}

async function statusOf(world: ControlLoopWorld) {
  const entry = compilePlatform(await world.goals.snapshot(), localSettings, planRoute).jobs[0]!;
  const { heartbeats } = await world.workers.view(entry.goal.id);
  const control = await world.controls.read(entry.goal.id);
  return assessJob({ entry, control, heartbeats, splits: null, now: world.now });
}

const told = async (world: ControlLoopWorld, reason: string) =>
  (await world.goals.listEvents('default', 'job/plays.out', { limit: 200 })).items.filter(
    (one) => one.reason === reason,
  );

describe('a worker that ends again and again by its own fault', () => {
  test('is quarantined when its budget is spent, with its last words; the others work on', async () => {
    const world = await aWorld();
    await failing(world, 120, exitCodes.internal);
    const started = world.tasks.tasks().length;
    expect(world.tasks.tasks('running')).toHaveLength(1);
    await failing(world, 600, exitCodes.internal);
    expect(world.tasks.tasks()).toHaveLength(started);
    const events = await told(world, 'WorkerQuarantined');
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      severity: 'error',
      evidence: { log: [expect.stringMatching(/^the last words of/)] },
    });
    const status = await statusOf(world);
    expect(status).toMatchObject({ phase: 'Quarantined', message: expect.stringContaining('exit code 70') });
    expect(status.conditions.find(({ type }) => type === 'Stable')).toMatchObject({ status: 'false' });
  });

  test('begins anew when somebody restarts the job', async () => {
    const world = await aWorld();
    await failing(world, 120, exitCodes.internal);
    const { uid } = (await world.goals.read('default', 'Route', 'plays'))!;
    await world.goals.requestOperation({ ...asked, job: 'plays.out', uid, kind: 'restart' });
    await world.settle();
    expect(world.tasks.tasks('running')).toHaveLength(2);
    expect(await statusOf(world)).toMatchObject({ phase: 'Running' });
  });

  test.each([exitCodes.unavailable, exitCodes.fenced, 137])(
    'is not one that ends with %i, however often',
    async (code) => {
      const world = await aWorld();
      await failing(world, 400, code);
      expect(await told(world, 'WorkerQuarantined')).toEqual([]);
    },
  );

  test('has a budget that is as large again after its span', async () => {
    const world = await aWorld({ restartBudget: { count: 3, per: '2m' } });
    for (let round = 0; round < 5; round++) {
      await failing(world, 2, exitCodes.internal);
      for (let second = 0; second < 130; second++) {
        await world.pass();
        await world.turn();
      }
    }
    expect(await told(world, 'WorkerQuarantined')).toEqual([]);
    expect(world.tasks.tasks('running')).toHaveLength(2);
  });
});
