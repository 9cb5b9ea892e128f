// What every goal store must do, whatever it is built on.
import { expect, test } from '@jest/globals';
import { limits } from '#core/limits.ts';
import type { RewindPlan } from '#core/operations/rewind.ts';
import type { ApplyRequest, GoalStore, OperationKind, PlatformEvent } from '#core/ports/goal-store.ts';
import type { Json } from '#core/spec/json.ts';

let tenantCount = 0;
/** Each test works in a tenant of its own, so that they share one store. */
export const newTenant = (): string => `tenant-${process.pid}-${++tenantCount}`;

export const aStream = (tenant: string, name: string, declared: Json = { partitions: 2 }): ApplyRequest => ({
  tenant,
  kind: 'Stream',
  metadata: { name, owner: 'team', labels: {} },
  declared,
  author: 'ada',
  reason: 'a test',
});
export const aRoute = (tenant: string, name: string, declared: Json = { from: 'a' }): ApplyRequest => ({
  ...aStream(tenant, name, declared),
  kind: 'Route',
});
const anEvent = (tenant: string, message: string, subject = 'job/a.b'): PlatformEvent => ({
  tenant,
  subject,
  at: 1_700_000_000_000,
  severity: 'info',
  reason: 'WorkerStarted',
  message,
});

export function goalStoreContract(open: () => GoalStore): void {
  declarationsContract(open);
  removalContract(open);
  concurrencyContract(open);
  idempotencyContract(open);
  operationsContract(open);
  eventsContract(open);
}

function declarationsContract(open: () => GoalStore): void {
  test('an applied declaration is read back as it was written, with who, when and why', async () => {
    const store = open();
    const tenant = newTenant();
    const declared = { zeta: 1, alpha: { two: '\u0000\ud83d\ude00', one: [1, 2.5, null, true] } };
    const outcome = await store.apply({ ...aStream(tenant, 'a', declared), reason: 'because' });
    expect(outcome).toMatchObject({ kind: 'created', revision: { revision: 1, author: 'ada', reason: 'because' } });
    const read = await store.read(tenant, 'Stream', 'a');
    expect(read).toMatchObject({ tenant, kind: 'Stream', name: 'a', declared, revision: 1 });
    expect(Object.keys(read?.declared as object)).toEqual(['zeta', 'alpha']);
    expect(read?.uid).toMatch(/^[A-Za-z0-9-]+$/);
  });

  test('applying what is declared already writes nothing, whatever the order of its keys', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a', { x: 1, y: { p: 1, q: 2 } }));
    const again = await store.apply(aStream(tenant, 'a', { y: { q: 2, p: 1 }, x: 1 }));
    expect(again).toMatchObject({ kind: 'unchanged', revision: { revision: 1 } });
    expect(await store.revisions(tenant, 'Stream', 'a')).toHaveLength(1);
  });

  test('a change of spec or labels is a new revision of the same life', async () => {
    const store = open();
    const tenant = newTenant();
    const first = await store.apply(aStream(tenant, 'a', { x: 1 }));
    const second = await store.apply(aStream(tenant, 'a', { x: 2 }));
    const third = await store.apply({
      ...aStream(tenant, 'a', { x: 2 }),
      metadata: { name: 'a', owner: 'team', labels: { tier: '1' } },
    });
    expect(second).toMatchObject({ kind: 'changed', revision: { revision: 2 } });
    expect(third).toMatchObject({ kind: 'changed', revision: { revision: 3, metadata: { labels: { tier: '1' } } } });
    if (first.kind !== 'created' || third.kind !== 'changed') throw new Error('unreachable');
    expect(third.revision.uid).toBe(first.revision.uid);
    const history = await store.revisions(tenant, 'Stream', 'a');
    expect(history.map((revision) => [revision.revision, revision.declared])).toEqual([
      [3, { x: 2 }],
      [2, { x: 2 }],
      [1, { x: 1 }],
    ]);
  });

  test('kinds and tenants do not see each other', async () => {
    const store = open();
    const [one, two] = [newTenant(), newTenant()];
    await store.apply(aStream(one, 'a'));
    expect(await store.read(one, 'Route', 'a')).toBeNull();
    expect(await store.read(two, 'Stream', 'a')).toBeNull();
    expect((await store.list(two, 'Stream', { limit: 10 })).items).toEqual([]);
    expect((await store.changedSince(two, 0)).revisions).toEqual([]);
    await store.freeze({ tenant: one, scope: 'job', name: 'a.out', author: 'ann', reason: '' });
    expect((await store.circumstances(one)).freezes).toMatchObject([{ name: 'a.out' }]);
    expect(await store.circumstances(two)).toEqual({ operations: [], freezes: [], config: [] });
    expect(await store.remove({ ...aDelete(two, 'a') })).toEqual({ kind: 'absent' });
  });

  test('a list comes in pages, by name, each name once', async () => {
    const store = open();
    const tenant = newTenant();
    for (const name of ['b', 'a-1', 'a', 'a10', 'c']) await store.apply(aStream(tenant, name));
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list(tenant, 'Stream', { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.items.length).toBeLessThanOrEqual(2);
      names.push(...page.items.map((item) => item.name));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(names).toEqual(['a', 'a-1', 'a10', 'b', 'c']);
  });

  test.each(["a'; DROP TABLE heads; --", 'a" b', '../a', 'a%00', 'A', '', 'a--b', 'ä', 'a'.repeat(41)])(
    'the name %j is refused',
    async (name) => {
      const store = open();
      const tenant = newTenant();
      await expect(store.apply(aStream(tenant, name))).rejects.toMatchObject({ code: 'name-invalid', fault: 'user' });
      expect(await store.read(tenant, 'Stream', name)).toBeNull();
      expect(await store.revisions(tenant, 'Stream', name)).toEqual([]);
    },
  );

  test('what people write is data, never SQL', async () => {
    const store = open();
    const tenant = newTenant();
    const nasty = `'; DELETE FROM revisions; -- \\ " $1 \u2028`;
    await store.apply({ ...aStream(tenant, 'a', { description: nasty }), author: nasty, reason: nasty });
    const read = await store.read(tenant, 'Stream', 'a');
    expect(read).toMatchObject({ declared: { description: nasty }, author: nasty, reason: nasty });
  });
}

