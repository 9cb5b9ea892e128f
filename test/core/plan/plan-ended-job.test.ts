// The end of a job whose worker the runtime does not know: it is fenced, and given the time to hear of it.
import { describe, expect, test } from '@jest/globals';
import { localSettings } from '#core/graph/platform-settings.ts';
import { limits } from '#core/limits.ts';
import { freshControl } from '#core/plan/control.ts';
import { planEndedJob } from '#core/plan/plan-ended-job.ts';
import { planJob } from '#core/plan/plan-job.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import { aHeartbeat, aJobEntry, anObservedJob, aTask, theTime } from '#test/support/builders.ts';

/** Listings that are never late: what waits for them has a test of its own. */
const times = { leaseMs: 5_000, keptMs: 0, listingGraceMs: 0, declaredAt: null, goalSequence: 7 };
const entry = aJobEntry();
const job = entry.goal.id;

describe('a job that has ended', () => {
  const unlisted = aHeartbeat(entry, 1, { startedAt: theTime - 60_000 });
  const fenced = planEndedJob(job, anObservedJob({ heartbeats: [unlisted] }), times);

  test('has a worker that reports, and that the runtime does not list, declared dead', () => {
    expect(fenced.actions).toMatchObject([{ kind: 'fence-worker', worker: unlisted.worker }]);
    expect(fenced.control).toMatchObject({ fenced: { [unlisted.worker]: theTime } });
  });

  test('is cleared only when such a worker, which is not seen any more, must have heard of it', () => {
    const goneAt = theTime + limits.decisionMsMax + times.leaseMs;
    const at = (now: number) => planEndedJob(job, anObservedJob({ control: fenced.control, at: now }), times);
    expect(at(goneAt - 1)).toMatchObject({ actions: [], control: null, nextPassAt: goneAt });
    expect(at(goneAt)).toMatchObject({
      actions: [{ kind: 'clear-job' }],
      control: { announced: { clearing: 'decided' } },
    });
  });
});

test('a job is not cleared before a worker that nobody fenced must have lost its lease, though its clock is a lease off', () => {
  const { leaseMs } = times;
  const heartbeats = [aHeartbeat(entry, 1, { at: theTime - 2 * leaseMs })];
  const cleared = (at: number) =>
    planEndedJob(job, anObservedJob({ at, heartbeats }), times).actions.some(({ kind }) => kind === 'clear-job');
  expect([cleared(theTime), cleared(theTime + 1)]).toEqual([false, true]);
});

test('a job that is to go at once is cleared when no listing can show its workers any more, and told to be removed then', () => {
  const listed = { ...times, listingGraceMs: 5_000 };
  const ended = planEndedJob(job, anObservedJob(), listed);
  expect(ended).toMatchObject({ actions: [], events: [], control: { announced: { ended: String(theTime) } } });
  const at = (now: number, tasks: readonly ObservedTask[] = []) =>
    planEndedJob(job, anObservedJob({ at: now, control: ended.control, tasks }), listed);
  // An old listing: the task is told to end once more, and people are not.
  const old = at(theTime + 1, [aTask(entry, 1)]);
  expect(old).toMatchObject({ actions: [{ kind: 'stop-worker' }], events: [], control: null });
  expect(at(theTime + 4_999).actions).toEqual([]);
  expect(at(theTime + 5_000)).toMatchObject({ actions: [{ kind: 'clear-job' }], events: [{ reason: 'JobRemoved' }] });
});

test('a deletion that was taken back and made again, unseen by any pass, has its grace from the second time', () => {
  const keptMs = 60_000;
  const ended = planEndedJob(job, anObservedJob(), { ...times, keptMs }).control!;
  const at = theTime + keptMs;
  const again = { ...times, keptMs, declaredAt: theTime + 50_000 };
  expect(planEndedJob(job, anObservedJob({ at, control: ended }), again).actions).toEqual([]);
  const later = anObservedJob({ at: theTime + 50_000 + keptMs, control: ended });
  expect(planEndedJob(job, later, again).actions).toMatchObject([{ kind: 'clear-job' }]);
});

test('a job is not cleared while a worker that was asked for may have come to no listing yet', () => {
  const slot = { incarnation: 1, render: entry.render, startedAt: theTime - 1_000, failureCount: 0, nextStartAt: 0 };
  const asked = { ...freshControl(job, entry.goal.uid), slots: { 0: slot } };
  // Decided on then, it was asked for within what a pass may act on.
  const listedBy = theTime - 1_000 + limits.decisionMsMax + times.listingGraceMs;
  const at = (now: number) => planEndedJob(job, anObservedJob({ control: asked, at: now }), times);
  const waits = at(listedBy - 1);
  expect(waits).toMatchObject({ actions: [], settled: false, nextPassAt: listedBy });
  expect(waits.control?.announced).toMatchObject({ ending: 'begun' });
  expect(at(listedBy).actions).toMatchObject([{ kind: 'clear-job' }]);
  const stopped = anObservedJob({ control: asked, tasks: [aTask(entry, 1, { state: 'stopped' })] });
  expect(planEndedJob(job, stopped, times).actions).toMatchObject([{ kind: 'clear-job' }]);
});

test('a job that ends right after a worker of it was declared dead is cleared only when that one must have heard of it', () => {
  const slot = { incarnation: 1, render: entry.render, startedAt: theTime - 60_000, failureCount: 0, nextStartAt: 0 };
  const running = { ...freshControl(job, entry.goal.uid), slots: { 0: slot } };
  const tasks = [aTask(entry, 1, { state: 'stopped' })];
  const paused = { ...entry, paused: true };
  const { actions, control } = planJob(paused, anObservedJob({ control: running, tasks }), localSettings);
  expect(actions).toMatchObject([{ kind: 'fence-worker' }]);
  const at = (now: number) => planEndedJob(job, anObservedJob({ control, at: now }), times);
  const goneAt = theTime + limits.decisionMsMax + times.leaseMs;
  expect(at(goneAt - 1).actions).toEqual([]);
  expect(at(goneAt).actions).toMatchObject([{ kind: 'clear-job' }]);
});
