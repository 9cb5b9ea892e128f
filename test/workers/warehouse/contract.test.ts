// A table under the contract of all sinks: S3 is a store in memory that can refuse everything.
import { loadParser } from '#core/expression/index.ts';
import type { RowType } from '#core/expression/types.ts';
import { sinkContract } from '#test/contract/sink.contract.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { queryTable } from '#test/support/read-table.ts';
import { faultyStore, TableOwner, tableGoal } from './table-owner.ts';

const row: RowType = [{ name: 'n', type: { kind: 'scalar', type: 'bigint' } }];
const memoryMiB = 8;

sinkContract('warehouse', () => ({
  start: loadParser,
  end: async () => {},
  bad: () => ({ n: 'no number' }),
  pendingBytesMax: 16 * 0.25 * memoryMiB * 1024 * 1024,
  open: async (rig, { lingers }) => {
    const objects = createMemoryObjectStore();
    let isUp = true;
    const store = faultyStore(objects, () => (isUp ? 'pass' : 'fail'));
    const goal = tableGoal({ row, roll: { every: '1h' } });
    const quick = { ...goal, roll: { ...goal.roll, everyMs: lingers ? 3_600_000 : 20 } };
    const owner = new TableOwner(quick, store, rig.split(), { memoryMiB, hooks: rig.hooks });
    await owner.start();
    const { prefix } = goal;
    return {
      sink: owner.sink,
      delivered: async () =>
        (await queryTable(objects, prefix, 'SELECT n FROM {table}')).map((found) => Number(found['n'])),
      stop: async () => {
        isUp = false;
      },
      resume: async () => {
        isUp = true;
      },
      close: () => owner.close(),
    };
  },
}));
