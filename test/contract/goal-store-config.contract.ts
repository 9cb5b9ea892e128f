// What every goal store must do with settings made beside the declarations.
import { expect, test } from '@jest/globals';
import type { ConfigRequest, GoalStore } from '#core/ports/goal-store.ts';
import { until } from '#test/support/until.ts';
import { aRoute, newTenant } from './goal-store.contract.ts';

export function configContract(open: () => GoalStore): void {
  const ofJob = { scope: 'job', subject: 'plays.out', uid: 'u1' } as const;
  const wish = (tenant: string, changes: Partial<ConfigRequest> = {}): ConfigRequest =>
    ({
      ...{ tenant, scope: 'team', subject: 'playback', key: 'worker.drain', value: '5s' },
      ...{ author: 'ada', reason: 'a test', expiresInMs: null, ...changes },
    }) as ConfigRequest;
  const holding = async (store: GoalStore, tenant: string) =>
    (await store.snapshot()).config.filter((entry) => entry.tenant === tenant);

  test('a setting holds from when it was made: the newest of a key, of each team and each life of a job', async () => {
    const store = open();
    const tenant = newTenant();
    const { sequence } = await store.snapshot();
    const first = await store.setConfig(wish(tenant));
    expect(first).toMatchObject({ scope: 'team', subject: 'playback', value: '5s', expiresAt: null, author: 'ada' });
    expect((await store.snapshot()).sequence).toBeGreaterThan(sequence);
    await store.setConfig(wish(tenant, { value: '7s' }));
    await store.setConfig(wish(tenant, { ...ofJob, value: 9 }));
    await store.setConfig(wish(tenant, { ...ofJob, uid: 'u2', value: 10 }));
    const values = (await holding(store, tenant)).map((entry) => [entry.scope === 'job' ? entry.uid : '', entry.value]);
    expect(values.sort()).toEqual([
      ['', '7s'],
      ['u1', 9],
      ['u2', 10],
    ]);
    expect(await holding(store, newTenant())).toEqual([]);
  });

  test('a setting that is cleared or whose time is over holds no longer, and stays in the history', async () => {
    const store = open();
    const tenant = newTenant();
    const short = await store.setConfig(wish(tenant, { ...ofJob, expiresInMs: 100 }));
    expect(short.expiresAt).toBe(short.at + 100);
    await store.setConfig(wish(tenant));
    await store.setConfig(wish(tenant, { value: null, reason: 'not needed' }));
    await until(async () => ((await holding(store, tenant)).length === 0 ? true : null), 'both to be over');
    const history = await store.configHistory(tenant, { scope: 'team', subject: 'playback' });
    expect(history.map(({ value, reason }) => [value, reason])).toEqual([
      [null, 'not needed'],
      ['5s', 'a test'],
    ]);
    expect(await store.configHistory(tenant, ofJob)).toEqual([short]);
  });

  test('what decides how some jobs run is what is over them, and nothing that is over others only', async () => {
    const store = open();
    const tenant = newTenant();
    const by = { tenant, author: 'ada', reason: '' };
    const outcome = await store.apply(aRoute(tenant, 'plays'));
    const { uid } = 'revision' in outcome ? outcome.revision : { uid: '' };
    for (const job of ['plays.out', 'plays.lake']) {
      await store.requestOperation({ ...by, job, uid, kind: 'pause' });
      await store.setConfig(wish(tenant, { ...ofJob, subject: job, uid, value: 9 }));
      await store.freeze({ ...by, scope: 'job', name: job });
    }
    await store.setConfig(wish(tenant));
    await store.freeze({ ...by, scope: 'fleet', name: '' });
    const { operations, freezes, config } = await store.circumstances(tenant);
    expect([operations.length, freezes.length, config.length]).toEqual([2, 3, 3]);
    expect(await store.circumstances(tenant, ['plays.out', 'other.out'])).toEqual({
      operations: operations.filter(({ job }) => job === 'plays.out'),
      freezes: freezes.filter(({ name }) => name !== 'plays.lake'),
      config: config.filter(({ subject }) => subject !== 'plays.lake'),
    });
    const snapshot = await store.snapshot();
    expect(operations).toEqual(snapshot.operations.filter((one) => one.tenant === tenant));
    expect(freezes).toEqual(snapshot.freezes.filter((one) => one.tenant === tenant));
    expect(config).toEqual(snapshot.config.filter((one) => one.tenant === tenant));
  });

  test('a setting is told in the events of its job or team', async () => {
    const store = open();
    const tenant = newTenant();
    await store.setConfig(wish(tenant, { ...ofJob, expiresInMs: 60_000 }));
    const { items } = await store.listEvents(tenant, 'job/plays.out', { limit: 5 });
    expect(items).toMatchObject([{ reason: 'ConfigSet', evidence: { key: 'worker.drain', value: '5s' } }]);
    expect(items[0]!.message).toMatch(/^ada set worker.drain to 5s until .*: a test\.$/);
  });
}
