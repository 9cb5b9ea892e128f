// What every control store must do: compare-and-set by version.
import { expect, test } from '@jest/globals';
import type { ControlRecord, ControlStore } from '#core/ports/control-store.ts';

let jobCount = 0;
const newJob = (): string => `control-contract-${process.pid}-${Date.now()}-${++jobCount}`;

const aControlRecord = (changes: Partial<ControlRecord> = {}): ControlRecord => ({
  job: newJob(),
  uid: 'u1',
  version: 1,
  incarnationLast: 3,
  revisionActed: 2,
  slots: { 0: { incarnation: 3, render: 'abc', startedAt: 1, failureCount: 0, nextStartAt: 0 } },
  announced: { phase: 'Running' },
  tasks: [{ taskId: 't', worker: 'w', incarnation: 3, slot: 0, state: 'running', since: 5, pid: 12 }],
  restartSequence: 0,
  ...changes,
});

export function controlStoreContract(open: () => ControlStore): void {
  test('a record is read back as it was written; what was never written is not there', async () => {
    const store = open();
    const record = aControlRecord();
    expect(await store.read(record.job)).toBeNull();
    expect(await store.write(record)).toBe('written');
    expect(await store.read(record.job)).toEqual(record);
  });

  test('records of many jobs are read at once, more of them than fit into one call; those that are not there are left out', async () => {
    const store = open();
    const records = Array.from({ length: 3 }, () => aControlRecord());
    await Promise.all(records.map((record) => store.write(record)));
    const missing = Array.from({ length: 120 }, newJob);
    const jobs = [records[0]!.job, ...missing, records[1]!.job, records[2]!.job];
    const found = await store.readMany(jobs);
    expect(found).toEqual(new Map(records.map((record) => [record.job, record])));
    expect(await store.readMany([])).toEqual(new Map());
  });

  test('a write needs the version before its own', async () => {
    const store = open();
    const first = aControlRecord();
    const third = { ...first, version: 3 };
    await store.write(first);
    expect(await store.write(third)).toBe('stale');
    expect(await store.write({ ...first, version: 2, uid: 'u2' })).toBe('written');
    expect(await store.write({ ...first, uid: 'u9' })).toBe('stale');
    expect(await store.write({ ...first, version: 2, uid: 'u9' })).toBe('stale');
    expect(await store.write(third)).toBe('written');
    expect(await store.read(first.job)).toEqual(third);
  });

  test('a write to what is not there needs version 1', async () => {
    const store = open();
    const record = aControlRecord({ version: 2 });
    expect(await store.write(record)).toBe('stale');
    expect(await store.read(record.job)).toBeNull();
  });

  test('of racing writers one wins [fault 30]', async () => {
    const store = open();
    const first = aControlRecord();
    await store.write(first);
    const writers = Array.from({ length: 10 }, (_, index) => ({ ...first, version: 2, incarnationLast: 10 + index }));
    const outcomes = await Promise.all(writers.map((record) => store.write(record)));
    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
    expect(await store.read(first.job)).toEqual(writers[outcomes.indexOf('written')]);
  });

  test('repeating a write that was carried out is harmless', async () => {
    const store = open();
    const record = aControlRecord();
    await store.write(record);
    expect(await store.write(record)).toBe('written');
    expect(await store.read(record.job)).toEqual(record);
  });

  test('all records are listed', async () => {
    const store = open();
    const records = [aControlRecord(), aControlRecord(), aControlRecord()];
    for (const record of records) await store.write(record);
    const listed = await store.list();
    for (const record of records) expect(listed).toContainEqual(record);
  });

  test('a removal needs the current version, and may be repeated', async () => {
    const store = open();
    const record = aControlRecord();
    await store.write(record);
    await store.write({ ...record, version: 2 });
    expect(await store.remove(record.job, 1)).toBe('stale');
    expect(await store.remove(record.job, 2)).toBe('removed');
    expect(await store.remove(record.job, 2)).toBe('removed');
    expect(await store.read(record.job)).toBeNull();
    expect(await store.write(record)).toBe('written');
  });
}
