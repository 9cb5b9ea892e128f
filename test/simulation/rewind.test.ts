// A rewind whose reconciler dies at any of its effects, or of which two run at once: positions are set once, while nobody works, and workers run again.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser } from '#core/expression/index.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { RewindPlan } from '#core/operations/rewind.ts';
import type { OperationKind } from '#core/ports/goal-store.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

const asked = { tenant: 'default', author: 'ann', reason: '' };

const planTo = (to: string, topicId = 't1'): RewindPlan => ({
  ...{ kind: 'rewind', to, records: 0, duplicates: { absorbed: false, why: '' } },
  splits: [0, 1].map((partition) => ({ split: `events/${partition}`, topicId, from: '100', to, records: 0 })),
});

class RewoundWorld extends ControlLoopWorld {
  uid = '';
  job = '';

  static async running(): Promise<RewoundWorld> {
    const world = new RewoundWorld();
    const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });
    await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: { partitions: 2 } });
    const declared = { from: 'events', to: [{ name: 'out', stream: 'plays' }], resources: { workers: 2 } };
    await world.goals.apply({ ...asked, kind: 'Route', metadata: metadata('plays'), declared });
    await world.settle();
    world.uid = (await world.goals.read('default', 'Route', 'plays'))!.uid;
    world.job = `default/plays.out@${world.uid}`;
    for (const partition of [0, 1])
      await world.splits.create(world.job, {
        ...{
          split: `events/${partition}`,
          owner: null,
          epoch: 4,
          position: '100',
          topicId: 't1',
          accounting: noRecords,
        },
      });
    await world.work();
    return world;
  }

  async ask(kind: OperationKind, plan?: RewindPlan): Promise<string> {
    const wish = { ...asked, job: 'plays.out', uid: this.uid, kind, ...(plan === undefined ? {} : { plan }) };
    const outcome = await this.goals.requestOperation(wish);
    return outcome.kind === 'accepted' ? outcome.operation.id : '';
  }

  /** The running workers take the splits and go on by ten, as real ones would. */
  async work(): Promise<void> {
    const running = this.tasks.tasks('running');
    for (const [index, seen] of (await this.splits.list(this.job)).entries()) {
      const task = running[index];
      if (task === undefined) continue;
      const isNew = seen.owner !== task.taskId;
      const claimed = isNew ? await this.splits.claim(this.job, seen, task.taskId) : null;
      const record = claimed?.record ?? seen;
      const held = { split: record.split, worker: task.taskId, epoch: record.epoch };
      await this.splits.commit(this.job, held, { ...record, position: String(Number(record.position) + 10) });
    }
  }

  async positions(): Promise<number[]> {
    return (await this.splits.list(this.job)).map(({ position }) => Number(position));
  }
}

/** Asked for, carried out while the world works on, and done. */
async function rewound(crash: { at: number; when: 'before' | 'after' } | null): Promise<RewoundWorld> {
  const world = await RewoundWorld.running();
  const first = world.effectCount;
  if (crash) world.crash = { ...crash, at: first + crash.at };
  const id = await world.ask('rewind', planTo('20'));
  let placedWhileWorking = 0;
  for (let pass = 0; pass < 40; pass++) {
    const before = await world.splits.list(world.job);
    await world.pass();
    const after = await world.splits.list(world.job);
    if (after.some(({ placed }, index) => placed && !before[index]!.placed) && world.tasks.tasks('running').length > 0)
      placedWhileWorking++;
    await world.turn();
    await world.work();
  }
  await world.settle();
  expect(placedWhileWorking).toBe(0);
  expect(world.tasks.tasks('running')).toHaveLength(2);
  const operation = await world.goals.readOperation('default', id);
  expect(operation).toMatchObject({ state: 'succeeded', receipt: { splits: [{ to: '20' }, { to: '20' }] } });
  for (const { placed, position } of await world.splits.list(world.job)) {
    expect(placed).toMatchObject({ operation: id, to: '20' });
    // From there they went on: a second setting would have taken them back again and again.
    expect(Number(position)).toBeGreaterThan(20 + 100);
  }
  const { items } = await world.goals.listEvents('default', 'job/plays.out', { limit: 100 });
  const reasons = items.map(({ reason }) => reason);
  expect(reasons.filter((reason) => reason === 'RewindDone')).toHaveLength(1);
  expect(reasons.filter((reason) => reason === 'RewindRequested')).toHaveLength(1);
  return world;
}

