// The autoscaler within a pass: what it leaves alone, what it remembers, and how the fleet's budget is shared.
import { describe, expect, test } from '@jest/globals';
import { planScaling } from '#core/autoscale/plan-scaling.ts';
import type { Traffic } from '#core/autoscale/traffic.ts';
import type { JobEntry, PlatformGoal } from '#core/graph/platform-goal.ts';
import { awsSettings } from '#core/graph/platform-settings.ts';
import { jobId } from '#core/names.ts';
import { freshControl } from '#core/plan/control.ts';
import type { Observed, ObservedJob } from '#core/plan/observed.ts';
import { planPass } from '#core/plan/plan-pass.ts';
import type { ControlRecord, ScaleRecord } from '#core/ports/control-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import { aHeartbeat, aJobEntry, aJobGoal, anObservedJob, aSplit, aTask, theTime } from '#test/support/builders.ts';

const overloaded: Traffic = {
  ...{ splits: 4, workers: 1, backlog: 400_000, backlogGrows: true, arrival: 3_500, peak: 3_500, peakWatchedMs: 0 },
  ...{ done: 1_000, isSaturated: true, capacity: 1_000, busy: 1, aloneShare: 0 },
};

/** Three workers that keep up with what arrives. */
const calm: Traffic = {
  ...overloaded,
  workers: 3,
  arrival: 2_100,
  peak: 2_100,
  done: 2_100,
  isSaturated: false,
  backlog: 0,
};

const jobOf = (name: string, changes: Partial<JobEntry> = {}): JobEntry =>
  aJobEntry({
    goal: aJobGoal({ id: jobId('default', name, 'u1'), name, settings: awsSettings.worker }),
    autoscale: { mode: 'on', min: 1, max: 4, drainMs: 300_000 },
    ...changes,
  });

/** Runs its workers, the newest of which started a minute and a half before it reported. */
function running(entry: JobEntry, changes: Partial<ControlRecord> = {}, traffic: Traffic = overloaded): ObservedJob {
  const { goal, render } = entry;
  const count = changes.scale?.workers ?? goal.resources.workers;
  const slots = Array.from({ length: count }, (_, slot) => slot);
  const startedAt = theTime - 7_200_000;
  return anObservedJob({
    traffic,
    tasks: slots.map((slot) => aTask(entry, slot + 1, { createdAt: startedAt }, slot)),
    heartbeats: slots.map((slot) =>
      aHeartbeat(entry, slot + 1, {
        slot,
        splits: [aSplit({ split: `playback-events/${slot}` })],
        startedAt: startedAt + 90_000,
      }),
    ),
    control: {
      ...{ ...freshControl(goal.id, goal.uid), version: 3, revisionActed: goal.revision, incarnationLast: count },
      good: { revision: goal.revision, render },
      slots: Object.fromEntries(
        slots.map((slot) => [
          slot,
          { incarnation: slot + 1, render, startedAt, failureCount: 0, nextStartAt: startedAt },
        ]),
      ),
      ...changes,
    },
  });
}

const stepOf = (entry: JobEntry, observed: ObservedJob) =>
  planScaling([[entry, observed]], awsSettings).get(entry.goal.id)!;
const chosen: ScaleRecord = {
  ...{ workers: 3, declared: 1, render: jobOf('plays.out').render, changes: [] },
  last: { at: theTime - 3_600_000, from: 1, to: 3, why: 'more came', done: 900, settledAt: theTime - 3_500_000 },
};

