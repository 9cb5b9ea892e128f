// What every keeper of watches must do: what is put is listed as it was put, whole; what is removed is gone; what is others' stays.
import { expect, test } from '@jest/globals';
import { watchHash } from '#core/plan/plan-watches.ts';
import type { JobWatch, JobWatches } from '#core/ports/job-watches.ts';

export function jobWatchesContract(open: () => JobWatches): void {
  let names = 0;
  const aWatch = (changes: Partial<JobWatch> = {}): JobWatch => ({
    ...{ tenant: 'default', job: `w${process.pid}-${++names}.out`, owner: 'playback' },
    ...{ alerts: { lag: 300_000, deadLetterRate: 0.01 } },
    ...changes,
  });
  const find = async (watches: JobWatches, { tenant, job }: JobWatch) =>
    (await watches.list()).filter((found) => found.tenant === tenant && found.job === job);

  test('what is put is listed with the hash of what was put', async () => {
    const [watches, watch] = [open(), aWatch()];
    expect(await find(watches, watch)).toEqual([]);
    await watches.put(watch);
    expect(await find(watches, watch)).toEqual([{ tenant: watch.tenant, job: watch.job, hash: watchHash(watch) }]);
  });

  test('put twice it is there once; put otherwise it is as it was put last, with fewer alerts as with more', async () => {
    const [watches, watch] = [open(), aWatch()];
    for (const alerts of [watch.alerts, watch.alerts, { lag: 60_000 }, { deadLetterRate: 0.5 }, watch.alerts]) {
      await watches.put({ ...watch, alerts });
      expect(await find(watches, watch)).toEqual([
        { tenant: watch.tenant, job: watch.job, hash: watchHash({ ...watch, alerts }) },
      ]);
    }
  });

  test('what is removed is gone, and removing it again is done already', async () => {
    const [watches, watch, other] = [open(), aWatch(), aWatch()];
    await watches.put(watch);
    await watches.put(other);
    await watches.remove(watch.tenant, watch.job);
    await watches.remove(watch.tenant, watch.job);
    expect(await find(watches, watch)).toEqual([]);
    expect(await find(watches, other)).toHaveLength(1);
    await watches.remove(other.tenant, other.job);
  });

  test('jobs of one name of two tenants, and jobs whose names begin alike, are each their own', async () => {
    const watches = open();
    const watch = aWatch();
    const others = [
      { ...watch, tenant: 'acme' },
      { ...watch, job: `${watch.job}2` },
    ];
    for (const each of [watch, ...others]) await watches.put(each);
    await watches.remove(watch.tenant, watch.job);
    for (const other of others) expect(await find(watches, other)).toHaveLength(1);
  });

  test('more than a page of them are all listed', async () => {
    const watches = open();
    const many = Array.from({ length: 60 }, () => aWatch());
    for (const watch of many) await watches.put(watch);
    const listed = new Set((await watches.list()).map(({ job }) => job));
    expect(many.filter(({ job }) => !listed.has(job))).toEqual([]);
  });
}
