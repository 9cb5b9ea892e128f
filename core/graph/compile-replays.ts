// A replay of dead letters runs as a job of its own beside the one it is of: same program, same sink, its source the dead letters.

import type { RoutePlanner } from '#core/expression/index.ts';
import type { JobEntry, ReplayEntry } from '#core/graph/platform-goal.ts';
import { contentHash } from '#core/hash.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { liveHash, withoutLive } from '#core/job/live-settings.ts';
import { jobId, replayUid } from '#core/names.ts';
import { type ErrorPolicy, endlessPatience, type Patience, type RecordErrorAction } from '#core/spec/error-policy.ts';

/** One a replay that is asked for and not finished; when it is, its entry is gone, and what ran for it ends as any ended job does. */
export function compileReplays(entry: JobEntry, plan: RoutePlanner): readonly ReplayEntry[] {
  return entry.requested
    .filter((operation): operation is ReplayEntry['operation'] => operation.plan?.kind === 'replay')
    .flatMap((operation) => {
      const goal = replayGoal(entry.goal, operation, plan);
      return goal === null
        ? []
        : [
            {
              ...entry,
              goal,
              operation,
              restartSequence: 0,
              requested: [],
              render: renderOf(goal),
              live: liveHash(goal),
            },
          ];
    });
}

/** A new revision of the route replaces the replay's worker: what is left goes through the newest. */
function renderOf({ revision: _revision, owner: _owner, ...shaping }: JobGoal): string {
  return contentHash({ shaping: withoutLive(shaping) });
}

function replayGoal(goal: JobGoal, operation: ReplayEntry['operation'], plan: RoutePlanner): JobGoal | null {
  const uid = replayUid(goal.uid, operation.sequence);
  const { filter, topicId, ends, recordsPerSecond } = operation.plan;
  const where = filter.where === undefined ? null : plan({ where: filter.where }, null, { validate: 'read' });
  // It compiled when it was asked for.
  if (where !== null && !where.ok) return null;
  return {
    ...goal,
    id: jobId(goal.tenant, goal.name, uid),
    uid,
    source: {
      ...goal.source,
      ...{ stream: goal.deadLetterTopic, topic: goal.deadLetterTopic, start: { kind: 'earliest' } },
    },
    resources: { ...goal.resources, workers: 1 },
    errors: replayErrors(goal.errors),
    // Small steps, so that the rate is kept within a second.
    settings: { ...goal.settings, fetchBytesMax: Math.min(goal.settings.fetchBytesMax, replayFetchBytesMax) },
    replay: {
      errorClass: filter.errorClass ?? null,
      errorCode: filter.errorCode ?? null,
      where: where === null ? null : where.value,
      ...(topicId === undefined ? {} : { topicId }),
      ends: Object.fromEntries(ends.map(({ partition, end }) => [partition, Number(end)])),
      recordsPerSecond,
    },
  };
}

function replayErrors(errors: ErrorPolicy): ErrorPolicy {
  const { poison, schema, retryable, throttled } = errors;
  const unstopped = (patience: Patience): Patience => (patience.endsIn === 'stop' ? endlessPatience : patience);
  return {
    ...{ ...errors, poison: setAside(poison), schema: setAside(schema) },
    ...{ retryable: unstopped(retryable), throttled: unstopped(throttled) },
  };
}

/** A replay stops at no record: one that fails again is a dead letter again. */
const setAside = (action: RecordErrorAction): RecordErrorAction => (action === 'stop' ? 'dead-letter' : action);

const replayFetchBytesMax = 64 * 1024;
