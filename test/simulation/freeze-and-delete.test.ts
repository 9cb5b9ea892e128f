// Freezes, deletions that can be undone, and the guard against ending too many jobs at once: the real passes over in-memory ports.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { noRecords } from '#core/job/accounting.ts';
import { taskRender } from '#core/plan/task-tags.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

const asked = { tenant: 'default', author: 'ann', reason: 'a test' };
const fleet = { ...asked, scope: 'fleet' as const, name: '' };
const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });

const declare = async (world: ControlLoopWorld, name: string, where = 'x > 0', more: object = {}): Promise<void> => {
  const declared = { from: 'events', where, to: [{ name: 'out', stream: `${name}-out` }], ...more };
  await world.goals.apply({ ...asked, kind: 'Route', metadata: metadata(name), declared });
};

async function aWorld(...routes: readonly string[]): Promise<ControlLoopWorld> {
  const world = new ControlLoopWorld();
  await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: { partitions: 2 } });
  for (const name of routes) await declare(world, name);
  await world.settle();
  return world;
}

const remove = (world: ControlLoopWorld, name: string, purge = false) =>
  world.goals.remove({ ...asked, kind: 'Route', name, ...(purge ? { purge } : {}) });

const reasonsOf = async (world: ControlLoopWorld, job: string): Promise<readonly string[]> =>
  (await world.goals.listEvents('default', `job/${job}`, { limit: 100 })).items.map(({ reason }) => reason);

async function idOf(world: ControlLoopWorld, route: string): Promise<string> {
  const { uid } = (await world.goals.revisions('default', 'Route', route))[0]!;
  return `default/${route}.out@${uid}`;
}

describe('a frozen job', () => {
  test('keeps running as it is: a change waits, a worker that dies is replaced by one of the same goal', async () => {
    const world = await aWorld('plays');
    const [before] = world.tasks.tasks('running');
    await world.goals.freeze(fleet);
    await declare(world, 'plays', 'x > 1');
    await world.settle();
    expect(world.tasks.tasks('running')).toEqual([before]);
    world.tasks.end(before!.taskId, 137);
    await world.settle();
    const [after, ...more] = world.tasks.tasks('running');
    expect(more).toEqual([]);
    expect(after!.taskId).not.toBe(before!.taskId);
    expect(taskRender(after!)).toBe(taskRender(before!));
    await world.goals.unfreeze(fleet);
    await world.settle();
    expect(world.tasks.tasks('running').map(taskRender)).not.toEqual([taskRender(before!)]);
  });

  test('stays at the goal before one of which no worker was started yet: that others were told to end for it does not begin it', async () => {
    const world = await aWorld('plays');
    const [before] = world.tasks.tasks('running');
    await declare(world, 'plays', 'x > 1');
    await world.pass();
    expect(world.tasks.tasks('running')).toEqual([]);
    await world.goals.freeze(fleet);
    await world.settle();
    expect(world.tasks.tasks('running').map(taskRender)).toEqual([taskRender(before!)]);
    await world.goals.unfreeze(fleet);
    await world.settle();
    expect(world.tasks.tasks('running').map(taskRender)).not.toEqual([taskRender(before!)]);
  });

  test.each([
    ['is paused', { paused: true }],
    ['has more workers', { resources: { workers: 3 } }],
  ])('that %s by a newer revision goes on as before until it is let go', async (_, more) => {
    const world = await aWorld('plays');
    await world.goals.freeze({ ...asked, scope: 'job', name: 'plays.out' });
    await declare(world, 'plays', 'x > 0', more);
    await world.settle();
    expect(world.tasks.tasks()).toHaveLength(1);
    await world.goals.unfreeze({ ...asked, scope: 'job', name: 'plays.out' });
    await world.settle();
    expect(world.tasks.tasks('running')).toHaveLength('paused' in more ? 0 : 3);
  });

  test('is not started, not stopped and not ended; others beside it are', async () => {
    const world = await aWorld('plays', 'pauses');
    await world.goals.freeze({ ...asked, scope: 'team', name: 'somebody-else' });
    await world.goals.freeze({ ...asked, scope: 'job', name: 'plays.out' });
    await world.goals.freeze({ ...asked, scope: 'job', name: 'stops.out' });
    await remove(world, 'plays', true);
    await remove(world, 'pauses', true);
    await declare(world, 'stops');
    await world.settle();
    // Of what was never carried out nothing begins.
    expect(world.tasks.tasks('running').map(({ job }) => job)).toEqual([await idOf(world, 'plays')]);
  });

  test('has an operation that was asked for before carried out afterwards', async () => {
    const world = await aWorld('plays');
    await world.goals.freeze(fleet);
    const { uid } = (await world.goals.read('default', 'Route', 'plays'))!;
    await world.goals.requestOperation({ ...asked, job: 'plays.out', uid, kind: 'pause' });
    await world.settle();
    expect(world.tasks.tasks('running')).toHaveLength(1);
    await world.goals.unfreeze(fleet);
    await world.settle();
    expect(world.tasks.tasks('running')).toHaveLength(0);
  });
});