export const aDelete = (tenant: string, name: string) => ({
  ...{ tenant, kind: 'Stream' as const, name, author: 'ada', reason: 'gone' },
});

function removalContract(open: () => GoalStore): void {
  test('a deleted name is gone from reads, and its history stays', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a'));
    expect(await store.remove(aDelete(tenant, 'a'))).toMatchObject({
      kind: 'deleted',
      revision: { revision: 2, declared: null, reason: 'gone' },
    });
    expect(await store.read(tenant, 'Stream', 'a')).toBeNull();
    expect((await store.list(tenant, 'Stream', { limit: 10 })).items).toEqual([]);
    expect((await store.revisions(tenant, 'Stream', 'a')).map((revision) => revision.revision)).toEqual([2, 1]);
    expect(await store.remove(aDelete(tenant, 'a'))).toEqual({ kind: 'absent' });
  });

  test('a name declared again is another life, and its revisions go on counting [fault 13]', async () => {
    const store = open();
    const tenant = newTenant();
    const first = await store.apply(aStream(tenant, 'a'));
    await store.remove(aDelete(tenant, 'a'));
    const second = await store.apply(aStream(tenant, 'a'));
    expect(second).toMatchObject({ kind: 'created', revision: { revision: 3 } });
    if (first.kind !== 'created' || second.kind !== 'created') throw new Error('unreachable');
    expect(second.revision.uid).not.toBe(first.revision.uid);
  });

  test('each change has a hash that stays its own, and no other change has it', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aRoute(tenant, 'r'));
    const { sequence } = await store.snapshot();
    const first = await store.hashAt(sequence);
    await store.freeze({ tenant, scope: 'fleet', name: '', author: 'ann', reason: '' });
    const after = (await store.snapshot()).sequence;
    expect([typeof first, await store.hashAt(sequence)]).toEqual(['string', first]);
    expect(await store.hashAt(after)).not.toBe(first);
    expect([await store.hashAt(0), await store.hashAt(after + 1_000)]).toEqual([null, null]);
  });

  test('a snapshot holds a deleted name until its clean-up is confirmed', async () => {
    const store = open();
    const tenant = newTenant();
    const mine = async () => (await store.snapshot()).revisions.filter((revision) => revision.tenant === tenant);
    await store.apply(aStream(tenant, 'a'));
    await store.apply(aStream(tenant, 'b'));
    await store.remove(aDelete(tenant, 'a'));
    expect((await mine()).map((revision) => [revision.name, revision.declared === null])).toEqual([
      ['b', false],
      ['a', true],
    ]);
    await store.confirmRemoved(tenant, 'Stream', 'a', 1);
    expect(await mine()).toHaveLength(2);
    await store.confirmRemoved(tenant, 'Stream', 'b', 1);
    expect(await mine()).toHaveLength(2);
    await store.confirmRemoved(tenant, 'Stream', 'a', 2);
    expect((await mine()).map((revision) => revision.name)).toEqual(['b']);
    await store.apply(aStream(tenant, 'a'));
    await store.confirmRemoved(tenant, 'Stream', 'a', 2);
    expect((await mine()).map((revision) => revision.name)).toEqual(['b', 'a']);
  });

  test('what changed since a sequence number is found by it, deletions included', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a'));
    await store.apply(aStream(tenant, 'b'));
    const first = await store.changedSince(tenant, 0);
    expect(first.revisions.map((revision) => revision.name)).toEqual(['a', 'b']);
    expect((await store.changedSince(tenant, first.sequence)).revisions).toEqual([]);
    await store.remove(aDelete(tenant, 'a'));
    const next = await store.changedSince(tenant, first.sequence);
    expect(next.revisions).toMatchObject([{ name: 'a', declared: null }]);
    expect(next.sequence).toBeGreaterThan(first.sequence);
  });
}

