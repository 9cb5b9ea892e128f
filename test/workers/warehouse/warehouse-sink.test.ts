// A table holds each row once: whatever happens to an owner between two objects, and whoever comes late.
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import type { RowType } from '#core/expression/types.ts';
import { isBalanced } from '#core/job/accounting.ts';
import type { WarehouseSinkGoal } from '#core/job/sink-goal.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import type { JournalEntry } from '#core/warehouse/journal-entry.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { idsIn, queryTable } from '#test/support/read-table.ts';
import { until } from '#test/support/until.ts';
import { Split } from '#workers/split.ts';
import { clock, type Fate, type FaultyStore, faultyStore, splitRecord, TableOwner, tableGoal } from './table-owner.ts';

const row: RowType = [
  { name: 'id', type: { kind: 'scalar', type: 'bigint' } },
  { name: 'day', type: { kind: 'scalar', type: 'date' } },
];
const prefix = 'tables/default/plays/';
const events = Array.from({ length: 60 }, (_, id) => ({ id, day: `2026-01-0${1 + (id % 2)}` }));
const all = events.map(({ id }) => id);

beforeAll(async () => await loadParser());

let owners: TableOwner[] = [];
afterEach(async () => {
  await Promise.all(owners.map((owner) => owner.close()));
  owners = [];
});

const goal = () => tableGoal({ row, partitionBy: ['{day}'] });

function own(objects: ObjectStore, record: SplitRecord | Split = splitRecord()): TableOwner {
  const owner = new TableOwner(goal(), objects, record);
  owners.push(owner);
  return owner;
}

test('rows are in the table, in their folders, when the position passes them', async () => {
  const objects = createMemoryObjectStore();
  const owner = own(objects);
  await owner.start();
  owner.read(events);
  expect(owner.split.done.position).toBe(0);
  expect(await objects.list(prefix)).toEqual([]);
  await owner.write();
  expect(await idsIn(objects, prefix)).toEqual(all);
  const [first, second, ...more] = await objects.list(prefix);
  expect(more).toEqual([]);
  expect(first).toMatch(/^tables\/default\/plays\/day=2026-01-01\/[0-9a-f]{12}-p3-e1-o0-s2\.parquet$/);
  expect(second).toMatch(/^tables\/default\/plays\/day=2026-01-02\/[0-9a-f]{12}-p3-e1-o0-s2\.parquet$/);
  expect(await objects.list('staging/')).toEqual([]);
  expect(owner.split.done).toMatchObject({ position: 60, accounting: { in: 60, out: 60 } });
});

test('a route that is given another source adds to its table: files of the old source stay, and are never written over', async () => {
  const objects = createMemoryObjectStore();
  for (const [index, split] of ['events/0', 'events-v2/0', 'events-v2/1'].entries()) {
    const owner = own(objects, splitRecord({ split }));
    await owner.start();
    owner.read(events.slice(index * 20, (index + 1) * 20));
    await owner.write();
    await owner.close();
  }
  expect(await idsIn(objects, prefix)).toEqual(all);
});

test('what an earlier version has named in its journal is put into the table under that name', async () => {
  const objects = createMemoryObjectStore();
  const first = own(
    faultyStore(objects, (_index, operation) => (operation.startsWith('copy ') ? 'hold-before' : 'pass')),
  );
  await first.start();
  first.read(events.map(({ id }) => ({ id, day: '2026-01-01' })));
  first.sink.flush();
  const entryKey = await until(async () => (await objects.list('journal/'))[1] ?? null, 'the entry');
  await first.close();
  const entry = JSON.parse(Buffer.from((await objects.get(entryKey))!).toString()) as JournalEntry;
  const key = `${prefix}day=2026-01-01/0123456789ab-p3-e1-o0-s2.parquet`;
  const older = { ...entry, files: entry.files.map((file) => ({ ...file, key })) };
  await objects.put(entryKey, Buffer.from(JSON.stringify(older)));
  const second = own(objects, splitRecord({ epoch: 2 }));
  await second.start();
  expect(await objects.list(prefix)).toEqual([key]);
  expect(await idsIn(objects, prefix)).toEqual(all);
  expect(second.split.done.position).toBe(60);
});