describe('a rewind', () => {
  test('sets the positions while no worker runs, then workers go on from there', async () => {
    await rewound(null);
  });

  test.each(['before', 'after'] as const)(
    'whose reconciler dies %s any one of its effects is brought to its end',
    async (when) => {
      const quiet = await RewoundWorld.running();
      const total = (await rewound(null)).effectCount - quiet.effectCount;
      expect(total).toBeGreaterThan(8);
      for (let at = 1; at <= total; at++)
        await rewound({ at, when }).catch((error: unknown) => {
          throw new Error(`died ${when} effect ${at} of ${total}: ${String(error)}`, { cause: error });
        });
    },
  );

  test('of a paused job sets the positions and starts nobody', async () => {
    const world = await RewoundWorld.running();
    await world.ask('pause');
    await world.settle();
    const id = await world.ask('rewind', planTo('20'));
    await world.settle();
    expect([await world.positions(), world.tasks.tasks('running').length]).toEqual([[20, 20], 0]);
    expect(await world.goals.readOperation('default', id)).toMatchObject({
      ...{ state: 'succeeded', outcome: expect.stringContaining('paused') },
    });
  });

  test('asked for while another is under way supersedes it', async () => {
    const world = await RewoundWorld.running();
    const first = await world.ask('rewind', planTo('50'));
    await world.pass();
    await world.turn();
    const second = await world.ask('rewind', planTo('20'));
    await world.settle();
    const states = await Promise.all([first, second].map((id) => world.goals.readOperation('default', id)));
    expect(states.map((operation) => operation?.state)).toEqual(['superseded', 'succeeded']);
    expect(await world.positions()).toEqual([20, 20]);
  });

  test('never goes forward: a split that stands further back stays, and a topic made anew fails it with nothing set', async () => {
    const world = await RewoundWorld.running();
    const id = await world.ask('rewind', planTo('5000'));
    await world.settle();
    expect(await world.goals.readOperation('default', id)).toMatchObject({
      state: 'succeeded',
      receipt: { splits: [] },
    });
    expect(await world.positions()).toEqual([110, 110]);
    const other = await world.ask('rewind', planTo('20', 'another life'));
    await world.settle();
    expect(await world.goals.readOperation('default', other)).toMatchObject({
      ...{ state: 'failed', outcome: expect.stringContaining('made anew') },
    });
    expect(await world.positions()).toEqual([110, 110]);
    expect(world.tasks.tasks('running')).toHaveLength(2);
  });

  test('by two reconcilers at once, in any order of their calls, sets each position once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const world = await RewoundWorld.running();
        const id = await world.ask('rewind', planTo('20'));
        world.gate = (call) => scheduler.schedule(Promise.resolve(), call);
        for (let round = 0; round < 8; round++) {
          await scheduler.waitFor(Promise.all([world.pass(), world.pass()]));
          await world.turn();
          await world.work();
        }
        world.gate = async () => undefined;
        await world.settle();
        expect(await world.goals.readOperation('default', id)).toMatchObject({ state: 'succeeded' });
        const records = await world.splits.list(world.job);
        // Placed once: the epoch has grown by that, and by the workers that took the split before and after.
        expect(records.map(({ placed, epoch }) => [placed?.to, epoch])).toEqual([
          ['20', 7],
          ['20', 7],
        ]);
      }),
      { numRuns: 40 },
    );
  });
});
