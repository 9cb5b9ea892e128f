// What a worker does when the bucket of checkpoints is silent, or empty: positions stand in the table, so nothing waits and nothing is lost.
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { environment, objectKeys } from '#core/names.ts';
import { type LosingProxy, losingProxy } from '#test/support/losing-proxy.ts';
import { until } from '#test/support/until.ts';
import { addressesFromEnvironment, type StreamJobGoal, WorkerRig } from '../workers/worker-rig.ts';

jest.setTimeout(240_000);
const withinMs = 100_000;

let rig: WorkerRig;
let proxy: LosingProxy;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
  proxy = await losingProxy(rig.addresses.s3);
});
afterEach(() => rig.endWorkers());
afterAll(async () => {
  await rig.close();
  proxy.close();
});

const events = (from: number, count: number): { value: string }[] =>
  Array.from({ length: count }, (_, index) => ({ value: JSON.stringify({ id: from + index }) }));

const checkpoints = async (goal: StreamJobGoal): Promise<readonly string[]> =>
  await rig.objects.list(objectKeys.checkpointPrefix(goal.id, goal.uid));

test('a bucket that is silent holds up no record and no commit, and gets its checkpoint when it answers again [fault 68] [fault 69]', async () => {
  const goal = await rig.job({ where: 'id >= 0' });
  const worker = await rig.start(goal, 1, 0, { [environment.s3Endpoint]: proxy.url });
  await rig.produce(goal.source.topic, events(0, 100));
  await rig.accounted(goal, 100, withinMs);
  const before = await rig.heartbeatWith(goal, worker.name, ({ lastCheckpoint }) => lastCheckpoint !== null, withinMs);
  proxy.silence();
  for (let from = 100; from < 1_000; from += 100) {
    await rig.produce(goal.source.topic, events(from, 100));
    await rig.accounted(goal, from + 100, withinMs);
  }
  const { lastCheckpoint } = (await rig.heartbeat(goal, worker.name))!;
  proxy.speak();
  const sequence = Math.max(before.lastCheckpoint!.sequence, lastCheckpoint!.sequence);
  await rig.heartbeatWith(goal, worker.name, (beat) => (beat.lastCheckpoint?.sequence ?? 0) > sequence, withinMs);
  expect(await rig.accounting(goal)).toMatchObject({ in: 1_000, out: 1_000 });
  expect(worker.child.exitCode).toBeNull();
});

test('a bucket that lost all checkpoints costs nothing: the next worker goes on from the table, and takes a new one [fault 72]', async () => {
  const goal = await rig.job({ where: 'id >= 0' });
  const first = await rig.start(goal, 1);
  await rig.produce(goal.source.topic, events(0, 500));
  await rig.accounted(goal, 500, withinMs);
  await until(async () => ((await checkpoints(goal)).length > 0 ? true : null), 'a checkpoint');
  first.child.kill('SIGKILL');
  await first.exited;
  await rig.workers.fence(goal.id, first.name);
  for (const key of await checkpoints(goal)) await rig.objects.remove(key);
  await rig.start(goal, 2);
  await rig.produce(goal.source.topic, events(500, 100));
  expect(await rig.accounted(goal, 600, withinMs)).toMatchObject({ in: 600, out: 600 });
  await until(async () => ((await checkpoints(goal)).length > 0 ? true : null), 'a new checkpoint');
  expect(await rig.count(goal.sink.topic)).toBe(600);
});
