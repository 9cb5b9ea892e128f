// What every goal store must do with changes that want a certain revision, also when they are asked for again under their key.
import { expect, test } from '@jest/globals';
import type { ExpectedRevision, GoalStore } from '#core/ports/goal-store.ts';
import { aDelete, aStream, newTenant } from './goal-store.contract.ts';

export function conditionsContract(open: () => GoalStore): void {
  test('a change may want any revision, one of several, or what never holds', async () => {
    const store = open();
    const tenant = newTenant();
    const on = (expectedRevision: ExpectedRevision, x: number) =>
      store.apply({ ...aStream(tenant, 'a', { x }), expectedRevision });
    const conflict = (currentRevision: number) => ({ kind: 'conflict', currentRevision });
    expect(await on('any', 1)).toEqual(conflict(0));
    expect(await on([1, 2], 1)).toEqual(conflict(0));
    expect(await on(0, 1)).toMatchObject({ kind: 'created' });
    expect(await on('any', 2)).toMatchObject({ kind: 'changed', revision: { revision: 2 } });
    expect(await on([1, 2], 3)).toMatchObject({ kind: 'changed', revision: { revision: 3 } });
    expect(await on([1, 2], 4)).toEqual(conflict(3));
    expect(await on([], 4)).toEqual(conflict(3));
    expect(await store.remove({ ...aDelete(tenant, 'a'), expectedRevision: [1, 2] })).toEqual(conflict(3));
    expect(await store.remove({ ...aDelete(tenant, 'a'), expectedRevision: 'any' })).toMatchObject({ kind: 'deleted' });
    expect(await store.remove({ ...aDelete(tenant, 'a'), expectedRevision: 'any' })).toEqual(conflict(0));
  });

  test.each<ExpectedRevision>(['any', [1, 7]])(
    'a change that wants %j gives the same answer when it is asked for again, and so does a removal [fault 1]',
    async (expectedRevision) => {
      const store = open();
      const tenant = newTenant();
      await store.apply(aStream(tenant, 'a'));
      const request = { ...aStream(tenant, 'a', { x: 2 }), expectedRevision, idempotencyKey: 'k1' };
      const first = await store.apply(request);
      expect(first).toMatchObject({ kind: 'changed', revision: { revision: 2 } });
      expect(await store.apply(request)).toEqual(first);
      await store.apply(aStream(tenant, 'a', { x: 3 }));
      expect(await store.apply(request)).toEqual(first);
      expect(await store.revisions(tenant, 'Stream', 'a')).toHaveLength(3);
      const removal = { ...aDelete(tenant, 'a'), expectedRevision: 'any' as const, idempotencyKey: 'k2' };
      const removed = await store.remove(removal);
      expect(removed.kind).toBe('deleted');
      expect(await store.remove(removal)).toEqual(removed);
      expect(await store.apply({ ...request, expectedRevision: 1 })).toEqual({ kind: 'key-reused' });
    },
  );
}