describe('a pass with the autoscaler on', () => {
  const entry = jobOf('plays.out');

  test('starts the workers that are lacking, and remembers and tells why', () => {
    const observed = running(entry);
    const goal = {
      jobs: [entry],
      replays: [],
      topics: [],
      removed: [],
      removedTopics: [],
      unsupported: [],
      approvals: [],
      freezes: [],
    };
    const world = { ...worldOf(observed), traffic: new Map([[entry.goal.id, overloaded]]) };
    const [decision] = planPass({ ...goal, sequence: 1, at: theTime } as PlatformGoal, world, awsSettings);
    expect(decision!.actions.map(({ kind }) => kind)).toEqual(['start-worker', 'start-worker', 'start-worker']);
    expect(Object.keys(decision!.control!.slots)).toEqual(['0', '1', '2', '3']);
    expect(decision!.control).toMatchObject({ version: 4, scale: { workers: 4, declared: 1, changes: [theTime] } });
    expect(decision!.events[0]).toMatchObject({ reason: 'WorkerStarted' });
    expect(decision!.events.find(({ reason }) => reason === 'ScaledUp')).toMatchObject({
      message: expect.stringMatching(/^4 workers instead of 1, 3 more: 3500 records\/s arrive/),
      evidence: { from: 1, to: 4, backlog: 400_000, restartMs: 90_000 },
    });
    const status = assessJob({
      entry,
      control: decision!.control,
      heartbeats: observed.heartbeats,
      splits: null,
      now: theTime,
    });
    expect(status.scale).toMatchObject({ workers: 4, declared: 1, by: 'autoscaler', since: theTime });
    expect(status.conditions.find(({ type }) => type === 'Scaled')).toMatchObject({
      status: 'true',
      reason: 'Autoscaled',
    });
    expect(status.phase).toBe('Deploying');
  });

  test('learns how long it took when all of them read', () => {
    const last = { ...chosen.last!, at: theTime - 80_000, settledAt: null };
    const { record } = stepOf(entry, running(entry, { scale: { ...chosen, last } }, { ...overloaded, workers: 3 }));
    expect(record).toMatchObject({ restartMs: 80_000, last: { settledAt: theTime } });
    expect(
      stepOf(entry, running(entry, { scale: { ...chosen, last } }, { ...overloaded, workers: 2 })).record,
    ).toMatchObject({
      last: { settledAt: null },
    });
  });

  test('learns nothing of a change that took longer than any start: it was paused meanwhile, or nobody looked', () => {
    const last = { ...chosen.last!, at: theTime - 86_400_000, settledAt: null };
    const learntBeside = (restartMs?: number) =>
      stepOf(
        entry,
        running(entry, { scale: { ...chosen, last, ...(restartMs === undefined ? {} : { restartMs }) } }, calm),
      ).record!;
    expect(learntBeside()).toMatchObject({ last: { settledAt: theTime } });
    expect(learntBeside()).not.toHaveProperty('restartMs');
    expect(learntBeside(70_000).restartMs).toBe(70_000);
  });

  test('goes by no more than a start can take, where more was learnt of a pause once', () => {
    const scale = { ...chosen, restartMs: 86_400_000 };
    const { events } = stepOf(entry, running(entry, { scale }, { ...overloaded, workers: 3, arrival: 9_000 }));
    const { startDeadlineMs, worker } = awsSettings;
    expect(events).toMatchObject([{ reason: 'ScaledUp', evidence: { restartMs: startDeadlineMs + worker.drainMs } }]);
  });

  const asked = { kind: 'restart', id: 'o1', sequence: 1 } as unknown as JobEntry['requested'][number];
  const frozen = {
    tenant: 'default',
    scope: 'job',
    name: 'plays.out',
    author: 'ann',
    reason: '',
    at: theTime,
  } as const;
  test.each<[string, Partial<JobEntry>, Partial<ControlRecord>]>([
    ['is paused', { paused: true }, {}],
    ['is frozen', { freeze: frozen }, {}],
    ['has an operation under way', { requested: [asked] }, {}],
    ['has a revision that has yet to get somewhere', {}, { good: { revision: 1, render: 'another' } }],
    ['was rolled back', {}, { failed: { revision: 1, render: entry.render, at: theTime, why: 'it fell over' } }],
    ['was left by a goal store that went back in time', {}, { announced: { frozen: 'older-goal-1' } }],
    ['has its positions set', {}, { rewindBegunAt: theTime }],
  ])('leaves a job alone that %s', (_, changes, control) => {
    const scale = { ...chosen };
    const step = stepOf({ ...entry, ...changes }, running(entry, { ...control, scale }));
    expect([step.record, step.events]).toEqual([scale, []]);
  });

  test('keeps what was chosen over a restart of the reconciler, and gives it up with another declared number or mode', () => {
    const scale = { ...chosen };
    expect(stepOf(entry, running(entry, { scale }, calm)).record).toBe(scale);
    const declared = { ...entry, goal: { ...entry.goal, resources: { ...entry.goal.resources, workers: 2 } } };
    expect(stepOf(declared, running(entry, { scale }, calm)).record).toBeUndefined();
    const advised = { ...entry, autoscale: { ...entry.autoscale, mode: 'advise' } as const };
    expect(stepOf(advised, running(entry, { scale }, calm)).record?.workers).toBeUndefined();
    const off = { ...entry, autoscale: { ...entry.autoscale, mode: 'off' } as const };
    expect(stepOf(off, running(entry, { scale }, calm)).record).toBeUndefined();
  });

  test('takes what runs for what was chosen where its memory is lost', () => {
    const { tasks, heartbeats } = running(entry, { scale: chosen });
    const step = stepOf(entry, anObservedJob({ tasks, heartbeats }));
    expect(step.record).toMatchObject({ workers: 3, declared: 1 });
  });

  test('changes so many jobs of the fleet at once as the budget allows: those that wait longest first, of each tenant in turn', () => {
    const names = Array.from({ length: 80 }, (_, index) => `r${index}.out`);
    const jobs = names.map((name, index) => {
      const tenant = index < 70 ? 'big' : 'small';
      const of = jobOf(name, { goal: { ...jobOf(name).goal, tenant } });
      return [of, running(of, {}, { ...overloaded, backlog: 400_000 + index })] as const;
    });
    const steps = planScaling(jobs, awsSettings);
    const changed = jobs
      .filter(([of]) => steps.get(of.goal.id)!.record?.workers !== undefined)
      .map(([{ goal }]) => goal);
    expect(changed).toHaveLength(awsSettings.autoscale.changesPerPass);
    expect(changed.filter(({ tenant }) => tenant === 'small')).toHaveLength(10);
    expect(changed.filter(({ tenant }) => tenant === 'big').map(({ name }) => name)).toEqual(names.slice(30, 70));
    const [held] = jobs.filter(([of]) => steps.get(of.goal.id)!.record?.workers === undefined);
    expect(steps.get(held![0].goal.id)).toMatchObject({
      record: { wish: { state: 'budget', to: 4 } },
      events: [{ reason: 'ScaleHeld', severity: 'warning' }],
    });
  });

  test('counts what was changed within the hour', () => {
    const spent = Array.from({ length: 50 }, (_, index) => theTime - index * 1_000);
    const busy = jobOf('busy.out');
    const jobs = [
      [busy, running(busy, { scale: { ...chosen, render: busy.render, changes: spent } }, calm)],
      [entry, running(entry)],
    ] as const;
    expect(planScaling(jobs, awsSettings).get(entry.goal.id)!.record?.wish?.state).toBe('budget');
  });
});

const worldOf = ({ at, tasks, heartbeats, control }: ObservedJob): Observed => ({
  ...{ at, tasks, heartbeats, controls: control === null ? [] : [control], topics: [] },
  ...{ earlier: new Map(), splits: new Map() },
});
