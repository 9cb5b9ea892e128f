// A change with lower latency: others start beside those that run, and these end only once they are not needed any more.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { taskRender } from '#core/plan/task-tags.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

const asked = { tenant: 'default', author: 'ann', reason: 'a test' };
const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });

class BesideWorld extends ControlLoopWorld {
  /** Workers of these goals end by themselves. */
  readonly bad = new Set<string>();
  /** The fewest workers that ran at any moment since it was set. */
  fewest = Number.POSITIVE_INFINITY;

  static async running(workers: number, onRedeploy = 'lower-latency'): Promise<BesideWorld> {
    const world = new BesideWorld();
    await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: { partitions: 2 } });
    await world.declare(0, workers, onRedeploy);
    await world.goOn(10);
    world.fewest = workers;
    return world;
  }

  async declare(limit: number, workers: number, onRedeploy = 'lower-latency'): Promise<string> {
    const declared = {
      ...{ from: 'events', where: `x > ${limit}`, to: [{ name: 'out', stream: 'plays' }] },
      ...{ resources: { workers }, delivery: { onRedeploy } },
    };
    await this.goals.apply({ ...asked, kind: 'Route', metadata: metadata('plays'), declared });
    return compilePlatform(await this.goals.snapshot(), localSettings, planRoute).jobs[0]!.render;
  }

  async goOn(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.pass();
      for (const task of this.tasks.tasks('running'))
        if (this.bad.has(taskRender(task))) this.tasks.end(task.taskId, exitCodes.internal);
      this.fewest = Math.min(this.fewest, this.tasks.tasks('running').length);
      await this.turn();
    }
  }

  running(): readonly string[] {
    return this.tasks.tasks('running').map(taskRender);
  }

  async told(reason: string) {
    const { items } = await this.goals.listEvents('default', 'job/plays.out', { limit: 200 });
    return items.filter((event) => event.reason === reason);
  }
}

describe('a change with lower latency', () => {
  test.each([1, 2])('of a job with %i worker(s) never has fewer of them running', async (workers) => {
    const world = await BesideWorld.running(workers);
    const render = await world.declare(1, workers);
    await world.goOn(30);
    expect(world.running()).toEqual(Array.from({ length: workers }, () => render));
    expect(world.fewest).toBe(workers);
    expect(world.tasks.tasks()).toHaveLength(2 * workers);
    const [event] = await world.told('RevisionDeployed');
    expect(event).toMatchObject({ evidence: { strategy: 'lower-latency', killed: 0, from: 1, to: 2 } });
  });

  test('to what cannot work leaves those that run alone, and is given up', async () => {
    const world = await BesideWorld.running(1);
    const [good] = world.running();
    world.bad.add(await world.declare(1, 1));
    await world.goOn(120);
    expect([world.running(), world.fewest]).toEqual([[good], 1]);
    expect(await world.told('RolledBack')).toHaveLength(1);
  });

  test('goes on with the one that begins where the old one dies meanwhile', async () => {
    const world = await BesideWorld.running(1);
    const [old] = world.tasks.tasks('running');
    const render = await world.declare(1, 1);
    await world.goOn(1);
    world.tasks.end(old!.taskId, 137);
    await world.goOn(20);
    expect(world.running()).toEqual([render]);
    expect(world.tasks.tasks()).toHaveLength(2);
  });

  test('that is itself overtaken by another starts for the last one only', async () => {
    const world = await BesideWorld.running(1);
    await world.declare(1, 1);
    await world.goOn(1);
    const render = await world.declare(2, 1);
    await world.goOn(30);
    expect(world.running()).toEqual([render]);
    expect(world.fewest).toBe(1);
  });

  test('of a job that is paused meanwhile ends both', async () => {
    const world = await BesideWorld.running(1);
    await world.declare(1, 1);
    await world.goOn(1);
    expect(world.running()).toHaveLength(2);
    const { uid } = (await world.goals.read('default', 'Route', 'plays'))!;
    await world.goals.requestOperation({ ...asked, job: 'plays.out', uid, kind: 'pause' });
    await world.goOn(10);
    expect(world.running()).toEqual([]);
  });
});

describe('a change of a paused job', () => {
  test.each(['lower-latency', 'fewer-duplicates'])(
    'that had %s is told as what the job was resumed with: nobody made room',
    async (onRedeploy) => {
      const world = await BesideWorld.running(1, onRedeploy);
      const { uid } = (await world.goals.read('default', 'Route', 'plays'))!;
      await world.goals.requestOperation({ ...asked, job: 'plays.out', uid, kind: 'pause' });
      await world.goOn(10);
      await world.declare(1, 1, onRedeploy);
      await world.goOn(10);
      await world.goals.requestOperation({ ...asked, job: 'plays.out', uid, kind: 'resume' });
      await world.goOn(30);
      const [event] = await world.told('RevisionDeployed');
      expect(event?.message).toBe('Revision 2 runs instead of 1: the job was resumed with it.');
      expect(event?.evidence).toMatchObject({ from: 1, to: 2, strategy: 'resumed' });
    },
  );
});

describe('a change with fewer duplicates', () => {
  test('ends the old before others start, and tells what the pause was', async () => {
    const world = await BesideWorld.running(1, 'fewer-duplicates');
    const render = await world.declare(1, 1, 'fewer-duplicates');
    await world.goOn(30);
    expect([world.running(), world.fewest]).toEqual([[render], 0]);
    const [event] = await world.told('RevisionDeployed');
    const { pauseMs, strategy, killed } = event!.evidence as Record<string, unknown>;
    expect([strategy, killed]).toEqual(['fewer-duplicates', 0]);
    expect(pauseMs).toBeGreaterThan(0);
    expect(pauseMs).toBeLessThan(10_000);
  });

  test('says so where a worker ended without draining', async () => {
    const world = await BesideWorld.running(1, 'fewer-duplicates');
    await world.declare(1, 1, 'fewer-duplicates');
    await world.pass();
    world.tasks.end(world.tasks.tasks()[0]!.taskId, 137);
    await world.goOn(30);
    const [event] = await world.told('RevisionDeployed');
    expect(event).toMatchObject({ message: expect.stringContaining('without draining'), evidence: { killed: 1 } });
  });
});