function concurrencyContract(open: () => GoalStore): void {
  test('a change on a stale revision is refused with the current one', async () => {
    const store = open();
    const tenant = newTenant();
    const conflict = (currentRevision: number) => ({ kind: 'conflict', currentRevision });
    expect(await store.apply({ ...aStream(tenant, 'a'), expectedRevision: 3 })).toEqual(conflict(0));
    await store.apply({ ...aStream(tenant, 'a'), expectedRevision: 0 });
    expect(await store.apply({ ...aStream(tenant, 'a', { x: 2 }), expectedRevision: 0 })).toEqual(conflict(1));
    expect(await store.apply({ ...aStream(tenant, 'a'), expectedRevision: 0 })).toEqual(conflict(1));
    await store.apply({ ...aStream(tenant, 'a', { x: 2 }), expectedRevision: 1 });
    expect(await store.apply({ ...aStream(tenant, 'a', { x: 3 }), expectedRevision: 1 })).toEqual(conflict(2));
    expect(await store.remove({ ...aDelete(tenant, 'a'), expectedRevision: 1 })).toEqual(conflict(2));
    await store.remove({ ...aDelete(tenant, 'a'), expectedRevision: 2 });
    expect(await store.apply({ ...aStream(tenant, 'a'), expectedRevision: 3 })).toEqual(conflict(0));
    expect(await store.remove({ ...aDelete(tenant, 'a'), expectedRevision: 3 })).toEqual(conflict(0));
    expect(await store.apply({ ...aStream(tenant, 'a'), expectedRevision: 0 })).toMatchObject({ kind: 'created' });
  });

  test('of changes that race on one revision exactly one wins [fault 2]', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a', { x: 0 }));
    const racing = Array.from({ length: 8 }, (_, index) =>
      store.apply({ ...aStream(tenant, 'a', { x: index + 1 }), expectedRevision: 1 }),
    );
    const outcomes = await Promise.all(racing);
    expect(outcomes.filter((outcome) => outcome.kind === 'changed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.kind === 'conflict')).toHaveLength(7);
    expect(await store.revisions(tenant, 'Stream', 'a')).toHaveLength(2);
  });

  test('changes without a condition are one after the other, each a revision', async () => {
    const store = open();
    const tenant = newTenant();
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => store.apply(aStream(tenant, `s${index % 3}`, { x: index }))),
    );
    for (const name of ['s0', 's1', 's2'])
      expect((await store.revisions(tenant, 'Stream', name)).map((revision) => revision.revision)).toEqual([
        4, 3, 2, 1,
      ]);
  });

  test('of equal creations that race one creates and the others change nothing', async () => {
    const store = open();
    const tenant = newTenant();
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => store.apply(aStream(tenant, 'a'))));
    expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(['created', ...Array(5).fill('unchanged')]);
  });

  test('a change that was checked before another tenant-mate changed something is sent back', async () => {
    const store = open();
    const tenant = newTenant();
    const { sequence, hash } = await store.changedSince(tenant, 0);
    const checkedAt = { sequence, hash };
    await store.apply(aStream(newTenant(), 'elsewhere'));
    expect(await store.apply({ ...aStream(tenant, 'a'), checkedAt })).toMatchObject({ kind: 'created' });
    expect(await store.apply({ ...aRoute(tenant, 'r'), checkedAt })).toEqual({ kind: 'moved' });
    expect(await store.remove({ ...aDelete(tenant, 'a'), checkedAt })).toEqual({ kind: 'moved' });
    const later = await store.changedSince(tenant, sequence);
    expect(await store.apply({ ...aRoute(tenant, 'r'), checkedAt: later })).toMatchObject({ kind: 'created' });
  });
}

