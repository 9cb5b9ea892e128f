// What every goal store must do with changes of several declarations at once.
import { expect, test } from '@jest/globals';
import type { GoalStore } from '#core/ports/goal-store.ts';
import { aRoute, aStream, newTenant } from './goal-store.contract.ts';

export function changeContract(open: () => GoalStore): void {
  const by = { author: 'ada', reason: 'together' };

  test('several declarations and deletions are one change, and what stands there already is passed over', async () => {
    const store = open();
    const tenant = newTenant();
    for (const name of ['a', 'b', 'c']) await store.apply(aStream(tenant, name));
    const applies = [aStream(tenant, 'a'), aStream(tenant, 'b', { partitions: 3 }), aRoute(tenant, 'r')];
    const removes = ['c', 'never-there'].map((name) => ({ kind: 'Stream' as const, name }));
    const outcome = await store.change({ tenant, ...by, applies, removes });
    if (outcome.kind !== 'changed') throw new Error(outcome.kind);
    expect(outcome.revisions.map(({ kind, name, revision, declared }) => [kind, name, revision, declared])).toEqual([
      ['Stream', 'b', 2, { partitions: 3 }],
      ['Route', 'r', 1, { from: 'a' }],
      ['Stream', 'c', 2, null],
    ]);
    expect(await store.read(tenant, 'Stream', 'c')).toBeNull();
    expect(await store.read(tenant, 'Route', 'r')).toMatchObject({ reason: 'together', author: 'ada' });
    const { revisions } = await store.changedSince(tenant, 0);
    expect(revisions.map(({ name }) => name)).toEqual(['a', 'b', 'r', 'c']);
  });

  test('of several declarations none is written where one cannot be, or where the world has moved on', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a'));
    const { sequence } = await store.changedSince(tenant, 0);
    const applies = [aStream(tenant, 'b'), aStream(tenant, 'No Name')];
    await expect(store.change({ tenant, ...by, applies, removes: [] })).rejects.toMatchObject({ code: 'name-invalid' });
    await store.apply(aStream(tenant, 'a', { partitions: 9 }));
    const late = { tenant, ...by, applies: [aStream(tenant, 'b')], removes: [], checkedAt: sequence };
    expect(await store.change(late)).toEqual({ kind: 'moved' });
    expect(await store.read(tenant, 'Stream', 'b')).toBeNull();
  });

  test('asked for twice under one key it is made once, and answered the same', async () => {
    const store = open();
    const tenant = newTenant();
    const once = { tenant, ...by, applies: [aStream(tenant, 'a')], removes: [], idempotencyKey: `k-${tenant}` };
    const first = await store.change(once);
    await store.apply(aStream(tenant, 'a', { partitions: 9 }));
    expect(await store.change(once)).toEqual(first);
    expect(await store.change({ ...once, applies: [aStream(tenant, 'b')] })).toEqual({ kind: 'key-reused' });
    expect(await store.revisions(tenant, 'Stream', 'a')).toHaveLength(2);
  });
}
