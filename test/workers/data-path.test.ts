// What a data path tells its parts of a split that is handed on.
import { beforeAll, expect, test } from '@jest/globals';
import { createTableCatalog } from '#adapters/s3/table-catalog.ts';
import { loadParser } from '#core/expression/index.ts';
import type { Logger } from '#core/ports/logger.ts';
import { aJobGoal } from '#test/support/builders.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { until } from '#test/support/until.ts';
import { DataPath } from '#workers/data-path.ts';
import { ErrorsSeen } from '#workers/errors-seen.ts';
import type { Lease } from '#workers/lease.ts';
import type { WorkerParts } from '#workers/parts.ts';
import { Split } from '#workers/split.ts';
import { faultyStore, splitRecord, tableGoal } from './warehouse/table-owner.ts';

beforeAll(async () => await loadParser());

test('a sink does nothing more for a split that is forgotten, though it is down and has not come to an end with it', async () => {
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };
  const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => log };
  const store = faultyStore(createMemoryObjectStore(), () => 'fail');
  const parts = {
    goal: aJobGoal({ sink: tableGoal({ row: [{ name: 'id', type: { kind: 'scalar', type: 'bigint' } }] }) }),
    warehouse: { files: store, catalog: createTableCatalog(store) },
    ...{ cluster: {}, clock, log },
  } as unknown as WorkerParts;
  const path = new DataPath(parts, { isHeld: true } as Lease, new ErrorsSeen(log, clock), () => {});
  const split = new Split(splitRecord(), clock);
  path.add(split);
  await until(() => (path.isRefused ? true : null), 'the sink to be tried');
  path.remove(split);
  path.forget(split);
  await until(() => (path.isRefused ? null : true), 'the sink to have nothing to do');
  expect(path.isRefused).toBe(false);
  await path.close();
});
