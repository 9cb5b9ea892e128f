// A goal store that is restored from a backup: what ran is kept as it is until somebody decides. The real passes over in-memory ports.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { taskRender, taskRevision } from '#core/plan/task-tags.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

const asked = { tenant: 'default', author: 'ann', reason: 'a test' };
const fleet = { ...asked, scope: 'fleet' as const, name: '' };
const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });

const declare = async (world: ControlLoopWorld, name: string, where: string): Promise<void> => {
  const declared = { from: 'events', where, to: [{ name: 'out', stream: `${name}-out` }] };
  await world.goals.apply({ ...asked, kind: 'Route', metadata: metadata(name), declared });
};
const declareEvents = async (world: ControlLoopWorld, spec: object): Promise<void> => {
  await world.goals.apply({
    ...asked,
    kind: 'Stream',
    metadata: metadata('events'),
    declared: { partitions: 2, ...spec },
  });
};
const running = (world: ControlLoopWorld, route: string) =>
  world.tasks.tasks('running').filter(({ job }) => job.startsWith(`default/${route}.`));
const events = async (world: ControlLoopWorld, job: string) =>
  (await world.goals.listEvents('default', `job/${job}`, { limit: 100 })).items.map(({ reason }) => reason);
const freezes = async (world: ControlLoopWorld) =>
  (await world.goals.snapshot()).freezes.map(({ scope, author }) => `${scope} by ${author}`);

interface Restored {
  readonly world: ControlLoopWorld;
  /** Of the store when the backup was taken. */
  readonly sequence: number;
}

/** Backed up, then `plays` and `events` were changed, `stops` was deleted and `skips` declared; all of that was carried out. */
async function aRestoredWorld(): Promise<Restored> {
  const world = new ControlLoopWorld();
  await declareEvents(world, { retention: '1d' });
  for (const name of ['plays', 'stays', 'stops']) await declare(world, name, 'x > 0');
  await world.settle();
  const { sequence } = await world.goals.snapshot();
  await declare(world, 'plays', 'x > 1');
  await declareEvents(world, { retention: '7d' });
  await declare(world, 'skips', 'x > 0');
  await world.goals.remove({ ...asked, kind: 'Route', name: 'stops', purge: true });
  await world.settle();
  world.goals.restore(sequence);
  return { world, sequence };
}

const retention = async (world: ControlLoopWorld): Promise<string | undefined> =>
  (await world.broker.describe(['events'], ['retention.ms']))[0]?.config['retention.ms'];

describe('a goal store restored from an older backup', () => {
  test('freezes the fleet, and nothing that runs is touched: no worker, no topic [fault 8]', async () => {
    const { world } = await aRestoredWorld();
    const [before, kept] = [world.tasks.tasks('running'), await retention(world)];
    const report = await world.pass();
    await world.settle();
    expect(report).toMatchObject({ wentBack: true });
    expect(await freezes(world)).toEqual(['fleet by reconciler']);
    expect(world.tasks.tasks('running')).toEqual(before);
    expect(await retention(world)).toBe(kept);
  });

  test('a worker that dies meanwhile is replaced by one of what ran, not of what the backup says', async () => {
    const { world } = await aRestoredWorld();
    await world.settle();
    const [before] = running(world, 'plays');
    world.tasks.end(before!.taskId, 137);
    await world.settle();
    const [after, ...more] = running(world, 'plays');
    expect(more).toEqual([]);
    expect(after!.taskId).not.toBe(before!.taskId);
    expect([taskRender(after!), taskRevision(after!)]).toEqual([taskRender(before!), 2]);
  });

  test('is told once of each job whose revision went back, and of no other', async () => {
    const { world } = await aRestoredWorld();
    await world.settle();
    await world.settle();
    expect((await events(world, 'plays.out')).filter((reason) => reason === 'GoalWentBack')).toHaveLength(1);
    expect(await events(world, 'stays.out')).not.toContain('GoalWentBack');
  });

  test('is noticed where the sequence has caught up with what was carried out', async () => {
    const { world, sequence } = await aRestoredWorld();
    const changes = (await world.goals.snapshot()).sequence - sequence;
    for (let change = 0; change <= changes + 5; change++) await declare(world, 'stays', `x > ${change + 10}`);
    const before = world.tasks.tasks('running');
    await world.settle();
    expect(await freezes(world)).toEqual(['fleet by reconciler']);
    expect(world.tasks.tasks('running')).toEqual(before);
  });

  test('is noticed by a reconciler that lost its table, for what was seen is kept in the bucket', async () => {
    const { world } = await aRestoredWorld();
    for (const { job, version } of await world.controls.list()) await world.controls.remove(job, version);
    await world.settle();
    expect(await freezes(world)).toEqual(['fleet by reconciler']);
  });

  test('that is empty is no wish, and freezes nothing', async () => {
    const { world } = await aRestoredWorld();
    const before = world.tasks.tasks('running');
    world.goals.restore(0);
    await world.settle();
    expect([await freezes(world), world.tasks.tasks('running')]).toEqual([[], before]);
  });
});

describe('going on with a restored goal store', () => {
  test('once unfrozen, a job whose revision went back still waits, and is kept up as it ran', async () => {
    const { world } = await aRestoredWorld();
    await world.settle();
    await world.goals.unfreeze(fleet);
    await world.settle();
    const [before] = running(world, 'plays');
    expect(taskRevision(before!)).toBe(2);
    world.tasks.end(before!.taskId, 137);
    await world.settle();
    expect(running(world, 'plays').map(taskRender)).toEqual([taskRender(before!)]);
    expect(await freezes(world)).toEqual([]);
  });

  test('its route declared again is carried out, whatever its number', async () => {
    const { world } = await aRestoredWorld();
    await world.settle();
    await world.goals.unfreeze(fleet);
    await world.settle();
    await declare(world, 'plays', 'x > 2');
    const [before] = running(world, 'plays');
    await world.settle();
    const [after] = running(world, 'plays');
    expect(taskRender(after!)).not.toBe(taskRender(before!));
  });

  test('a restart takes the job to what the store holds: the backup may be what is wanted', async () => {
    const { world } = await aRestoredWorld();
    await world.settle();
    await world.goals.unfreeze(fleet);
    await world.settle();
    const { uid } = (await world.goals.revisions('default', 'Route', 'plays'))[0]!;
    await world.goals.requestOperation({ ...asked, job: 'plays.out', uid, kind: 'restart' });
    await world.settle();
    expect(running(world, 'plays').map(taskRevision)).toEqual([1]);
    const operations = await world.goals.listOperations('default', 'plays.out');
    expect(operations.map(({ state }) => state)).toEqual(['succeeded']);
  });

  test('a store that is not restored is never taken for one, however many passes look at it', async () => {
    const world = new ControlLoopWorld();
    await declareEvents(world, {});
    for (let change = 0; change < 5; change++) {
      await declare(world, 'plays', `x > ${change}`);
      await world.settle();
    }
    expect(await freezes(world)).toEqual([]);
  });
});
