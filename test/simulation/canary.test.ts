// A revision tried on a share of the splits: it gets the rest or makes room again, whatever else is asked meanwhile and whoever dies.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { canarySlot } from '#core/canary/canary-slot.ts';
import { loadParser } from '#core/expression/index.ts';
import { type Accounting, noRecords } from '#core/job/accounting.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { taskIncarnation, taskRender, taskSlot } from '#core/plan/task-tags.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import { assessJob } from '#core/status/assess-job.ts';
import { DeclaredWorld } from './declared-world.ts';

beforeAll(loadParser);

const json = JSON.stringify;

class CanaryWorld extends DeclaredWorld {
  /** Records a second and split; of them so many in a hundred are bad, by the goal's own text. */
  rate = 50;
  readonly badPercent = new Map<string, number>();
  /** Workers of these goals end by themselves. */
  readonly broken = new Set<string>();
  fewest = 9;
  readonly #accounts = new Map<number, Accounting>();

  static async running(spec: object = {}): Promise<CanaryWorld> {
    const world = new CanaryWorld();
    await world.put('streams', 'Stream', 'events', { partitions: 4 });
    await world.declare("x = '0'", spec);
    await world.goOn(15);
    world.fewest = 9;
    return world;
  }

  async put(path: string, kind: string, name: string, spec: object): Promise<void> {
    const body = { apiVersion: 'millrace/v1', kind, metadata: { name, owner: 'playback' }, spec };
    const { status, json: answer } = await this.ask(`PUT /v1/${path}/${name}`, json(body));
    if (status >= 300) throw new Error(answer.detail);
  }

  async declare(where: string, spec: object = {}): Promise<string> {
    const delivery = { onRedeploy: 'canary' };
    await this.put('routes', 'Route', 'plays', {
      from: 'events',
      where,
      to: [{ name: 'out', stream: 'left' }],
      delivery,
      ...spec,
    });
    return await this.render();
  }

  async render(): Promise<string> {
    return (await this.goal()).jobs[0]!.render;
  }

  async goOn(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.pass();
      for (const task of this.tasks.tasks('running'))
        if (this.broken.has(taskRender(task))) this.tasks.end(task.taskId, exitCodes.internal);
      this.fewest = Math.min(this.fewest, this.tasks.tasks('running').length);
      await this.turn();
    }
  }

  protected override workOf(task: ObservedTask, splitCount: number): Partial<Heartbeat> {
    // It takes a moment until it has its splits.
    if (this.now - task.createdAt < 3_000) return { splits: [] };
    const before = this.#accounts.get(taskIncarnation(task)) ?? noRecords;
    const read = this.rate * splitCount;
    const bad = Math.round((read * (this.badPercent.get(taskRender(task)) ?? 0)) / 100);
    const { deadLettered, out } = before;
    const accounting = { ...before, in: before.in + read, out: out + read - bad, deadLettered: deadLettered + bad };
    this.#accounts.set(taskIncarnation(task), accounting);
    return { accounting };
  }

  running(): readonly string[] {
    return this.tasks.tasks('running').map(taskRender);
  }

  tried(): readonly ObservedTask[] {
    return this.tasks.tasks('running').filter((task) => taskSlot(task) === canarySlot);
  }

  async splitsOfTrial(): Promise<number> {
    const { id } = (await this.goal()).jobs[0]!.goal;
    return (await this.splits.list(id)).filter(({ owner }) => owner?.endsWith(`/${canarySlot}`)).length;
  }

  async status() {
    const entry = (await this.goal()).jobs[0]!;
    const { id } = entry.goal;
    const { heartbeats } = await this.workers.view(id);
    return assessJob({ entry, control: await this.controls.read(id), heartbeats, splits: null, now: this.now });
  }

  async told(reason: string) {
    const { items } = await this.goals.listEvents('default', 'job/plays.out', { limit: 200 });
    return items.filter((event) => event.reason === reason);
  }
}