/** The first owner reads and writes twice; its `index`th operation on the store meets its fate. */
async function interrupted(objects: ObjectStore, index: number, fate: Fate) {
  const store = faultyStore(objects, (at) => (at < index ? 'pass' : at === index ? fate : 'hold-before'));
  const first = own(store);
  let isOver = false;
  const life = (async () => {
    await first.start();
    first.read(events, 10, 20);
    await first.write();
    first.read(events, 10, 40);
    await first.write();
  })()
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  await until(() => (isOver || store.operations.length > index ? true : null), 'the fault');
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return { first, store, life, isOver: () => isOver };
}

async function operationCount(): Promise<number> {
  const { store, life } = await interrupted(createMemoryObjectStore(), Number.MAX_SAFE_INTEGER, 'pass');
  await life;
  return store.operations.length;
}

describe('an owner that dies', () => {
  test('before or after any one object: its successor loses and doubles nothing, whatever the item says [fault 112]', async () => {
    const count = await operationCount();
    expect(count).toBeGreaterThan(20);
    for (let index = 0; index < count; index++) {
      for (const fate of ['hold-before', 'hold-after'] as const) {
        const objects = createMemoryObjectStore();
        const { first } = await interrupted(objects, index, fate);
        await first.close();
        // The position may have been committed to the item before the death, or not at all.
        const records = [first.record(2), splitRecord({ epoch: 2 })];
        const second = own(objects, records[index % 2]);
        await second.start();
        second.read(events);
        await second.write();
        expect({ index, fate, ids: await idsIn(objects, prefix) }).toEqual({ index, fate, ids: all });
        expect(second.split.done.accounting).toMatchObject({ in: 60, out: 60 });
        expect(isBalanced(second.split.done.accounting)).toBe(true);
        expect(await objects.list('staging/')).toEqual([]);
        await second.close();
      }
    }
  });

  test('between its entry and its commit: the operators of its successor see again what stands before the table’s end', async () => {
    const remembers = 25;
    const objects = createMemoryObjectStore();
    const first = own(objects);
    await first.start();
    first.read(events, 10, 40);
    await first.write();
    await first.close();
    const second = own(objects, new Split(splitRecord({ epoch: 2 }), clock, remembers));
    await second.start();
    const { fetchOffset, knownUntil, done } = second.split;
    expect({ fetchOffset, knownUntil, position: done.position }).toEqual({
      ...{ fetchOffset: 15, knownUntil: 40, position: 40 },
    });
  });

  test('and was only paused: what it does when it wakes changes nothing, and it learns that it is fenced', async () => {
    const count = await operationCount();
    for (let index = 0; index < count; index++) {
      const objects = createMemoryObjectStore();
      const { first, store, isOver } = await interrupted(objects, index, 'hold-before');
      const before = first.record(2);
      const second = own(objects, before);
      first.isOwner = false;
      await second.start();
      second.read(events, 10, 50);
      await second.write();
      store.release();
      await until(() => (isOver() || first.isFenced ? true : null), 'its end, or the fence');
      expect({ index, isFenced: first.isFenced || first.split.done.position >= 40 }).toEqual({ index, isFenced: true });
      second.read(events);
      await second.write();
      expect({ index, ids: await idsIn(objects, prefix) }).toEqual({ index, ids: all });
      await first.close();
      await second.close();
    }
  });
});

test('a zombie whose number was pruned long ago takes its entry back', async () => {
  const objects = createMemoryObjectStore();
  const store = faultyStore(objects, (_index, operation) =>
    operation.startsWith('put journal/') && operation.endsWith('0002.json') ? 'hold-before' : 'pass',
  );
  const zombie = own(store);
  await zombie.start();
  zombie.read(events, 10, 10);
  zombie.sink.flush();
  await until(() => (store.operations.some((one) => one.endsWith('0002.json')) ? true : null), 'the entry to be held');
  const owner = own(objects, splitRecord({ epoch: 2 }));
  await owner.start();
  const many = Array.from({ length: 60 }, (_, id) => ({ id, day: '2026-01-01' }));
  for (let upTo = 1; upTo <= 60; upTo++) {
    owner.read(many, 1, upTo);
    await owner.write();
  }
  await until(async () => ((await objects.list('journal/')).length <= 50 ? true : null), 'the journal to be pruned');
  store.release();
  await until(() => (zombie.isFenced ? true : null), 'the zombie to be fenced');
  expect(await idsIn(objects, prefix)).toEqual(all);
  expect((await objects.list('journal/')).some((key) => key.endsWith('000000000002.json'))).toBe(false);
});

