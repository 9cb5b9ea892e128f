// The control store on DynamoDB: one item a job, compare-and-set by version.
import { tables } from '#core/names.ts';
import type { ControlRecord, ControlStore } from '#core/ports/control-store.ts';
import { json, number, readJson } from './attributes.ts';
import type { Dynamo, Key } from './client.ts';

const sk = 'control';
const keyOf = (job: string): Key => ({ table: tables.control, pk: job, sk });

export function createControlStore(dynamo: Dynamo): ControlStore {
  return {
    read: (job) => read(dynamo, job),
    readMany: async (jobs) => {
      const records = (await dynamo.getMany(jobs.map(keyOf))).map((item) => readJson<ControlRecord>(item, 'record'));
      return new Map(records.map((record) => [record.job, record]));
    },
    list: async () => (await dynamo.scan(tables.control, ['record'])).map((item) => readJson(item, 'record')),
    write: (record) => write(dynamo, record),
    remove: (job, version) => remove(dynamo, job, version),
  };
}

async function read(dynamo: Dynamo, job: string): Promise<ControlRecord | null> {
  const [item] = await dynamo.query(tables.control, job);
  return item === undefined ? null : readJson<ControlRecord>(item, 'record');
}

async function write(dynamo: Dynamo, record: ControlRecord): Promise<'written' | 'stale'> {
  const first = record.version === 1;
  const stored = json(record);
  const outcome = await dynamo.update(
    keyOf(record.job),
    {
      update: 'SET #record = :record, #version = :version',
      condition: first ? 'attribute_not_exists(#pk)' : '#version = :before',
    },
    {
      ':record': stored,
      ':version': number(record.version),
      ...(first ? {} : { ':before': number(record.version - 1) }),
    },
  );
  // The very text that we wrote stands there: an attempt of ours whose answer was lost.
  const ours = outcome.kind === 'refused' && outcome.old?.['record']?.S === stored.S;
  return outcome.kind === 'done' || ours ? 'written' : 'stale';
}

async function remove(dynamo: Dynamo, job: string, version: number): Promise<'removed' | 'stale'> {
  const unchanged = 'attribute_not_exists(#pk) OR #version = :version';
  const outcome = await dynamo.delete(keyOf(job), unchanged, { ':version': number(version) });
  return outcome.kind === 'done' ? 'removed' : 'stale';
}
