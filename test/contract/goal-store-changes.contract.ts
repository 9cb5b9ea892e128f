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
    const checkedAt = await store.changedSince(tenant, 0);
    const applies = [aStream(tenant, 'b'), aStream(tenant, 'No Name')];
    await expect(store.change({ tenant, ...by, applies, removes: [] })).rejects.toMatchObject({ code: 'name-invalid' });
    await store.apply(aStream(tenant, 'a', { partitions: 9 }));
    const late = { tenant, ...by, applies: [aStream(tenant, 'b')], removes: [], checkedAt };
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

export function freezeContract(open: () => GoalStore): void {
  const by = { author: 'ada', reason: 'a test' };
  const mine = async (store: GoalStore, tenant: string) => {
    const { freezes, approvals } = await store.snapshot();
    return {
      freezes: freezes.filter((freeze) => freeze.tenant === tenant),
      approvals: approvals.filter((approval) => approval.tenant === tenant),
    };
  };

  test('a freeze stands until it is lifted, and stays whose it is', async () => {
    const store = open();
    const tenant = newTenant();
    const place = { tenant, scope: 'team' as const, name: 'playback' };
    const made = await store.freeze({ ...place, ...by });
    expect(made).toMatchObject({ ...place, ...by, at: expect.any(Number) });
    expect(await store.freeze({ ...place, ...by, author: 'bob' })).toEqual(made);
    await store.freeze({ tenant, scope: 'fleet', name: '', ...by });
    expect((await mine(store, tenant)).freezes.map(({ scope }) => scope)).toEqual(['team', 'fleet']);
    expect(await store.unfreeze({ ...place, ...by })).toBe('lifted');
    expect(await store.unfreeze({ ...place, ...by })).toBe('absent');
    expect((await mine(store, tenant)).freezes.map(({ scope }) => scope)).toEqual(['fleet']);
  });

  test('what was approved is in the snapshot, with who agreed', async () => {
    const store = open();
    const tenant = newTenant();
    await store.approve({ tenant, jobs: ['a', 'b'], ...by });
    expect((await mine(store, tenant)).approvals).toEqual([{ tenant, jobs: ['a', 'b'], ...by }]);
  });

  test('a deleted name comes back as the life that it was until its removal is confirmed, then as another', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a'));
    const first = (await store.read(tenant, 'Stream', 'a'))!;
    const apply = { kind: 'Stream' as const, metadata: first.metadata, declared: first.declared!, revive: true };
    const revive = async (): Promise<string> => {
      await store.change({ tenant, ...by, applies: [apply], removes: [] });
      return (await store.read(tenant, 'Stream', 'a'))!.uid;
    };
    await store.remove({ tenant, kind: 'Stream', name: 'a', ...by });
    expect(await revive()).toBe(first.uid);
    const gone = await store.remove({ tenant, kind: 'Stream', name: 'a', ...by, purge: true });
    expect(gone).toMatchObject({ kind: 'deleted', revision: { purge: true, revision: 4 } });
    expect((await store.snapshot()).revisions.find((one) => one.tenant === tenant)).toMatchObject({ purge: true });
    await store.confirmRemoved(tenant, 'Stream', 'a', 4);
    expect(await revive()).not.toBe(first.uid);
  });
}

export function stateAtContract(open: () => GoalStore): void {
  test('what was declared at a time is read as it was then, whatever became of it since', async () => {
    const store = open();
    const tenant = newTenant();
    const named = async (at: number) =>
      (await store.stateAt(tenant, at)).map(({ kind, name, revision }) => [kind, name, revision]);
    await store.apply(aStream(tenant, 'a'));
    const first = (await store.read(tenant, 'Stream', 'a'))!;
    await nextMoment(store, first.at);
    await store.change({
      tenant,
      author: 'ada',
      reason: '',
      applies: [aStream(tenant, 'a', { x: 2 }), aRoute(tenant, 'r')],
      removes: [],
    });
    const second = (await store.read(tenant, 'Route', 'r'))!;
    await nextMoment(store, second.at);
    await store.remove({ tenant, kind: 'Stream', name: 'a', author: 'ada', reason: '' });
    const { at } = (await store.revisions(tenant, 'Stream', 'a'))[0]!;
    expect(await named(first.at - 1)).toEqual([]);
    expect(await named(first.at)).toEqual([['Stream', 'a', 1]]);
    expect(await named(second.at)).toEqual([
      ['Route', 'r', 1],
      ['Stream', 'a', 2],
    ]);
    expect(await named(at)).toEqual([['Route', 'r', 1]]);
    expect((await store.stateAt(tenant, second.at))[1]).toMatchObject({ declared: { x: 2 } });
    expect(await store.stateAt(newTenant(), at)).toEqual([]);
  });
}

/** A store that is restored from a backup comes to the same numbers again by another history. */
export function historyContract(open: () => GoalStore): void {
  test('a change that was checked before the store was restored is sent back, though the store is as far again', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a'));
    const { sequence, hash } = await store.changedSince(tenant, 0);
    const removal = { tenant, kind: 'Stream', name: 'a', author: 'ada', reason: '' } as const;
    const elsewhere = [
      { sequence: sequence + 1_000_000, hash },
      { sequence, hash: 'of another history' },
    ];
    for (const checkedAt of elsewhere) {
      const late = { ...aRoute(tenant, 'r'), checkedAt };
      expect(await store.apply(late)).toEqual({ kind: 'moved' });
      expect(await store.change({ ...late, applies: [late], removes: [] })).toEqual({ kind: 'moved' });
      expect(await store.remove({ ...removal, checkedAt })).toEqual({ kind: 'moved' });
    }
    const { revisions } = await store.changedSince(tenant, 0);
    expect(revisions).toMatchObject([{ name: 'a', revision: 1 }]);
  });

  test('what changed is told with the newest change of all and what stands in the place of the one that is known', async () => {
    const store = open();
    const tenant = newTenant();
    const made = await store.apply(aStream(tenant, 'a'));
    const first = await store.changedSince(tenant, 0);
    expect(made).toMatchObject({ head: { sequence: first.sequence, hash: first.hash } });
    expect([first.hash, first.hashThere]).toEqual([await store.hashAt(first.sequence), '']);
    await store.apply(aStream(newTenant(), 'elsewhere'));
    const next = await store.changedSince(tenant, first.sequence);
    expect(next).toMatchObject({ hashThere: first.hash, revisions: [] });
    const { sequence, hash } = await store.snapshot();
    expect([next.sequence, next.hash]).toEqual([sequence, hash]);
    expect(await store.changedSince(tenant, sequence + 1_000_000)).toMatchObject({ hashThere: '' });
  });
}

/** Until the store's clock, which counts in milliseconds, has moved on. */
async function nextMoment(store: GoalStore, after: number): Promise<void> {
  while ((await store.snapshot()).at <= after);
}