/** An owner whose rows are uploaded and in no entry yet: from here on they are only in the bucket. */
async function ownerBeforeItsEntry(objects: ObjectStore, rows = events) {
  const isEntry = (operation: string): boolean => operation.startsWith('put journal/');
  const entryCount = (): number => store.operations.filter(isEntry).length;
  // The first is its takeover.
  const store: FaultyStore = faultyStore(objects, (_index, operation) =>
    isEntry(operation) && entryCount() > 1 ? 'hold-before' : 'pass',
  );
  const owner = own(store, splitRecord({ epoch: 2 }));
  await owner.start();
  owner.read(rows);
  owner.sink.flush();
  await until(() => (entryCount() > 1 ? true : null), 'the entry to be held');
  const staged = await objects.list('staging/');
  expect(staged).not.toEqual([]);
  return { owner, store, staged };
}

describe('what an owner has uploaded is left alone by an owner before', () => {
  test.each([
    ['that hung before it looked at the journal', (operation: string) => operation.startsWith('list catalog/')],
    ['that hung after it had taken over', (operation: string) => operation.startsWith('list staging/')],
  ])('%s', async (_name, isHeld) => {
    const objects = createMemoryObjectStore();
    const held = faultyStore(objects, (_index, operation) => (isHeld(operation) ? 'hold-before' : 'pass'));
    const before = own(held);
    let isOver = false;
    const life = before.start().finally(() => {
      isOver = true;
    });
    await until(() => (held.operations.some(isHeld) ? true : null), 'it to hang');
    before.isOwner = false;
    const { owner, store, staged } = await ownerBeforeItsEntry(objects);
    held.release();
    await until(() => (isOver ? true : null), 'its end');
    await life;
    expect(await objects.list('staging/')).toEqual(staged);
    store.release();
    await owner.done(60);
    expect(await idsIn(objects, prefix)).toEqual(all);
  });

  test('that gave its takeover up, since the split left it while S3 refused', async () => {
    const objects = createMemoryObjectStore();
    let isUp = false;
    const before = own(
      faultyStore(objects, (_index, at) => (isUp || !at.startsWith('list journal/') ? 'pass' : 'fail')),
    );
    const life = before.start();
    await until(() => (before.troubles.length > 0 ? true : null), 'the refusal to be told');
    const { owner, store, staged } = await ownerBeforeItsEntry(objects);
    before.split.state = 'leaving';
    isUp = true;
    await life;
    expect(await objects.list('staging/')).toEqual(staged);
    store.release();
    await owner.done(60);
    expect(await idsIn(objects, prefix)).toEqual(all);
  });
});

describe('a file that is neither in staging nor in the table', () => {
  test('is told, and the position stays before its rows, whoever owns the split; a rewind writes them again', async () => {
    const objects = createMemoryObjectStore();
    const rows = events.map(({ id }) => ({ id, day: '2026-01-01' }));
    const { owner, store, staged } = await ownerBeforeItsEntry(objects, rows);
    await objects.remove(staged[0]!);
    store.release();
    const isTold = (one: TableOwner) => one.troubles.some((trouble) => trouble.includes('rewind the job to offset 0'));
    await until(() => (isTold(owner) ? true : null), 'the loss to be told');
    expect(owner.split.done.position).toBe(0);
    await owner.close();
    const next = own(objects, splitRecord({ epoch: 3 }));
    void next.start();
    await until(() => (isTold(next) ? true : null), 'the loss to be told again');
    expect(next.split.done.position).toBe(0);
    await next.close();
    const placed = { operation: 'rewind', sequence: 1, from: '60', to: '0', rewoundRecords: 60 };
    const rewound = own(objects, splitRecord({ epoch: 4, placed }));
    await rewound.start();
    rewound.read(rows);
    await rewound.write();
    expect(await idsIn(objects, prefix)).toEqual(all);
  });

  test("is its owner's affair once the position is past it: compacted or deleted, it holds nobody up", async () => {
    const objects = createMemoryObjectStore();
    const first = own(objects);
    await first.start();
    first.read(events, 10, 40);
    await first.write();
    await first.close();
    for (const key of await objects.list(prefix)) await objects.remove(key);
    const second = own(objects, first.record(2));
    await second.start();
    second.read(events);
    await second.write();
    expect(await idsIn(objects, prefix)).toEqual(all.slice(40));
  });
});

