// A worker whose sink answers, but refuses every write for a whole minute, while the source goes on at 1,100 events a second.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isBalanced } from '#core/job/accounting.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { limits } from '#core/limits.ts';
import { until } from '#test/support/until.ts';
import { compareWithLoad, startLoad } from '../workers/load.ts';
import { addressesFromEnvironment, type StreamJobGoal, WorkerRig } from '../workers/worker-rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterAll(async () => await rig.close());

/** From when the worker holds all that it may. */
const refusedMs = 40_000;
/** Of an event of the load, as it is written. */
const eventBytes = 850;
const topicResource = 2;

/**
 * `before`: of what age records are refused. (A broker that is alone does not refuse for `min.insync.replicas`: Kafka 4
 * asks for no more replicas than the topic has. To a producer both are an error code that says: not now.)
 */
async function refuseRecords(goal: StreamJobGoal, before: 'any' | 'none'): Promise<void> {
  const configEntries = before === 'any' ? [{ name: 'message.timestamp.before.max.ms', value: '1' }] : [];
  const resources = [{ type: topicResource, name: goal.sink.topic, configEntries }];
  await rig.admin.alterConfigs({ validateOnly: false, resources });
}

function residentMiB(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

test('it waits with bounded memory, is not taken for stalled, and then delivers everything', async () => {
  // Taken for a stall, the refusal would end the worker many times over.
  const goal = await rig.job({ where: 'id >= 0', goal: { stalledAfterMs: 5_000 } });
  const worker = await rig.start(goal);
  const producing = startLoad(rig, goal, { perTurn: 100, turnMs: 90, padBytes: 800 });
  await rig.accounted(goal, 3_000);
  await refuseRecords(goal, 'any');
  await rig.heartbeatWith(goal, worker.name, ({ errors }) => errors.some(({ code }) => code === 'sink-refused'));
  const arrived = await rig.count(goal.sink.topic);
  const producedBefore = producing.count();
  const refusedAtMs = performance.now();
  // More waits than a worker may hold (limits.producePendingBytesMax): from then on nothing grows, however quick the machine is.
  const isFull = (): boolean => (producing.count() - producedBefore) * eventBytes > 1.1 * limits.producePendingBytesMax;
  await until(() => (isFull() ? true : null), 'more than the worker may hold', 90_000);
  const full: number[] = [];
  for (const endMs = performance.now() + refusedMs; performance.now() < endMs; await sleep(1_000))
    full.push(residentMiB(worker.child.pid!));

  expect(await rig.count(goal.sink.topic)).toBe(arrived);
  expect((await rig.accounting(goal)).in).toBeLessThanOrEqual(arrived);
  const refusedForMs = performance.now() - refusedAtMs;
  expect(Math.max(...full)).toBeLessThan(256);
  // It may give memory back, so its peaks are compared.
  const half = full.length / 2;
  expect(Math.max(...full.slice(half)) - Math.max(...full.slice(0, half))).toBeLessThan(16);

  await refuseRecords(goal, 'none');
  const backMs = performance.now();
  await until(async () => ((await rig.count(goal.sink.topic)) > arrived ? true : null), 'output again');
  const outputAgainMs = performance.now() - backMs;
  const count = await producing.stop();
  const accounting = await rig.accounted(goal, count);
  expect(accounting).toMatchObject({ in: count, out: count });
  expect(isBalanced(accounting)).toBe(true);
  const found = await compareWithLoad(rig, goal, count);
  expect(found).toEqual({ lost: 0, duplicates: 0, disordered: 0 });
  // The same process all along, and its own leases never lost.
  const splits = await rig.records(goal);
  expect(splits.map(({ owner, epoch }) => [owner, epoch])).toEqual(splits.map(() => [worker.name, 1]));
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(exitCodes.ended);
  process.stderr.write(
    `refused for ${Math.round(refusedForMs / 1_000)} s: ${count} events, ${found.duplicates} duplicates, output again after ` +
      `${Math.round(outputAgainMs)} ms, resident ${Math.round(Math.min(...full))} to ${Math.round(Math.max(...full))} MiB\n`,
  );
}, 150_000);
