// A revision that gets nowhere: the last good one runs again by itself, once, whatever dies on the way; the goal stays as declared.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { taskRender } from '#core/plan/task-tags.ts';
import type { OperationKind } from '#core/ports/goal-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import type { CrashPoint } from '#test/support/control-loop-world.ts';
import { DeclaredWorld } from './declared-world.ts';

beforeAll(loadParser);

const asked = { tenant: 'default', author: 'ann', reason: 'a test' };
const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });

class RolledWorld extends DeclaredWorld {
  /** Workers of these goals end by themselves, with this code. */
  readonly bad = new Map<string, number>();

  static async running(): Promise<RolledWorld> {
    const world = new RolledWorld();
    await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: { partitions: 2 } });
    await world.declare('x > 0');
    await world.goOn(10);
    return world;
  }

  async declare(where: string, more: object = {}): Promise<JobEntry> {
    const declared = { from: 'events', where, to: [{ name: 'out', stream: 'plays' }], ...more };
    await this.goals.apply({ ...asked, kind: 'Route', metadata: metadata('plays'), declared });
    return await this.entry();
  }

  async entry(): Promise<JobEntry> {
    return compilePlatform(await this.goals.snapshot(), localSettings, planRoute).jobs[0]!;
  }

  async goOn(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.pass();
      for (const task of this.tasks.tasks('running')) {
        const code = this.bad.get(taskRender(task));
        if (code !== undefined) this.tasks.end(task.taskId, code);
      }
      await this.turn();
    }
  }

  running(): readonly string[] {
    return this.tasks.tasks('running').map(taskRender);
  }

  async status() {
    const entry = await this.entry();
    const { id } = entry.goal;
    const { heartbeats } = await this.workers.view(id);
    return assessJob({ entry, control: await this.controls.read(id), heartbeats, splits: null, now: this.now });
  }

  async operate(kind: OperationKind): Promise<void> {
    const { goal } = await this.entry();
    await this.goals.requestOperation({ ...asked, job: goal.name, uid: goal.uid, kind });
  }
}

async function rolledBack(crash: CrashPoint | null = null, code: number = exitCodes.internal): Promise<RolledWorld> {
  const world = await RolledWorld.running();
  const good = (await world.entry()).render;
  const { render } = await world.declare('x > 1');
  world.bad.set(render, code);
  if (crash) world.crash = { ...crash, at: world.effectCount + crash.at };
  await world.goOn(100);
  expect(world.running()).toEqual([good]);
  return world;
}

const reasonsOf = async (world: RolledWorld): Promise<readonly string[]> =>
  (await world.goals.listEvents('default', 'job/plays.out', { limit: 200 })).items.map(({ reason }) => reason);