describe('a revision on trial', () => {
  test.each([1, 2])(
    'of a job with %i worker(s) has one split of four, then all; nobody ends before another reads',
    async (workers) => {
      const world = await CanaryWorld.running({ resources: { workers } });
      const before = world.running();
      const render = await world.declare("x = '1'", { resources: { workers } });
      await world.goOn(5);
      expect(world.tried().map(taskRender)).toEqual([render]);
      expect(await world.splitsOfTrial()).toBe(1);
      expect(world.running()).toEqual(expect.arrayContaining([...before]));
      const { phase, message, workers: shown } = await world.status();
      expect([phase, message]).toEqual([
        'Deploying',
        expect.stringMatching(/revision 2 is tried on 1 of 4 split\(s\)/),
      ]);
      expect(shown.map(({ state }) => state)).toContain('canary');
      // Whoever tried it goes on until the others have taken over.
      for (let second = 0; second < 90 && world.tried().length > 0; second++) await world.goOn(1);
      expect(world.running()).toEqual(Array.from({ length: workers }, () => render));
      expect([world.tried(), world.fewest]).toEqual([[], workers]);
      await world.goOn(5);
      expect(await world.status()).toMatchObject({ phase: 'Running', runningRevision: 2 });
      const [promoted] = await world.told('CanaryPromoted');
      expect(promoted?.evidence).toMatchObject({ tried: 2, runs: 1, canary: { in: expect.any(Number), bad: 0 } });
      expect((await world.told('RevisionDeployed'))[0]?.evidence).toMatchObject({ strategy: 'canary', killed: 0 });
    },
  );

  test('that makes nothing of many of its records makes room again, once; those that ran have not been touched', async () => {
    const world = await CanaryWorld.running();
    const before = world.tasks.tasks('running').map(({ taskId }) => taskId);
    world.badPercent.set(await world.declare("x = '1'"), 40);
    await world.goOn(50);
    expect(world.tasks.tasks('running').map(({ taskId }) => taskId)).toEqual(before);
    const status = await world.status();
    expect(status).toMatchObject({ phase: 'Degraded', observedRevision: 2, runningRevision: 1 });
    expect(status.message).toMatch(/40% of \d+ records were set aside or dropped/);
    expect(await world.told('RolledBack')).toHaveLength(1);
    expect(await world.told('CanaryPromoted')).toEqual([]);
  });

  test('whose worker ends by its own fault makes room; a mended one is tried anew', async () => {
    const world = await CanaryWorld.running();
    world.broken.add(await world.declare("x = '1'"));
    await world.goOn(60);
    expect(await world.told('RolledBack')).toHaveLength(1);
    const render = await world.declare("x = '2'");
    await world.goOn(60);
    expect(world.running()).toEqual([render]);
  });

  test('that reads little is given the rest when its time is over, and that is told', async () => {
    const world = await CanaryWorld.running();
    world.rate = 0;
    const render = await world.declare("x = '1'");
    await world.goOn(30);
    expect(world.running()).toHaveLength(2);
    await world.goOn(60);
    expect(world.running()).toEqual([render]);
    expect((await world.told('CanaryPromoted'))[0]?.message).toMatch(/nothing spoke against it in its time/);
  });

  test('is the last that was declared: another one takes its place, and is compared from then on', async () => {
    const world = await CanaryWorld.running();
    world.badPercent.set(await world.declare("x = '1'"), 2);
    await world.goOn(4);
    const render = await world.declare("x = '2'");
    await world.goOn(70);
    expect(world.running()).toEqual([render]);
    expect((await world.told('CanaryStarted')).map(({ message }) => /\d+/.exec(message)![0])).toEqual(['3', '2']);
    expect(await world.told('RolledBack')).toEqual([]);
  });

  test('ends with a pause, and begins again when the job is resumed', async () => {
    const world = await CanaryWorld.running();
    const render = await world.declare("x = '1'");
    await world.goOn(4);
    await world.ask('POST /v1/jobs/plays.out/operations', json({ kind: 'pause' }));
    await world.goOn(6);
    expect(world.running()).toEqual([]);
    await world.ask('POST /v1/jobs/plays.out/operations', json({ kind: 'resume' }));
    await world.goOn(4);
    expect([world.running().length, world.tried().length]).toEqual([2, 1]);
    await world.goOn(60);
    expect(world.running()).toEqual([render]);
  });

  test('stays as it is under a freeze, and goes on when that is lifted', async () => {
    const world = await CanaryWorld.running();
    const render = await world.declare("x = '1'");
    await world.goOn(4);
    await world.ask('PUT /v1/freezes/job/plays.out');
    await world.goOn(80);
    expect([world.running().length, world.tried().length]).toEqual([2, 1]);
    await world.ask('DELETE /v1/freezes/job/plays.out');
    await world.goOn(60);
    expect(world.running()).toEqual([render]);
  });

  test('goes with its job when the route is deleted', async () => {
    const world = await CanaryWorld.running();
    await world.declare("x = '1'");
    await world.goOn(4);
    await world.ask('DELETE /v1/routes/plays?purge=true');
    await world.goOn(10);
    expect([world.running(), await world.controls.list()]).toEqual([[], []]);
  });

  test('is not begun by a restart: the revision has shown what it does', async () => {
    const world = await CanaryWorld.running();
    await world.ask('POST /v1/jobs/plays.out/operations', json({ kind: 'restart' }));
    await world.goOn(30);
    expect(world.running()).toEqual([await world.render()]);
    expect(await world.told('CanaryStarted')).toEqual([]);
  });

  test('is not begun by a restart either where only what shapes no worker was changed before', async () => {
    const world = await CanaryWorld.running();
    await world.declare("x = '0'", { alerts: { lag: { above: '5m' } } });
    await world.goOn(10);
    expect(await world.status()).toMatchObject({ observedRevision: 2, provenRevision: 2 });
    expect(await world.pass()).toMatchObject({ settled: true, decisions: 0 });
    await world.ask('POST /v1/jobs/plays.out/operations', json({ kind: 'restart' }));
    await world.goOn(30);
    expect(world.running()).toEqual([await world.render()]);
    expect(await world.told('CanaryStarted')).toEqual([]);
  });

  test.each(['before', 'after'] as const)('comes to its end whichever effect the reconciler dies %s', async (when) => {
    for (let at = 1; at <= 36; at += 12) {
      const world = await CanaryWorld.running();
      const [render, isBad] = [await world.declare("x = '1'"), at === 13];
      const [good] = world.running();
      if (isBad) world.badPercent.set(render, 60);
      world.crash = { when, at: world.effectCount + at };
      await world.goOn(70);
      expect([at, world.running()]).toEqual([at, [isBad ? good : render]]);
    }
  });
});

describe('a revision that cannot be tried', () => {
  test.each([
    [{ delivery: { onRedeploy: 'canary', guarantee: 'exactly-once' } }, /canary cannot be kept with exactly-once/],
    [{ from: 'single' }, /"single" has one partition/],
    [{ to: [{ name: 'lake', warehouse: { table: 'plays' } }], select: 'id' }, /a table has one row type/],
  ])('is refused with the reason: %j', async (spec, why) => {
    const world = await CanaryWorld.running();
    await world.put('streams', 'Stream', 'single', { partitions: 1 });
    await expect(world.declare("x = '1'", spec)).rejects.toThrow(why);
  });
});