function idempotencyContract(open: () => GoalStore): void {
  test('a change whose answer was lost gives the same answer when it is asked for again [fault 1]', async () => {
    const store = open();
    const tenant = newTenant();
    const request = { ...aStream(tenant, 'a'), expectedRevision: 0, idempotencyKey: 'k1' };
    const first = await store.apply(request);
    await store.apply(aStream(tenant, 'a', { later: true }));
    expect(await store.apply(request)).toEqual(first);
    expect(await store.revisions(tenant, 'Stream', 'a')).toHaveLength(2);
    const removal = { ...aDelete(tenant, 'a'), idempotencyKey: 'k2' };
    const removed = await store.remove(removal);
    expect(removed.kind).toBe('deleted');
    expect(await store.remove(removal)).toEqual(removed);
  });

  test('a key that was used for another request is refused', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply({ ...aStream(tenant, 'a'), idempotencyKey: 'k' });
    expect(await store.apply({ ...aStream(tenant, 'b'), idempotencyKey: 'k' })).toEqual({ kind: 'key-reused' });
    expect(await store.remove({ ...aDelete(tenant, 'a'), idempotencyKey: 'k' })).toEqual({ kind: 'key-reused' });
    expect(await store.read(tenant, 'Stream', 'b')).toBeNull();
    expect(await store.apply({ ...aStream(newTenant(), 'b'), idempotencyKey: 'k' })).toMatchObject({ kind: 'created' });
  });

  test('requests with one key that race are carried out once', async () => {
    const store = open();
    const tenant = newTenant();
    const request = { ...aStream(tenant, 'a'), expectedRevision: 0, idempotencyKey: 'k' };
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => store.apply(request)));
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
    expect(outcomes[0]?.kind).toBe('created');
  });

  test('a key whose request was sent back may be used again', async () => {
    const store = open();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a'));
    const request = { ...aStream(tenant, 'b'), idempotencyKey: 'k' };
    expect(await store.apply({ ...request, checkedAt: { sequence: 0, hash: '' } })).toEqual({ kind: 'moved' });
    expect(await store.apply(request)).toMatchObject({ kind: 'created' });
  });
}