describe('a revision whose workers end by their own fault', () => {
  test('makes room for the last good one; the goal is as declared, and the status and one event say so', async () => {
    const world = await rolledBack();
    expect((await world.goals.read('default', 'Route', 'plays'))!.revision).toBe(2);
    const status = await world.status();
    expect(status).toMatchObject({ phase: 'Degraded', observedRevision: 2, runningRevision: 1 });
    expect(status.conditions.find(({ type }) => type === 'InSync')).toMatchObject({
      ...{ status: 'false', reason: 'RolledBack', message: expect.stringContaining('exit code 70') },
    });
    await world.goOn(300);
    expect((await reasonsOf(world)).filter((reason) => reason === 'RolledBack')).toHaveLength(1);
    expect(world.running()).toHaveLength(1);
  });

  test.each(['before', 'after'] as const)('is rolled back whichever effect the reconciler dies %s', async (when) => {
    for (let at = 1; at <= 40; at += 3) await rolledBack({ at, when });
  });

  test('makes room under a freeze that came meanwhile, too, and is not started again before nor after it is lifted', async () => {
    const world = await RolledWorld.running();
    const good = (await world.entry()).render;
    const { render } = await world.declare('x > 1');
    world.bad.set(render, exitCodes.internal);
    await world.goOn(10);
    await world.goals.freeze({ ...asked, scope: 'fleet', name: '' });
    await world.goOn(100);
    expect(world.running()).toEqual([good]);
    const inSync = (await world.status()).conditions.find(({ type }) => type === 'InSync');
    expect(inSync).toMatchObject({
      reason: 'Frozen',
      message: expect.stringMatching(
        /^revision 2 got nowhere \(.*exit code 70.*\), revision 1 runs on: ann has frozen/,
      ),
    });
    // What is declared now waits for the end of the freeze.
    const mended = await world.declare('x > 2');
    await world.goOn(20);
    expect(world.running()).toEqual([good]);
    await world.goals.unfreeze({ ...asked, scope: 'fleet', name: '' });
    await world.goOn(20);
    expect(world.running()).toEqual([mended.render]);
    expect((await reasonsOf(world)).filter((reason) => reason === 'RolledBack')).toHaveLength(1);
  });

  test('is not tried again until there is another; a mended one is', async () => {
    const world = await rolledBack();
    const mended = await world.declare('x > 2');
    await world.goOn(20);
    expect(world.running()).toEqual([mended.render]);
    expect(await world.status()).toMatchObject({ phase: 'Running', runningRevision: 3 });
  });

  test('is tried again where somebody restarts the job, and makes room again', async () => {
    const world = await rolledBack();
    await world.operate('restart');
    const { render } = await world.entry();
    await world.goOn(5);
    expect(world.running()).toEqual([render]);
    world.bad.set(render, exitCodes.noProgress);
    await world.goOn(100);
    expect(world.running()).not.toEqual([render]);
    expect((await reasonsOf(world)).filter((reason) => reason === 'RolledBack')).toHaveLength(2);
  });

  test('can be paused and resumed meanwhile: the last good one is what goes on', async () => {
    const world = await rolledBack();
    const [good] = world.running();
    await world.operate('pause');
    await world.goOn(5);
    expect(world.running()).toEqual([]);
    await world.operate('resume');
    await world.goOn(10);
    expect(world.running()).toEqual([good]);
  });
});

test('a job that was rolled back takes live settings over, and its passes come to rest', async () => {
  const world = await RolledWorld.running();
  const [good] = world.running();
  await world.declare('x > 0', { throttle: { recordsPerSecond: 10 } });
  await world.goOn(10);
  world.bad.set((await world.declare('x > 1', { throttle: { recordsPerSecond: 20 } })).render, exitCodes.internal);
  await world.goOn(100);
  await world.declare('x > 1', { throttle: { recordsPerSecond: 30 } });
  await world.goOn(10);
  const [task, ...more] = world.tasks.tasks('running');
  expect([taskRender(task!), more]).toEqual([good, []]);
  expect(world.goalOf(task!)).toMatchObject({ throttle: 30 });
  const status = await world.status();
  expect(status.conditions.find(({ type }) => type === 'InSync')).toMatchObject({ reason: 'RolledBack' });
  expect([status.observedRevision, status.runningRevision]).toEqual([4, 2]);
  expect(await world.pass()).toMatchObject({ settled: true });
});

describe('a revision that is not rolled back', () => {
  test.each([exitCodes.unavailable, exitCodes.fenced, 137])(
    'is one whose workers end with %i: what is down outside would stop the last one as well',
    async (code) => {
      const world = await RolledWorld.running();
      const { render } = await world.declare('x > 1');
      world.bad.set(render, code);
      await world.goOn(150);
      world.bad.clear();
      await world.goOn(300);
      expect(world.running()).toEqual([render]);
      expect(await reasonsOf(world)).not.toContain('RolledBack');
    },
  );

  test('is the first of all, and one that is allowed more time for it', async () => {
    const world = await RolledWorld.running();
    const { render } = await world.declare('x > 1', { health: { progressWithin: '1h' } });
    world.bad.set(render, exitCodes.internal);
    await world.goOn(150);
    expect(await reasonsOf(world)).not.toContain('RolledBack');
  });

  test('is one that has got somewhere before it began to fail', async () => {
    const world = await RolledWorld.running();
    const { render } = await world.declare('x > 1');
    await world.goOn(15);
    world.bad.set(render, exitCodes.internal);
    await world.goOn(150);
    expect(await reasonsOf(world)).not.toContain('RolledBack');
  });
});
