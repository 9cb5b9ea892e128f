// Observing: every part of the world read at once; what cannot be read is unknown, and says why.

import { messageOf } from '#core/errors.ts';
import type { PlatformGoal } from '#core/graph/compile-platform.ts';
import { topicSettings } from '#core/names.ts';
import type { Observed } from '#core/plan/observed.ts';
import { requestedRewind } from '#core/plan/plan-rewind.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';

export interface Observation {
  readonly observed: Observed;
  /** Parts that could not be read: `topics: kafka cannot be reached …`. */
  readonly failures: readonly string[];
}

/** Changes nothing. Reads do not wait for each other, and one that fails does not hide the rest. */
export async function observe(goal: PlatformGoal, parts: ReconcileParts): Promise<Observation> {
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
  const at = parts.clock.now();
  const names = [...goal.topics, ...goal.removedTopics].map((topic) => topic.topic);
  const [topics, tasks, heartbeats, controls, splits] = await Promise.all([
    attempt('topics', () => parts.broker.describe([...new Set(names)], topicSettings)),
    attempt('tasks', () => parts.tasks.list()),
    attempt('heartbeats', () => parts.workers.listHeartbeats()),
    attempt('controls', () => parts.controls.list()),
    readSplits(goal, parts, attempt),
  ]);
  return { observed: { at, topics, tasks, heartbeats, controls, splits }, failures };
}

type Attempt = <Value>(name: string, read: () => Promise<Value>) => Promise<Value | null>;

/** Few jobs are being rewound or replayed at any time; of all others a pass reads no split. */
async function readSplits(goal: PlatformGoal, parts: ReconcileParts, attempt: Attempt): Promise<Observed['splits']> {
  const found = await Promise.all(
    [...goal.jobs.filter((entry) => requestedRewind(entry) !== null), ...goal.replays].map(async ({ goal: { id } }) => {
      const records = await attempt(`splits of ${id}`, () => parts.splits.list(id));
      return records === null ? [] : ([[id, records]] as const);
    }),
  );
  return new Map(found.flat());
}
