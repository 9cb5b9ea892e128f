// Builders of domain values for tests: complete and valid; a test names only what it is about.

import type { RouteProgram } from '#core/expression/index.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { contentHash } from '#core/hash.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { Heartbeat, SplitHeartbeat } from '#core/job/heartbeat.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { liveHash } from '#core/job/live-settings.ts';
import { jobId, taskTags, workerName } from '#core/names.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import type { Delivery } from '#core/spec/delivery.ts';
import type { ErrorPolicy } from '#core/spec/error-policy.ts';
import type { PathReport } from '#workers/path-messages.ts';

export const theTime = 1_800_000_000_000;

export const aDelivery: Delivery = { guarantee: 'at-least-once', lossBudget: null, ordering: 'per-key' };

export const anErrorPolicy: ErrorPolicy = {
  poison: 'dead-letter',
  schema: 'dead-letter',
  retryable: { giveUpAfterMs: null, endsIn: 'stop' },
  throttled: { giveUpAfterMs: null, endsIn: 'stop' },
  auth: 'retry',
  deadLetterRateMax: null,
};

export function aJobGoal(changes: Partial<JobGoal> = {}): JobGoal {
  return {
    formatVersion: 1,
    id: jobId('default', 'plays.out', 'u1'),
    tenant: 'default',
    name: 'plays.out',
    route: 'plays',
    uid: 'u1',
    revision: 1,
    owner: 'playback',
    source: { stream: 'playback-events', topic: 'playback-events', start: { kind: 'earliest' } },
    program: { identity: true } as unknown as RouteProgram,
    eventTime: null,
    sink: { kind: 'stream', stream: 'plays', topic: 'plays', keyed: false },
    deadLetterTopic: '__dlq.plays.out',
    delivery: aDelivery,
    errors: anErrorPolicy,
    throttle: null,
    resources: { workers: 1, cpu: 0.25, memoryMiB: 512 },
    stalledAfterMs: 90_000,
    settings: localSettings.worker,
    ...changes,
  };
}

export function aJobEntry(changes: Partial<JobEntry> = {}): JobEntry {
  const goal = changes.goal ?? aJobGoal();
  return {
    ...{ goal, declaredAt: theTime, paused: false, restartSequence: 0, alerts: {}, requested: [], freeze: null },
    ...{ onRedeploy: 'fewer-duplicates', progressWithinMs: 60_000, upstreamSilentMs: null },
    restartBudget: { count: 5, perMs: 3_600_000 },
    autoscale: { mode: 'off', min: 1, max: 8, drainMs: 300_000 },
    ...{ render: contentHash({ goal }), live: liveHash(goal) },
    ...changes,
  };
}

export function aTask(
  entry: JobEntry,
  incarnation: number,
  changes: Partial<ObservedTask> = {},
  slot = 0,
): ObservedTask {
  return {
    taskId: `task-${incarnation}`,
    job: entry.goal.id,
    tags: {
      [taskTags.incarnation]: String(incarnation),
      [taskTags.slot]: String(slot),
      [taskTags.render]: entry.render,
    },
    state: 'running',
    createdAt: theTime - 60_000,
    ...changes,
  };
}

export const aSplit = (changes: Partial<SplitHeartbeat> = {}): SplitHeartbeat => ({
  split: 'playback-events/0',
  epoch: 1,
  position: '10',
  endPosition: '10',
  lagRecords: 0,
  movedAt: theTime,
  seenAt: theTime,
  ...changes,
});

export function aHeartbeat(entry: JobEntry, incarnation: number, changes: Partial<Heartbeat> = {}): Heartbeat {
  const slot = changes.slot ?? 0;
  return {
    job: entry.goal.id,
    uid: entry.goal.uid,
    worker: workerName(entry.goal.id, incarnation, slot),
    incarnation,
    slot,
    revision: entry.goal.revision,
    render: entry.render,
    state: 'running',
    beat: 7,
    at: theTime - 500,
    startedAt: theTime - 60_000,
    pid: 4242,
    leader: true,
    splits: [aSplit()],
    accounting: noRecords,
    mismatches: 0,
    inPerSecond: 0,
    outPerSecond: 0,
    busyRatio: 0,
    rssMiB: 90,
    freshnessMs: null,
    lastCheckpoint: { sequence: 1, at: theTime - 1_000 },
    errors: [],
    ...changes,
  };
}

export const anObservedJob = (changes: Partial<ObservedJob> = {}): ObservedJob => ({
  at: theTime,
  tasks: [],
  heartbeats: [],
  control: null,
  earlier: null,
  splits: null,
  ...changes,
});

/** Of a data path that has nothing to tell. */
export const aPathReport = (changes: Partial<PathReport> = {}): PathReport => ({
  ...{ splits: [], isRefused: false, newestAt: null, mismatchCount: 0, gathering: null, errors: [] },
  usage: { idle: 1, active: 0, utilization: 0 },
  ...changes,
});