test('an S3 that refuses for a while costs time only, and is named as the reason', async () => {
  const objects = createMemoryObjectStore();
  let isUp = false;
  const owner = own(faultyStore(objects, (index) => (isUp || index < 6 ? 'pass' : 'fail')));
  await owner.start();
  owner.read(events);
  owner.sink.flush();
  await until(() => (owner.troubles.length >= 2 ? true : null), 'the refusals to be told');
  expect(owner.sink.isRefused).toBe(true);
  expect(owner.troubles[0]).toMatch(/^sink-unavailable: playback-events\/3: 503/);
  expect(owner.split.done.position).toBe(0);
  isUp = true;
  await owner.done(60);
  expect(owner.sink.isRefused).toBe(false);
  expect(await idsIn(objects, prefix)).toEqual(all);
});

test('a record that is no row of the table is refused alone, with its column', async () => {
  const objects = createMemoryObjectStore();
  const owner = own(objects);
  await owner.start();
  owner.read([
    { id: 1, day: '2026-01-01' },
    { id: 'one', day: '2026-01-01' },
    { id: 2, day: 'yesterday' },
    { id: 3, day: 'infinity' },
    null,
    { id: 9223372036854775808n.toString(), day: '2026-01-01' },
    '{"id": 9223372036854775807, "day": "2026-01-02"}',
    { id: 4 },
  ]);
  const view = (json: string) => {
    const bytes = Buffer.from(json);
    const [value, none] = [
      { bytes, start: 0, end: bytes.length },
      { bytes, start: 0, end: -1 },
    ];
    return { split: owner.split, offset: 8, timestamp: 0, key: none, value, headers: none };
  };
  // Asked beforehand it says the same, and gathers nothing.
  expect(owner.sink.check!(view('{"id":5,"day":"2026-01-01"}'))).toBeNull();
  expect(owner.sink.check!(view('{"id":"one"}'))).toEqual(owner.refusals[0]);
  await owner.write();
  expect(owner.refusals.map(({ message }) => message)).toEqual([
    'field id is declared bigint: got JSON string "one"',
    'field day is declared date: invalid input syntax for type date: "yesterday"',
    expect.stringMatching(/^column day /),
    'a record without a value is no row',
    'field id is declared bigint: got JSON string "9223372036854775808"',
  ]);
  const rows = await queryTable(objects, prefix, 'SELECT id, day FROM {table} ORDER BY id');
  expect(rows).toEqual([
    { id: '1', day: '2026-01-01' },
    { id: '4', day: null },
    { id: '9223372036854775807', day: '2026-01-02' },
  ]);
});

test('a time behind the last that a table can hold is refused alone, at any depth, and the rest is written', async () => {
  const objects = createMemoryObjectStore();
  const time = { kind: 'scalar', type: 'timestamptz' } as const;
  const times: RowType = [
    { name: 'id', type: { kind: 'scalar', type: 'bigint' } },
    { name: 'at', type: time },
    { name: 'local', type: { kind: 'scalar', type: 'timestamp' } },
    { name: 'all', type: { kind: 'array', element: time } },
    { name: 'lines', type: { kind: 'array', element: { kind: 'object', fields: [{ name: 'at', type: time }] } } },
  ];
  const owner = new TableOwner(tableGoal({ row: times }), objects, splitRecord());
  owners.push(owner);
  await owner.start();
  const behind = '294247-01-10 04:00:54.775807';
  owner.read([
    { id: 1, at: '294247-01-10 04:00:54.775806+00' },
    { id: 2, at: `${behind}+00` },
    { id: 3, local: '294276-12-31' },
    { id: 4, all: ['2026-01-01T00:00:00Z', `${behind}+00`] },
    { id: 5, lines: [{ at: `${behind}+00` }] },
    { id: 6, at: '4713-12-31 00:00:00+00 BC' },
  ]);
  await owner.write();
  const end = 'expected a time before 294247-01-10 04:00:54.775807, where a';
  expect(owner.refusals.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    `unstorable_value: column at is ${behind}+00, ${end} timestamptz column of a table ends`,
    `unstorable_value: column local is 294276-12-31 00:00:00, ${end} timestamp column of a table ends`,
    `unstorable_value: column all[] is ${behind}+00, ${end} timestamptz column of a table ends`,
    `unstorable_value: column lines[].at is ${behind}+00, ${end} timestamptz column of a table ends`,
  ]);
  expect(await idsIn(objects, prefix)).toEqual([1, 6]);
});

