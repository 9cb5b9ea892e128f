// What is done about a job whose workers report and which ails all the same: on evidence that lasts, one worker, within the budget.
import { describe, expect, test } from '@jest/globals';
import type { PlatformGoal } from '#core/graph/platform-goal.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { jobId } from '#core/names.ts';
import type { Decision } from '#core/plan/action.ts';
import type { Observed, ObservedJob } from '#core/plan/observed.ts';
import { isFleetWide, needsCorrection } from '#core/plan/plan-health.ts';
import { planJob } from '#core/plan/plan-job.ts';
import { planPass } from '#core/plan/plan-pass.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import { aHeartbeat, aJobEntry, aJobGoal, anObservedJob, aSplit, aTask, theTime } from '#test/support/builders.ts';

const nothing: PlatformGoal = {
  ...{ sequence: 1, at: theTime, freezes: [], approvals: [], topics: [], jobs: [], replays: [] },
  ...{ removedTopics: [], removed: [], unsupported: [] },
};

const entry = aJobEntry({
  goal: aJobGoal({ resources: { workers: 2, cpu: 0.25, memoryMiB: 512 }, settings: localSettings.worker }),
  restartBudget: { count: 2, perMs: 3_600_000 },
});
const source = entry.goal.source.topic;
const minute = 60_000;
const split = (partition: number, at: number) =>
  aSplit({ split: `playback-events/${partition}`, seenAt: at, movedAt: at });

/** Of slot 0, which leads, and slot 1: alive for ten minutes, as of `at`. */
function beats(at: number, changes: readonly [Partial<Heartbeat>, Partial<Heartbeat>]): readonly Heartbeat[] {
  return changes.map((change, slot) =>
    aHeartbeat(entry, slot + 1, {
      ...{ slot, at, startedAt: at - 10 * minute, leader: slot === 0, lookedAt: at, splits: [split(slot, at)] },
      ...(slot === 0 ? { leadingSince: at - 10 * minute, lastCheckpoint: { sequence: 1, at } } : {}),
      ...change,
    }),
  );
}

const tasks = [aTask(entry, 1), aTask(entry, 2, {}, 1)];

const plan = (observed: ObservedJob, fleetWide = false): Decision =>
  planJob(entry, observed, localSettings, entry, fleetWide);

function observedAt(at: number, control: ControlRecord | null, heartbeats: readonly Heartbeat[]): ObservedJob {
  return anObservedJob({ at, control, tasks, heartbeats, partitions: new Map([[source, 2]]) });
}

/** Both workers run, and nothing ails them. */
const sound: ControlRecord = (() => {
  const started = plan(anObservedJob({ at: theTime - 10 * minute })).control!;
  return plan(observedAt(theTime, started, beats(theTime, [{}, {}]))).control!;
})();

const stopped = (decision: Decision): readonly string[] =>
  decision.actions.flatMap((action) => (action.kind === 'stop-worker' ? [action.taskId] : []));

const statusAt = (at: number, control: ControlRecord, heartbeats: readonly Heartbeat[]) =>
  assessJob({ entry, control, heartbeats, splits: null, now: at });

const conditionOf = (type: string, ...facts: Parameters<typeof statusAt>) =>
  statusAt(...facts).conditions.find((one) => one.type === type);