describe('a deletion', () => {
  test('ends the workers at once and keeps positions for a while, in which it can be undone: the job goes on', async () => {
    const world = await aWorld('plays');
    const job = await idOf(world, 'plays');
    const split = { split: 'events/0', owner: null, epoch: 1, position: '40', topicId: 't', accounting: noRecords };
    await world.splits.create(job, split);
    const { declared } = (await world.goals.read('default', 'Route', 'plays'))!;
    await remove(world, 'plays');
    await world.settle();
    expect(world.tasks.tasks('running')).toEqual([]);
    expect(await world.splits.list(job)).toHaveLength(1);
    expect(await reasonsOf(world, 'plays.out')).toContain('JobEnded');
    const apply = { kind: 'Route' as const, metadata: metadata('plays'), declared: declared!, revive: true };
    await world.goals.change({ ...asked, applies: [apply], removes: [] });
    await world.settle();
    expect(world.tasks.tasks('running').map((task) => task.job)).toEqual([job]);
    expect(await world.splits.list(job)).toMatchObject([{ position: '40' }]);
  });

  test('is complete when the time for undoing it is over, and then there is nothing to go back to', async () => {
    const world = await aWorld('plays');
    const job = await idOf(world, 'plays');
    await remove(world, 'plays');
    await world.settle();
    world.now += localSettings.deletionGraceMs;
    await world.settle();
    expect(await world.controls.read(job)).toBeNull();
    const { revisions } = await world.goals.snapshot();
    expect(revisions.map(({ name }) => name)).toEqual(['events']);
    const apply = { kind: 'Route' as const, metadata: metadata('plays'), declared: { from: 'events' }, revive: true };
    const outcome = await world.goals.change({ ...asked, applies: [apply], removes: [] });
    expect(outcome.kind === 'changed' && outcome.revisions[0]!.uid).not.toBe(job.split('@')[1]);
  });

  test('that is to be at once, and one of a name that lives another life, waits for nobody', async () => {
    const world = await aWorld('plays', 'pauses');
    const [plays, pauses] = [await idOf(world, 'plays'), await idOf(world, 'pauses')];
    await remove(world, 'plays', true);
    await remove(world, 'pauses');
    await declare(world, 'pauses');
    await world.settleListed();
    expect([await world.controls.read(plays), await world.controls.read(pauses)]).toEqual([null, null]);
  });

  test('of a stream leaves its topic for a while; of a sink, its positions', async () => {
    const world = await aWorld();
    await declare(world, 'plays', 'x > 0', {
      to: [
        { name: 'out', stream: 'a' },
        { name: 'copy', stream: 'b' },
      ],
    });
    await world.settle();
    const copy = (await idOf(world, 'plays')).replace('.out', '.copy');
    await declare(world, 'plays', 'x > 0', { to: [{ name: 'out', stream: 'a' }] });
    await world.settle();
    expect(await world.controls.read(copy)).toMatchObject({ slots: {} });
    await remove(world, 'plays', true);
    await world.goals.remove({ ...asked, kind: 'Stream', name: 'events' });
    await world.settle();
    expect(await world.broker.list()).toContain('events');
    world.now += localSettings.deletionGraceMs;
    await world.settle();
    expect(await world.broker.list()).not.toContain('events');
    expect(await world.controls.list()).toEqual([]);
  });

  test('of a sink has its grace from the newest revision of its route: it may have come back before that, unseen by any pass', async () => {
    const world = await aWorld();
    const to = [{ name: 'out', stream: 'a' }];
    await declare(world, 'plays', 'x > 0', { to: [...to, { name: 'copy', stream: 'b' }] });
    await world.settle();
    const copy = (await idOf(world, 'plays')).replace('.out', '.copy');
    await declare(world, 'plays', 'x > 0', { to });
    await world.settle();
    world.now += localSettings.deletionGraceMs - 1_000;
    await declare(world, 'plays', 'x > 0', { to: [...to, { name: 'copy', stream: 'b' }] });
    await declare(world, 'plays', 'x > 0', { to });
    world.now += 1_000;
    await world.settle();
    expect(await world.controls.read(copy)).not.toBeNull();
    world.now += localSettings.deletionGraceMs;
    await world.settle();
    expect(await world.controls.read(copy)).toBeNull();
  });
});

describe('a pass that would end more jobs than it may', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const removeAll = (world: ControlLoopWorld, some: readonly string[]) =>
    world.goals.change({ ...asked, applies: [], removes: some.map((name) => ({ kind: 'Route' as const, name })) });

  test('ends none and says so once, until somebody agrees to these', async () => {
    const world = await aWorld(...names);
    await removeAll(world, names);
    await world.settle();
    await world.settle();
    expect(world.tasks.tasks('running')).toHaveLength(6);
    expect((await reasonsOf(world, 'a.out')).filter((reason) => reason === 'DestructionHeld')).toHaveLength(1);
    const held = (await world.controls.list()).filter(({ announced }) => announced['held'] !== undefined);
    await world.goals.approve({ ...asked, jobs: held.map(({ job }) => job) });
    await world.settle();
    expect(world.tasks.tasks('running')).toEqual([]);
  });

  test('ends as many as it may where fewer are wished for', async () => {
    const world = await aWorld(...names);
    await removeAll(world, names.slice(0, 5));
    await world.settle();
    expect(world.tasks.tasks('running')).toHaveLength(1);
  });

  test('ends none where a freeze of one would leave as many as may', async () => {
    const world = await aWorld(...names);
    await removeAll(world, names);
    await world.settle();
    await world.goals.freeze({ ...asked, scope: 'job', name: 'a.out' });
    await world.settle();
    expect(world.tasks.tasks('running')).toHaveLength(6);
  });

  test('goes on with all of them when the deletion is taken back', async () => {
    const world = await aWorld(...names);
    const before = await world.goals.snapshot();
    await removeAll(world, names);
    await world.settle();
    const routes = before.revisions.filter(({ kind }) => kind === 'Route');
    const applies = routes.map(({ kind, metadata, declared }) => ({
      kind,
      metadata,
      declared: declared!,
      revive: true,
    }));
    await world.goals.change({ ...asked, applies, removes: [] });
    await world.settle();
    expect(world.tasks.tasks()).toHaveLength(6);
    expect((await world.controls.list()).flatMap(({ announced }) => announced['held'] ?? [])).toEqual([]);
  });
});
