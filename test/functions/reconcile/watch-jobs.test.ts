// After a pass: figures once a minute, watches as they are declared; what fails there holds up nothing.
import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import type { JobEntry, PlatformGoal } from '#core/graph/platform-goal.ts';
import { freshControl } from '#core/plan/control.ts';
import type { Observed } from '#core/plan/observed.ts';
import { watchHash } from '#core/plan/plan-watches.ts';
import type { JobMeasure } from '#core/ports/job-measures.ts';
import type { JobWatch, JobWatches } from '#core/ports/job-watches.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { watchJobs } from '#functions/reconcile/watch-jobs.ts';
import { aHeartbeat, aJobEntry, aJobGoal, theTime } from '#test/support/builders.ts';

const watched = aJobEntry({ alerts: { lag: 300_000 } });
const silent = aJobEntry({ goal: aJobGoal({ id: 'default/quiet.out@u2', name: 'quiet.out', uid: 'u2' }) });
const paused = aJobEntry({ paused: true, goal: aJobGoal({ id: 'default/off.out@u3', name: 'off.out', uid: 'u3' }) });

const runningControl = ({ goal, render }: JobEntry) => ({
  ...freshControl(goal.id, goal.uid),
  slots: { '0': { incarnation: 1, render, startedAt: 0, failureCount: 0, nextStartAt: 0 } },
});

function rig(more: Partial<JobWatches> = {}) {
  const kept = new Map<string, JobWatch>();
  const measured: (readonly JobMeasure[])[] = [];
  let lists = 0;
  const watches: JobWatches = {
    list: async () => {
      lists++;
      return [...kept.values()].map((watch) => ({ tenant: watch.tenant, job: watch.job, hash: watchHash(watch) }));
    },
    put: async (watch) => void kept.set(watch.job, watch),
    remove: async (_, job) => void kept.delete(job),
    ...more,
  };
  const logger = createLogger({ level: 'error', fields: {} });
  const parts = { watches, measures: (measures: readonly JobMeasure[]) => measured.push(measures), logger };
  const watching = { lastAt: 0 };
  const pass = (jobs: PlatformGoal['jobs'], at = theTime, observed: Partial<Observed> = {}, keepMs?: number) => {
    const heartbeats = jobs.map((entry) => aHeartbeat(entry, 1, { freshnessMs: 7_000 }));
    const seen = {
      at,
      topics: [],
      tasks: [],
      heartbeats,
      controls: jobs.map(runningControl),
      ...{ splits: new Map(), earlier: new Map() },
      ...observed,
    };
    return watchJobs(
      { jobs, removed: [], unsupported: [] } as unknown as PlatformGoal,
      seen,
      parts as unknown as ReconcileParts,
      watching,
      keepMs,
    );
  };
  return { kept, measured, pass, listsAsked: () => lists };
}

test('every job that is to run is measured, and more is told of those that declare alerts', async () => {
  const { measured, pass } = rig();
  await pass([watched, silent, paused]);
  expect(measured[0]?.map(({ job, lagMs }) => [job, lagMs === null])).toEqual([
    ['plays.out', false],
    ['quiet.out', true],
  ]);
});

test.each([
  [2, null],
  [1, 0],
])(
  'of a worker with one split, at its end, and a source of %i partition(s), the lag is %j',
  async (partitions, lag) => {
    const { measured, pass } = rig();
    const topic = { topic: watched.goal.source.topic, topicId: 't', partitions, config: {}, own: [] };
    await pass([watched], theTime, { topics: [topic] });
    expect(measured).toMatchObject([[{ lagMs: lag }]]);
  },
);

test('once a minute, however many passes there are', async () => {
  const { measured, pass, listsAsked } = rig();
  for (const afterMs of [0, 1_000, 59_999, 60_000, 90_000]) await pass([watched], theTime + afterMs);
  expect([measured.length, listsAsked()]).toEqual([2, 2]);
});

test('each minute that has a pass has its figures, also where the pass comes a little sooner in it than the one before', async () => {
  const { measured, pass } = rig();
  const lateMs = [0, 900, 100, 700, 0, 1_000, 999, 1];
  for (const [minute, late] of lateMs.entries()) await pass([watched], theTime + minute * 60_000 + 20_000 + late);
  expect(measured).toHaveLength(lateMs.length);
});

test('a watch comes with the declaration and goes with it', async () => {
  const { kept, pass } = rig();
  await pass([watched, silent]);
  expect([...kept.keys()]).toEqual(['plays.out']);
  await pass([silent], theTime + 60_000);
  expect([...kept.keys()]).toEqual([]);
});

test('what cannot be observed has no figures, and watches that cannot be kept fail no pass [fault 31]', async () => {
  const refusing = async () => {
    throw new Error('cloudwatch cannot be reached');
  };
  const { measured, pass } = rig({ list: refusing });
  await pass([watched], theTime, { heartbeats: null });
  expect(measured).toEqual([[]]);
});

test('watches that are slow, or never come to an end, hold a pass up for so long at most; what is left is done in the next minute', async () => {
  const putting = Promise.withResolvers<void>();
  let isSlow = true;
  const { kept, pass } = rig({
    put: async (watch) => {
      if (isSlow) await putting.promise;
      kept.set(watch.job, watch);
    },
  });
  const other = aJobEntry({ ...watched, goal: aJobGoal({ id: 'default/next.out@u4', name: 'next.out', uid: 'u4' }) });
  await pass([watched, other], theTime, {}, 1);
  expect([...kept.keys()]).toEqual([]);
  putting.resolve();
  await setImmediate();
  expect([...kept.keys()]).toEqual(['plays.out']);
  isSlow = false;
  await pass([watched, other], theTime + 60_000);
  expect([...kept.keys()]).toEqual(['plays.out', 'next.out']);
});