describe('a leader that beats and has not looked at the splits for longer than a job may stand still', () => {
  const hung = beats(theTime, [{ lookedAt: theTime - 2 * minute }, {}]);

  test('is told to end, with the evidence, and is the only one', () => {
    const decision = plan(observedAt(theTime, sound, hung));
    expect(stopped(decision)).toEqual(['task-1']);
    expect(decision.events).toMatchObject([
      { reason: 'LeaderStalled', severity: 'warning', evidence: { leader: true, handled: 'replaced' } },
    ]);
    expect(decision.control?.health).toMatchObject({ corrections: { incarnation: 1, at: [theTime] } });
    expect(conditionOf('Led', theTime, decision.control!, hung)).toMatchObject({
      status: 'false',
      reason: 'LeaderStalled',
    });
  });

  test('is asked again while it runs on, which is neither told nor counted again', () => {
    const earlier = { render: entry.render, at: [theTime - 9 * minute], incarnation: 0 };
    const { control } = plan(observedAt(theTime, { ...sound, health: { corrections: earlier } }, hung));
    const again = plan(
      observedAt(theTime + 1_000, control, beats(theTime + 1_000, [{ lookedAt: theTime - 2 * minute }, {}])),
    );
    expect(stopped(again)).toEqual(['task-1']);
    expect(again).toMatchObject({ control: null, events: [] });
    expect(control?.health?.corrections?.at).toHaveLength(2);
  });

  test('is left alone for a shorter time, while it is young, and where older workers do not say', () => {
    const young = beats(theTime, [{ lookedAt: theTime - 80_000 }, { startedAt: theTime - 5_000 }]);
    for (const ok of [beats(theTime, [{ lookedAt: theTime - 80_000 }, {}]), young])
      expect(stopped(plan(observedAt(theTime, sound, ok)))).toEqual([]);
    const { lookedAt: _unsaid, ...older } = hung[0]!;
    expect(stopped(plan(observedAt(theTime, sound, [older, hung[1]!])))).toEqual([]);
  });

  test('is left alone where it says that its stores refuse, which is told once', () => {
    const errors = [{ at: theTime - 1_000, code: 'worker-store-failed', message: 'no answer', count: 9 }];
    const refused = beats(theTime, [{ lookedAt: theTime - 2 * minute, errors }, {}]);
    const decision = plan(observedAt(theTime, sound, refused));
    expect(stopped(decision)).toEqual([]);
    expect(decision.events).toMatchObject([{ reason: 'LeaderStalled', evidence: { handled: 'outside' } }]);
    expect(plan(observedAt(theTime, decision.control, refused)).events).toEqual([]);
  });

  test('is left alone where too many jobs show the like at once', () => {
    const decision = plan(observedAt(theTime, sound, hung), true);
    expect(stopped(decision)).toEqual([]);
    expect(decision.events).toMatchObject([{ reason: 'LeaderStalled', evidence: { handled: 'fleet-wide' } }]);
    expect(needsCorrection(entry, observedAt(theTime, sound, hung), localSettings.listingGraceMs)).toBe(true);
    expect([isFleetWide(6, 20, { jobsMin: 5, share: 0.1 }), isFleetWide(6, 60, { jobsMin: 5, share: 0.1 })]).toEqual([
      true,
      false,
    ]);
  });

  test('is left as it runs once the budget is spent, with an error; the job is quarantined until the span is over', () => {
    const at = [theTime - 50 * minute, theTime - 20 * minute];
    const spent = { ...sound, health: { corrections: { render: entry.render, at, incarnation: 0 } } };
    const decision = plan(observedAt(theTime, spent, hung));
    expect(stopped(decision)).toEqual([]);
    expect(decision.events).toMatchObject([{ reason: 'CorrectionsSpent', severity: 'error' }]);
    expect(statusAt(theTime, decision.control!, hung)).toMatchObject({ phase: 'Quarantined' });
    const later = theTime + 11 * minute;
    const still = beats(later, [{ lookedAt: theTime - 2 * minute }, {}]);
    expect(stopped(plan(observedAt(later, decision.control, still)))).toEqual(['task-1']);
  });
});

test.each([
  [5, 5],
  [7, 0],
])(
  'of %i jobs whose leaders hang at once, %i have theirs replaced: what so many show has a cause outside',
  (count, replaced) => {
    const hung = beats(theTime, [{ lookedAt: theTime - 2 * minute }, {}]);
    const jobs = Array.from({ length: count }, (_, index) => {
      const goal = { ...entry.goal, id: jobId('default', `plays-${index}.out`, 'u1'), name: `plays-${index}.out` };
      return { ...entry, goal };
    });
    const of = <Thing extends { readonly job: string }>(things: readonly Thing[]): readonly Thing[] =>
      jobs.flatMap(({ goal }) => things.map((thing) => ({ ...thing, job: goal.id })));
    const observed: Observed = {
      ...{ at: theTime, topics: [], earlier: new Map(), splits: new Map() },
      ...{ tasks: of(tasks), heartbeats: of(hung), controls: of([sound]) },
    };
    const decisions = planPass({ ...nothing, jobs }, observed, localSettings);
    expect(decisions.filter((decision) => stopped(decision).length > 0)).toHaveLength(replaced);
  },
);

test('a follower that beats and takes no part is the one that is told to end', () => {
  const decision = plan(observedAt(theTime, sound, beats(theTime, [{}, { lookedAt: theTime - 2 * minute }])));
  expect(stopped(decision)).toEqual(['task-2']);
  expect(decision.events).toMatchObject([{ reason: 'WorkerStalled' }]);
});