describe('what cannot be encoded, although the row was taken, is told with its split and its column', () => {
  const numbers: RowType = [{ name: 'n', type: { kind: 'scalar', type: 'numeric' } }];
  // No declaration makes this: the row has exact numbers, the file has whole ones.
  const wrong = (): WarehouseSinkGoal => ({
    ...tableGoal({ row: numbers }),
    columns: [{ name: 'n', type: { kind: 'scalar', type: 'bigint' } }],
  });
  const many = Array.from({ length: 40_000 }, (_, n) => ({ n }));

  test('where a file is written', async () => {
    const owner = new TableOwner(wrong(), createMemoryObjectStore(), splitRecord());
    owners.push(owner);
    await owner.start();
    owner.read(many.slice(0, 1));
    owner.sink.flush();
    await until(() => (owner.troubles.length > 0 ? true : null), 'it to be told');
    expect(owner.troubles[0]).toMatch(/^replay: files of playback-events\/3: column n cannot be encoded: /);
  });

  test.each([
    ['where rows become a row group', 256],
    ['where memory is full', 8],
  ])('%s', async (_name, memoryMiB) => {
    const owner = new TableOwner(wrong(), createMemoryObjectStore(), splitRecord(), { memoryMiB });
    owners.push(owner);
    await owner.start();
    expect(() => owner.read(many)).toThrow(/^playback-events\/3: column n cannot be encoded: /);
  });
});

const wide: RowType = [
  { name: 'id', type: { kind: 'scalar', type: 'bigint' } },
  { name: 'noise', type: { kind: 'scalar', type: 'text' } },
];

/** That do not compress. */
function noisyEvents(count: number): readonly { readonly id: number; readonly noise: string }[] {
  let seed = 1;
  const noise = (): string =>
    Array.from({ length: 64 }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed.toString(36);
    }).join('');
  return Array.from({ length: count }, (_, id) => ({ id, noise: noise() }));
}

test('a table that has no room is written, although nobody waits for it; being asked for room costs nothing', async () => {
  const objects = createMemoryObjectStore();
  const goal = tableGoal({ row: wide, roll: { size: '64MiB', every: '1h' } });
  const owner = new TableOwner(goal, objects, splitRecord(), { memoryMiB: 8 });
  owners.push(owner);
  await owner.start();
  owner.read(noisyEvents(10_000), 10_000);
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  for (let asked = 0; asked < 10_000; asked++) expect(owner.sink.hasRoom).toBe(false);
  expect(timers()).toBe(before);
  await owner.done(10_000, 5_000);
  expect(owner.sink.hasRoom).toBe(true);
});

test('rows that come one by one are written when what is remembered of each takes all room, however small they are', async () => {
  const goal = tableGoal({ row: [row[0]!], roll: { size: '64MiB', every: '1h' } });
  const owner = new TableOwner(goal, createMemoryObjectStore(), splitRecord(), { memoryMiB: 8 });
  owners.push(owner);
  await owner.start();
  const small = Array.from({ length: 10_000 }, (_, id) => ({ id }));
  owner.read(small, 1_000, 5_000);
  expect(owner.sink.hasRoom).toBe(true);
  owner.read(small, 1);
  expect(owner.sink.hasRoom).toBe(false);
  await owner.done(10_000, 5_000);
  expect(owner.sink.hasRoom).toBe(true);
});

test('files are finished by size, by age, and when memory is full; until then none is written', async () => {
  const objects = createMemoryObjectStore();
  const many = noisyEvents(20_010);
  const owner = new TableOwner(tableGoal({ row: wide, roll: { size: '4MiB', every: '1s' } }), objects, splitRecord());
  owners.push(owner);
  await owner.start();
  owner.read(many, 1_000, 20_000);
  await until(async () => ((await objects.list(prefix)).length === 1 ? true : null), 'the file that is large enough');
  expect(owner.split.done.position).toBe(20_000);
  owner.read(many, 1_000, 20_010);
  expect((await objects.list(prefix)).length).toBe(1);
  await owner.done(20_010, 5_000);
  expect((await objects.list(prefix)).length).toBe(2);
  expect((await queryTable(objects, prefix, 'SELECT count(DISTINCT id) AS n, count(*) AS c FROM {table}'))[0]).toEqual({
    n: '20010',
    c: '20010',
  });
});