function operationsContract(open: () => GoalStore): void {
  const asked = (tenant: string, uid: string, kind: OperationKind, job = 'r.out') => ({
    ...{ tenant, job, uid, kind, author: 'ada', reason: 'a test' },
  });
  const routeOf = async (store: GoalStore, tenant: string): Promise<string> => {
    const outcome = await store.apply(aRoute(tenant, 'r'));
    return outcome.kind === 'created' ? outcome.revision.uid : '';
  };
  const request = async (store: GoalStore, operation: Parameters<GoalStore['requestOperation']>[0]) => {
    const outcome = await store.requestOperation(operation);
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    return outcome.operation;
  };

  test('an operation is asked for, carried out once, and keeps its receipt', async () => {
    const store = open();
    const tenant = newTenant();
    const operation = await request(store, asked(tenant, await routeOf(store, tenant), 'pause'));
    expect(operation).toMatchObject({ state: 'requested', job: 'r.out', kind: 'pause', author: 'ada' });
    await store.finishOperation(tenant, operation.id, { state: 'succeeded', outcome: 'paused in 2 s' });
    await store.finishOperation(tenant, operation.id, { state: 'superseded', outcome: 'too late' });
    const receipt = await store.readOperation(tenant, operation.id);
    expect(receipt).toMatchObject({ state: 'succeeded', outcome: 'paused in 2 s' });
    expect(receipt?.finishedAt).toBeGreaterThanOrEqual(operation.requestedAt);
    expect(await store.readOperation(newTenant(), operation.id)).toBeNull();
    expect(await store.readOperation(tenant, "x' OR '1'='1")).toBeNull();
  });

  test('the same idempotency key gives the same operation; for another request it is a conflict', async () => {
    const store = open();
    const tenant = newTenant();
    const uid = await routeOf(store, tenant);
    const keyed = { ...asked(tenant, uid, 'restart'), idempotencyKey: 'k' };
    const [first, second] = await Promise.all([request(store, keyed), request(store, keyed)]);
    expect(second.id).toBe(first.id);
    expect(await store.requestOperation({ ...asked(tenant, uid, 'pause'), idempotencyKey: 'k' })).toEqual({
      kind: 'conflict',
    });
    expect(await store.listOperations(tenant, 'r.out')).toHaveLength(1);
  });

  const plan: RewindPlan = {
    ...{ kind: 'rewind', to: 'earliest', records: 5, duplicates: { absorbed: false, why: 'a test' } },
    splits: [{ split: 'plays/0', topicId: 't', from: '5', to: '0', records: 5 }],
  };

  test('an operation keeps the plan it was asked with, and the receipt it ended with; both are told as events, once [fault 32]', async () => {
    const store = open();
    const tenant = newTenant();
    const wish = { ...asked(tenant, await routeOf(store, tenant), 'rewind'), plan, asked: { to: 'earliest' } };
    const keyed = { ...wish, idempotencyKey: 'k' };
    expect(await store.repeatedOperation(keyed)).toBeNull();
    const operation = await request(store, keyed);
    expect(operation.plan).toEqual(plan);
    // What was planned anew for a repeated request counts for nothing.
    expect((await request(store, { ...keyed, plan: { ...plan, records: 9 } })).plan).toEqual(plan);
    expect(await store.repeatedOperation(keyed)).toEqual(operation);
    expect(await store.repeatedOperation({ ...keyed, asked: { to: '3' } })).toBeNull();
    expect(await store.requestOperation({ ...keyed, asked: { to: '3' } })).toEqual({ kind: 'conflict' });
    const { splits, records, duplicates } = plan;
    const receipt = {
      kind: 'rewind',
      splits: splits.map(({ split, from, to }) => ({ split, from, to })),
      records,
      duplicates,
      tookMs: 4,
    } as const;
    const ending = { state: 'failed', outcome: 'the topic is gone', receipt } as const;
    await store.finishOperation(tenant, operation.id, ending);
    await store.finishOperation(tenant, operation.id, { state: 'succeeded', outcome: 'late' });
    expect(await store.readOperation(tenant, operation.id)).toMatchObject(ending);
    const { items } = await store.listEvents(tenant, 'job/r.out', { limit: 10 });
    expect(items).toMatchObject([
      {
        reason: 'RewindFailed',
        severity: 'warning',
        message: 'the topic is gone',
        evidence: { records: 5, tookMs: 4 },
      },
      { reason: 'RewindRequested', message: 'ada asked for a rewind: a test.', evidence: { to: 'earliest' } },
    ]);
  });

  test('a rewind decides while it is asked for and no longer, and hides no pause', async () => {
    const store = open();
    const tenant = newTenant();
    const uid = await routeOf(store, tenant);
    const pause = await request(store, asked(tenant, uid, 'pause'));
    const rewind = await request(store, { ...asked(tenant, uid, 'rewind'), plan });
    const deciding = async () => (await store.snapshot()).operations.filter((one) => one.tenant === tenant);
    await store.finishOperation(tenant, pause.id, { state: 'succeeded', outcome: 'done' });
    expect(await deciding()).toMatchObject([{ id: pause.id }, { id: rewind.id, plan }]);
    await store.finishOperation(tenant, rewind.id, { state: 'succeeded', outcome: 'done' });
    expect(await deciding()).toMatchObject([{ id: pause.id }]);
  });

  test('a snapshot holds what still decides: the newest of each sort, and all that is asked for', async () => {
    const store = open();
    const tenant = newTenant();
    const uid = await routeOf(store, tenant);
    const ids: Record<string, string> = {};
    for (const [name, kind] of Object.entries({
      pause1: 'pause',
      restart1: 'restart',
      resume1: 'resume',
      restart2: 'restart',
    } as const))
      ids[name] = (await request(store, asked(tenant, uid, kind))).id;
    const deciding = async () => {
      const { operations } = await store.snapshot();
      return operations.filter((operation) => operation.tenant === tenant).map((operation) => operation.id);
    };
    expect(await deciding()).toHaveLength(4);
    for (const id of Object.values(ids))
      await store.finishOperation(tenant, id, { state: 'succeeded', outcome: 'done' });
    expect(await deciding()).toEqual([ids['resume1'], ids['restart2']]);
    const sequences = (await store.listOperations(tenant, 'r.out')).map((operation) => operation.sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => b - a));
    expect((await store.snapshot()).sequence).toBeGreaterThanOrEqual(sequences[0] ?? 0);
    await store.remove({ ...aDelete(tenant, 'r'), kind: 'Route' });
    await store.apply(aRoute(tenant, 'r'));
    expect(await deciding()).toEqual([]);
  });
}