describe.each([
  ['a split that nobody holds', [{}, { splits: [] }] as const],
  [
    'a worker without a split beside one with several',
    [{ splits: [split(0, theTime), split(1, theTime)] }, { splits: [] }] as const,
  ],
])('%s, though all workers report', (_what, changes) => {
  const begun = plan(observedAt(theTime, sound, beats(theTime, changes)));

  test('is no evidence at once', () => {
    expect(stopped(begun)).toEqual([]);
    expect(begun.control?.health).toEqual({ unsharedSince: theTime });
    expect(begun.events).toEqual([]);
  });

  test('is forgotten when it passes: a blink', () => {
    const over = plan(observedAt(theTime + 5_000, begun.control, beats(theTime + 5_000, [{}, {}])));
    expect(over.control?.health).toBeUndefined();
  });

  test('tells against the leader when it lasts', () => {
    const later = theTime + 2 * minute;
    const decision = plan(observedAt(later, begun.control, beats(later, changes)));
    expect(stopped(decision)).toEqual(['task-1']);
    expect(decision.events).toMatchObject([{ reason: 'LeaderStalled', evidence: { of: 2 } }]);
  });
});

describe('a leader that takes no checkpoint although positions move', () => {
  const allowedMs = 3 * localSettings.worker.checkpointMs + localSettings.worker.leaseMs;
  const aged = (ageMs: number, change: Partial<Heartbeat> = {}) =>
    beats(theTime, [{ lastCheckpoint: { sequence: 4, at: theTime - ageMs }, ...change }, {}]);

  test('is told to end when the newest is twice as old as it may be; before that its status says so', () => {
    const soon = plan(observedAt(theTime, sound, aged(allowedMs + 1_000)));
    expect(stopped(soon)).toEqual([]);
    expect(conditionOf('CheckpointFresh', theTime, sound, aged(allowedMs + 1_000))).toMatchObject({ reason: 'Stale' });
    const decision = plan(observedAt(theTime, sound, aged(2 * allowedMs + 1_000)));
    expect(stopped(decision)).toEqual(['task-1']);
    expect(decision.events).toMatchObject([{ reason: 'CheckpointStale', evidence: { sequence: 4, allowedMs } }]);
  });

  test('is left alone while the bucket refuses it: no restart cures that', () => {
    const errors = [{ at: theTime - 9_000, code: 'checkpoint-failed', message: 's3 cannot be reached', count: 7 }];
    const decision = plan(observedAt(theTime, sound, aged(2 * allowedMs + 1_000, { errors })));
    expect(stopped(decision)).toEqual([]);
    expect(decision.events).toMatchObject([
      { reason: 'CheckpointStale', message: expect.stringContaining('s3 cannot') },
    ]);
  });

  test('has the time since it leads: what was not taken before is not its doing', () => {
    const fresh = aged(2 * allowedMs + 1_000, { leadingSince: theTime - 1_000 });
    expect(plan(observedAt(theTime, sound, fresh)).events).toEqual([]);
    expect(conditionOf('CheckpointFresh', theTime, sound, fresh)).toMatchObject({ status: 'true' });
  });

  test('has nothing to answer for where nothing has moved', () => {
    const idle = beats(theTime, [{ lastCheckpoint: { sequence: 4, at: theTime - 9 * minute } }, {}]).map((one) => ({
      ...one,
      splits: one.splits.map((each) => ({ ...each, movedAt: theTime - 9 * minute })),
    }));
    expect(plan(observedAt(theTime, sound, idle)).events).toEqual([]);
  });
});

describe('a worker that reports and that the runtime does not know', () => {
  const unknown = (at: number, control: ControlRecord | null) => ({
    ...observedAt(at, control, beats(at, [{}, {}])),
    tasks: [tasks[1]!],
  });
  const begun = plan(unknown(theTime, sound));

  test('is noted, and forgotten when the listing shows it again: a blink', () => {
    expect(begun).toMatchObject({ actions: [], events: [], settled: false });
    expect(conditionOf('RuntimeAgrees', theTime, begun.control!, beats(theTime, [{}, {}]))).toMatchObject({
      reason: 'Unlisted',
    });
    const over = plan(observedAt(theTime + 1_000, begun.control, beats(theTime + 1_000, [{}, {}])));
    expect(over.control?.slots['0']).not.toHaveProperty('unlistedSince');
  });

  test('is fenced and replaced when it lasts, with what each of the two says', () => {
    const decision = plan(unknown(theTime + 6_000, begun.control));
    expect(decision.actions.map(({ kind }) => kind)).toEqual(['fence-worker', 'start-worker']);
    expect(decision.events).toMatchObject([{ reason: 'WorkerUnlisted', evidence: { runtime: 'unknown', splits: 1 } }]);
  });

  test('is left alone where too many jobs show the like: a listing that is wrong stops nobody', () => {
    expect(plan(unknown(theTime + 6_000, begun.control), true).actions).toEqual([]);
    expect(needsCorrection(entry, unknown(theTime + 6_000, begun.control), localSettings.listingGraceMs)).toBe(true);
  });

  test('is fenced as well where the job is paused, or has no place for it', () => {
    const paused = { ...entry, paused: true };
    const noted = planJob(paused, unknown(theTime, sound), localSettings).control;
    const decision = planJob(paused, unknown(theTime + 6_000, noted), localSettings);
    expect(decision.actions.filter(({ kind }) => kind === 'fence-worker')).toHaveLength(1);
    const { 0: _gone, ...slots } = sound.slots;
    const one = { ...entry, goal: { ...entry.goal, resources: { ...entry.goal.resources, workers: 1 } } };
    const stray = planJob({ ...one }, unknown(theTime, { ...sound, slots }), localSettings);
    expect(stray.actions).toContainEqual(expect.objectContaining({ kind: 'fence-worker' }));
  });
});

