// A worker as a process on the real parts: what is lost, doubled and delayed when workers die, wake up, come and go.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { exitCodes } from '#core/job/exit-codes.ts';
import { until } from '#test/support/until.ts';
import { compareWithLoad, type Found, type Load, type LoadWishes, startLoad } from '../workers/load.ts';
import { addressesFromEnvironment, type StreamJobGoal, WorkerRig } from '../workers/worker-rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(async () => await rig.endWorkers());
afterAll(async () => await rig.close());

const load = (goal: StreamJobGoal, wishes?: LoadWishes): Load => startLoad(rig, goal, wishes);
const compare = async (goal: StreamJobGoal, count: number): Promise<Found> => await compareWithLoad(rig, goal, count);

const commitMs = 200;
const goalWith = async (more: object = {}): Promise<StreamJobGoal> =>
  await rig.job({ where: 'id >= 0', settings: { commitMs, ...more } });

describe('when a worker dies', () => {
  test('a replacement goes on: nothing is lost, doubled is at most what the sink held beyond the last commit [fault 53]', async () => {
    const goal = await goalWith();
    const first = await rig.start(goal, 1);
    const producing = load(goal);
    await rig.accounted(goal, 5_000);
    first.child.kill('SIGKILL');
    const killedMs = performance.now();
    await first.exited;
    await rig.workers.fence(goal.id, first.name);
    const committed = await rig.accounting(goal);
    const atSink = await rig.count(goal.sink.topic);
    await rig.start(goal, 2);
    await until(async () => ((await rig.count(goal.sink.topic)) > atSink + 500 ? true : null), 'output after the kill');
    const outputAgainMs = performance.now() - killedMs;
    await sleep(500);
    const count = await producing.stop();
    const accounting = await rig.accounted(goal, count);
    const found = await compare(goal, count);
    expect(found).toMatchObject({ lost: 0, disordered: 0 });
    expect(found.duplicates).toBeLessThanOrEqual(atSink - committed.out);
    expect(accounting).toMatchObject({ in: count, out: count });
    process.stderr.write(
      `kill -9: output again after ${Math.round(outputAgainMs)} ms, ${found.duplicates} duplicates\n`,
    );
  });

  test('silently, another takes its splits once its lease is over', async () => {
    const goal = await goalWith({ leaseMs: 5_000 });
    const [first, second] = [await rig.start(goal, 1, 0), await rig.start(goal, 2, 1)];
    await rig.heartbeatWith(goal, first.name, ({ splits }) => splits.length === 2);
    await rig.heartbeatWith(goal, second.name, ({ splits }) => splits.length === 2);
    first.child.kill('SIGKILL');
    await rig.heartbeatWith(goal, second.name, ({ splits }) => splits.length === 4);
    const producing = load(goal);
    await sleep(500);
    const count = await producing.stop();
    expect(await rig.accounted(goal, count)).toMatchObject({ in: count, out: count });
    expect(await compare(goal, count)).toEqual({ lost: 0, duplicates: 0, disordered: 0 });
  });
});

describe('when a worker is stopped and wakes up', () => {
  test('it commits nothing any more and ends by itself [fault 54]', async () => {
    const leaseMs = 5_000;
    const goal = await goalWith({ leaseMs });
    const first = await rig.start(goal, 1);
    const producing = load(goal);
    await rig.accounted(goal, 3_000);
    first.child.kill('SIGSTOP');
    const overMs = performance.now() + leaseMs + 500;
    await rig.workers.fence(goal.id, first.name);
    const second = await rig.start(goal, 2);
    await rig.heartbeatWith(goal, second.name, ({ splits }) => splits.length === 4);
    await sleep(Math.max(0, overMs - performance.now()));
    const ownersBefore = (await rig.records(goal)).map(({ owner, epoch }) => [owner, epoch]);
    first.child.kill('SIGCONT');
    expect(await first.exited).toBe(exitCodes.fenced);
    expect((await rig.records(goal)).map(({ owner, epoch }) => [owner, epoch])).toEqual(ownersBefore);
    const count = await producing.stop();
    expect(await rig.accounted(goal, count)).toMatchObject({ in: count, out: count });
    expect(await compare(goal, count)).toMatchObject({ lost: 0 });
  });
});

describe('workers of one job', () => {
  test('of a newer incarnation take over from the one that they replace [fault 63]', async () => {
    const goal = await goalWith();
    const old = await rig.start(goal, 1, 0);
    await rig.heartbeatWith(goal, old.name, ({ splits }) => splits.length === 4);
    const replacement = await rig.start(goal, 2, 0);
    await rig.heartbeatWith(goal, replacement.name, ({ splits }) => splits.length === 4);
    expect((await rig.heartbeat(goal, old.name))?.splits.length).toBeLessThanOrEqual(4);
    await rig.heartbeatWith(goal, old.name, ({ splits }) => splits.length === 0);
  });
});

describe('state that is lost', () => {
  test('is made again from the newest checkpoint that can be read [fault 70] [fault 71] [fault 83]', async () => {
    const goal = await goalWith();
    const first = await rig.start(goal, 1);
    const producing = load(goal);
    await sleep(1_000);
    const count = await producing.stop();
    await rig.accounted(goal, count);
    first.child.kill('SIGTERM');
    await first.exited;
    const before = await rig.records(goal);
    const prefix = `checkpoints/${goal.id}/${goal.uid}/`;
    const keys = await rig.objects.list(prefix);
    await rig.objects.put(`${prefix}999999999999.json`, Buffer.from('{"formatVersion":1,'));
    await rig.splits.clear(goal.id);
    const second = await rig.start(goal, 2);
    await rig.heartbeatWith(goal, second.name, ({ splits }) => splits.length === 4);
    const after = await rig.records(goal);
    expect(keys.length).toBeGreaterThan(0);
    expect(after.map(({ split, position, accounting }) => ({ split, position, accounting }))).toEqual(
      before.map(({ split, position, accounting }) => ({ split, position, accounting })),
    );
    for (const [index, { epoch }] of after.entries()) expect(epoch).toBeGreaterThan(before[index]!.epoch);
    expect(second.log.some(({ message }) => String(message).includes('checkpoint cannot be read'))).toBe(true);
  });
});