function eventsContract(open: () => GoalStore): void {
  test('events are listed newest first, in pages, by subject', async () => {
    const store = open();
    const tenant = newTenant();
    await store.appendEvents([]);
    await store.appendEvents([
      { ...anEvent(tenant, 'one'), evidence: { lag: 3, of: ['a'] } },
      anEvent(tenant, 'other', 'stream/a'),
      anEvent(tenant, 'two'),
    ]);
    await store.appendEvents([anEvent(tenant, 'three\0')]);
    const first = await store.listEvents(tenant, 'job/a.b', { limit: 2 });
    expect(first.items.map((event) => event.message.slice(0, 5))).toEqual(['three', 'two']);
    const second = await store.listEvents(tenant, 'job/a.b', { limit: 2, cursor: first.cursor! });
    expect(second).toEqual({ items: [{ ...anEvent(tenant, 'one'), evidence: { lag: 3, of: ['a'] } }] });
    expect((await store.listEvents(newTenant(), 'job/a.b', { limit: 2 })).items).toEqual([]);
  });

  test('of a subject the newest events are kept', async () => {
    const store = open();
    const tenant = newTenant();
    const many = Array.from({ length: limits.eventsKeptPerSubject + 100 }, (_, index) => anEvent(tenant, `e${index}`));
    await store.appendEvents([anEvent(tenant, 'kept', 'stream/quiet'), ...many]);
    const all = await store.listEvents(tenant, 'job/a.b', { limit: 10_000 });
    expect(all.items).toHaveLength(limits.eventsKeptPerSubject);
    expect(all.items[0]?.message).toBe(`e${many.length - 1}`);
    expect((await store.listEvents(tenant, 'stream/quiet', { limit: 10 })).items).toHaveLength(1);
  });
}