describe('a worker that the runtime runs and that has been silent for longer than its lease', () => {
  const cutOff = (at: number, control: ControlRecord) =>
    observedAt(
      at,
      control,
      beats(at, [{ at: at - 6_000, accounting: { ...beats(at, [{}, {}])[0]!.accounting, in: 5 } }, {}]),
    );

  test('is fenced, stopped and replaced, with what each of the two says', () => {
    const decision = plan(cutOff(theTime, sound));
    expect(decision.actions.map(({ kind }) => kind)).toEqual(['fence-worker', 'stop-worker', 'start-worker']);
    expect(decision.events).toMatchObject([
      { reason: 'WorkerSilent', evidence: { runtime: 'running', task: 'task-1', lastBeatAt: theTime - 6_000 } },
    ]);
  });

  const often = (count: number, at = theTime - minute): ControlRecord => ({
    ...sound,
    slots: { ...sound.slots, 0: { ...sound.slots['0']!, drifts: Array.from({ length: count }, () => at) } },
  });

  test('waits longer each time once its budget is spent, however far each of its workers got', () => {
    expect(plan(cutOff(theTime, often(1))).actions.map(({ kind }) => kind)).toContain('start-worker');
    const waits = plan(cutOff(theTime, often(5)));
    expect(waits.actions.map(({ kind }) => kind)).toEqual(['fence-worker', 'stop-worker']);
    expect(waits.nextPassAt).toBe(theTime + 8_000);
    expect(waits.events).toMatchObject([{ reason: 'WorkerSilent', severity: 'error' }]);
  });

  test('is replaced at once where that was long ago, whatever it ends of, and nothing of it is kept', () => {
    const longAgo = often(5, theTime - entry.restartBudget.perMs);
    const { accounting } = beats(theTime, [{}, {}])[0]!;
    const died = {
      ...observedAt(theTime, longAgo, beats(theTime, [{ accounting: { ...accounting, in: 5 } }, {}])),
      tasks: [aTask(entry, 1, { state: 'stopped', exitCode: 137, stoppedAt: theTime }), tasks[1]!],
    };
    const decision = plan(died);
    expect(decision.actions.map(({ kind }) => kind)).toEqual(['fence-worker', 'start-worker']);
    expect(decision.control?.slots['0']).not.toHaveProperty('drifts');
    expect(plan(cutOff(theTime, longAgo)).control?.slots['0']).toMatchObject({ drifts: [theTime] });
  });
});

test('a job that runs the last good revision is judged by the source of that one, not of the newest', () => {
  const other = { ...entry.goal.source, topic: 'other-events' };
  const newest = aJobEntry({ goal: { ...entry.goal, revision: 2, source: other }, render: 'newest' });
  const goal = { ...nothing, jobs: [newest] };
  const why = { revision: 2, render: 'newest', at: theTime - minute, why: 'it got nowhere' };
  const control = { ...sound, failed: why, good: { revision: 1, render: entry.render } };
  const topic = { topicId: 't', config: {}, defaults: {}, own: [] };
  const topics = [
    { ...topic, topic: source, partitions: 2 },
    { ...topic, topic: 'other-events', partitions: 5 },
  ];
  const observed: Observed = {
    ...{ at: theTime, topics, tasks, heartbeats: beats(theTime, [{}, {}]), controls: [control] },
    ...{ earlier: new Map([[entry.goal.id, entry.goal]]), splits: new Map() },
  };
  const [decision] = planPass(goal, observed, localSettings);
  expect(decision?.actions).toEqual([]);
  expect(decision?.control?.health).toBeUndefined();
});
