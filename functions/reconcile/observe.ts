// Observing: every part of the world read at once; what cannot be read is unknown, and says why.

import { type Traffic, type TrafficTrace, watchTraffic } from '#core/autoscale/traffic.ts';
import { messageOf } from '#core/errors.ts';
import type { PlatformGoal } from '#core/graph/platform-goal.ts';
import { type BeatSightings, type ObserverTime, type SightedHeartbeat, sightBeats } from '#core/health/sight-beats.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { parseJobGoal } from '#core/job/parse-goal.ts';
import { objectKeys, topicSettings } from '#core/names.ts';
import { earlierRender } from '#core/plan/choose-goal.ts';
import type { EarlierGoal, Observed } from '#core/plan/observed.ts';
import { requestedRewind } from '#core/plan/plan-rewind.ts';
import { requestedSwitch } from '#core/plan/plan-switch.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';

export interface Observation {
  readonly observed: Observed;
  /** Parts that could not be read: `topics: kafka cannot be reached …`. */
  readonly failures: readonly string[];
}

/** Changes nothing. Reads do not wait for each other, and one that fails does not hide the rest. */
export async function observe(goal: PlatformGoal, parts: ReconcileParts, memory: BeatMemory): Promise<Observation> {
  const failures: string[] = [];
  const attempt = async <Value>(name: string, read: () => Promise<Value>): Promise<Value | null> => {
    try {
      return await read();
    } catch (error) {
      failures.push(`${name}: ${messageOf(error)}`);
      return null;
    }
  };
  // Taken before the reads: one that waits for a broker that is down must not make the heartbeats beside it look old.
  const { clock } = parts;
  const [at, monotonicMs] = [clock.now(), clock.monotonicMs()];
  let tookMs = 0;
  const names = [...goal.topics, ...goal.removedTopics].map((topic) => topic.topic);
  const [topics, tasks, heartbeats, [controls, earlier], splits] = await Promise.all([
    attempt('topics', () => parts.broker.describe([...new Set(names)], topicSettings)),
    attempt('tasks', () => parts.tasks.list()),
    attempt('heartbeats', async () => {
      const heartbeats = await parts.workers.listHeartbeats();
      tookMs = clock.monotonicMs() - monotonicMs;
      return heartbeats;
    }),
    attempt('controls', () => parts.controls.list()).then(
      async (controls) => [controls, await readEarlierGoals(goal, controls ?? [], parts, attempt)] as const,
    ),
    readSplits(goal, parts, attempt),
  ]);
  const sighted =
    heartbeats === null
      ? null
      : sight(heartbeats, { at, monotonicMs, tookMs, leaseMs: parts.settings.worker.leaseMs }, memory);
  const traffic = sighted === null ? new Map() : watch(goal, sighted, at, parts, memory);
  return { observed: { at, topics, tasks, heartbeats: sighted, controls, earlier, splits, traffic }, failures };
}

/** Kept by a reconciler from pass to pass: when it saw whose counter move. Losing it costs a lease's length of watching. */
export interface BeatMemory {
  sightings: BeatSightings;
  /** When it looked last, by its monotonic clock; absent before the first pass. */
  lookedMs?: number;
  /** By job, what its traffic was; absent before the first pass. */
  traces?: ReadonlyMap<string, TrafficTrace>;
}

function sight(
  heartbeats: readonly Heartbeat[],
  time: Omit<ObserverTime, 'lookedMs'>,
  memory: BeatMemory,
): readonly SightedHeartbeat[] {
  const sighted = sightBeats(heartbeats, memory.sightings, { ...time, lookedMs: memory.lookedMs });
  memory.sightings = sighted.sightings;
  memory.lookedMs = time.monotonicMs;
  return sighted.heartbeats;
}

/** Of jobs that are not to be scaled nothing needs to be known. */
function watch(
  goal: PlatformGoal,
  heartbeats: readonly SightedHeartbeat[],
  at: number,
  { settings }: ReconcileParts,
  memory: BeatMemory,
): ReadonlyMap<string, Traffic> {
  const heartbeatsOf = Map.groupBy(heartbeats, ({ job }) => job);
  const traces = new Map<string, TrafficTrace>();
  const seen = new Map<string, Traffic>();
  for (const { goal: job, autoscale } of goal.jobs) {
    if (autoscale.mode === 'off') continue;
    const before = memory.traces?.get(job.id);
    const look = { at, worker: job.settings, settings: settings.autoscale };
    const { trace, traffic } = watchTraffic(heartbeatsOf.get(job.id) ?? [], before, look);
    if (trace !== undefined) traces.set(job.id, trace);
    if (traffic !== null) seen.set(job.id, traffic);
  }
  memory.traces = traces;
  return seen;
}

type Attempt = <Value>(name: string, read: () => Promise<Value>) => Promise<Value | null>;

/** Few jobs go by an earlier goal at any time. */
async function readEarlierGoals(
  goal: PlatformGoal,
  controls: readonly ControlRecord[],
  parts: ReconcileParts,
  attempt: Attempt,
): Promise<Observed['earlier']> {
  const controlOf = new Map(controls.map((control) => [control.job, control]));
  const found = await Promise.all(
    goal.jobs.map(async (entry) => {
      const { id } = entry.goal;
      const render = earlierRender(entry, controlOf.get(id) ?? null);
      if (render === null) return [];
      const key = objectKeys.goalOfRender(id, render);
      const answer = await attempt(`goal of ${id}`, async () => ({ bytes: await parts.objects.get(key) }));
      if (answer === null) return [[id, 'unknown']] as const;
      const read = answer.bytes === null ? null : parseJobGoal(answer.bytes);
      return read?.ok ? ([[id, read.value]] as const) : [];
    }),
  );
  return new Map<string, EarlierGoal>(found.flat());
}

/** Few jobs are being rewound or replayed at any time; of all others a pass reads no split. */
async function readSplits(goal: PlatformGoal, parts: ReconcileParts, attempt: Attempt): Promise<Observed['splits']> {
  const found = await Promise.all(
    [
      ...goal.jobs.filter((entry) => requestedRewind(entry) !== null || requestedSwitch(entry) !== null),
      ...goal.replays,
    ].map(async ({ goal: { id } }) => {
      const records = await attempt(`splits of ${id}`, () => parts.splits.list(id));
      return records === null ? [] : ([[id, records]] as const);
    }),
  );
  return new Map(found.flat());
}
