// A table on the real parts: workers are killed, stopped and cut off from S3, and DuckDB finds each row once.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { isBalanced } from '#core/job/accounting.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { environment } from '#core/names.ts';
import { losingProxy } from '#test/support/losing-proxy.ts';
import { queryTable } from '#test/support/read-table.ts';
import { until } from '#test/support/until.ts';
import { startLoad } from '../workers/load.ts';
import { type TableWishes, tableGoal } from '../workers/warehouse/table-owner.ts';
import { addressesFromEnvironment, WorkerRig } from '../workers/worker-rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(() => rig.endWorkers());
afterAll(async () => await rig.close());

const row: TableWishes['row'] = [{ name: 'id', type: { kind: 'scalar', type: 'bigint' } }];

/** A job whose sink is a table of its own; files are due after a second. */
async function tableJob(more: Partial<JobGoal> = {}) {
  const base = await rig.job({ partitions: 2, settings: { commitMs: 100 } });
  const table = base.route;
  const sink = { ...tableGoal({ row, roll: { every: '1s' } }), table, prefix: `tables/default/${table}/` };
  const goal: JobGoal = { ...base, sink, ...more };
  const count = async (): Promise<{ rows: number; ids: number }> => {
    const [found] = await queryTable(
      rig.objects,
      sink.prefix,
      'SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM {table}',
    );
    return { rows: Number(found?.['rows'] ?? 0), ids: Number(found?.['ids'] ?? 0) };
  };
  return { base, goal, count, prefix: sink.prefix };
}

test('workers killed at any moment lose no row and double none, and the books are those of the table [fault 112]', async () => {
  const { base, goal, count } = await tableJob();
  const load = startLoad(rig, base, { perTurn: 200 });
  for (let incarnation = 1; incarnation <= 5; incarnation++) {
    const worker = await rig.start(goal, incarnation);
    await worker.said('took a split');
    await sleep(700 + 400 * incarnation + Math.random() * 300);
    worker.child.kill('SIGKILL');
    await worker.exited;
    await rig.workers.fence(goal.id, worker.name);
  }
  const produced = await load.stop();
  await rig.start(goal, 6);
  const accounting = await rig.accounted(goal, produced);
  expect(accounting).toMatchObject({ in: produced, out: produced });
  expect(isBalanced(accounting)).toBe(true);
  expect(await count()).toEqual({ rows: produced, ids: produced });
  expect(await rig.objects.list(`staging/${goal.id}/`)).toEqual([]);
}, 120_000);

test('a worker that was stopped and wakes behind its successor adds nothing', async () => {
  const { base, goal, count } = await tableJob({});
  const first = await rig.start(goal, 1);
  const load = startLoad(rig, base, { perTurn: 100 });
  await rig.accounted(goal, 500);
  await sleep(300);
  first.child.kill('SIGSTOP');
  await rig.workers.fence(goal.id, first.name);
  const second = await rig.start(goal, 2);
  await second.said('rows are in the table');
  first.child.kill('SIGCONT');
  expect(await first.exited).toBe(exitCodes.fenced);
  const produced = await load.stop();
  await rig.accounted(goal, produced);
  expect(await count()).toEqual({ rows: produced, ids: produced });
});

test('an S3 whose answers are lost, and a record that is no row: each row once, and one dead letter', async () => {
  const { base, goal, count } = await tableJob();
  const proxy = await losingProxy(rig.addresses.s3);
  const worker = await rig.start(goal, 1, 0, { [environment.s3Endpoint]: proxy.url });
  const load = startLoad(rig, base, { perTurn: 100 });
  await rig.produce(goal.source.topic, [{ key: 'k', value: JSON.stringify({ id: 'no number' }) }]);
  // One that cannot read its goal ends, and is started again by others than this test.
  await worker.said('took a split');
  for (let turn = 0; turn < 6; turn++) {
    await sleep(400);
    proxy.loseAnswers(2);
  }
  proxy.loseAnswers(0);
  const produced = await load.stop();
  const accounting = await rig.accounted(goal, produced + 1);
  expect(accounting).toMatchObject({ in: produced + 1, out: produced, deadLettered: 1 });
  expect(await count()).toEqual({ rows: produced, ids: produced });
  expect(await rig.count(goal.deadLetterTopic)).toBe(1);
  proxy.close();
});

test('a worker that gathers is no worker that stands still, and says what it holds until when', async () => {
  const { base, goal } = await tableJob({ stalledAfterMs: 1_500 });
  if (goal.sink.kind !== 'warehouse') throw new Error('no table');
  const slow: JobGoal = { ...goal, sink: { ...goal.sink, roll: { ...goal.sink.roll, everyMs: 6_000 } } };
  const worker = await rig.start(slow, 1);
  await rig.produce(base.source.topic, [{ key: 'k', value: '{"id":1}' }]);
  const { gathering, at } = await rig.heartbeatWith(slow, worker.name, (one) => (one.gathering?.records ?? 0) === 1);
  expect(gathering!.dueAt - gathering!.oldestAt).toBe(6_000);
  expect(gathering!.dueAt).toBeGreaterThan(at - 1_000);
  await until(async () => ((await rig.accounting(slow)).out === 1 ? true : null), 'the row to be written');
  expect(worker.child.exitCode).toBeNull();
  // What is gathered when the worker is told to end is written at once.
  await rig.produce(base.source.topic, [{ key: 'k', value: '{"id":2}' }]);
  await rig.heartbeatWith(slow, worker.name, (one) => (one.gathering?.records ?? 0) === 1);
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(exitCodes.ended);
  expect(await rig.accounting(slow)).toMatchObject({ in: 2, out: 2 });
});
