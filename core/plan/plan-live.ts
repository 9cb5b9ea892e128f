// Live settings: running workers that go by older ones are given the newest, and it is told once all of them go by it.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { liveOf, storedLive } from '#core/job/live-settings.ts';
import type { Action } from '#core/plan/action.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { type JobScope, scopeEvent } from '#core/plan/slot-scope.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';

/** The workers that stay: those of the goal as it shapes their process. Others are replaced, and start with the newest. */
const staying = ({ goal, render }: JobEntry, { at, heartbeats }: ObservedJob) =>
  heartbeats.filter(
    (heartbeat) =>
      heartbeat.render === render && heartbeat.state !== 'draining' && at - heartbeat.at <= goal.settings.leaseMs,
  );

export function planLive(
  scope: JobScope,
  after: ControlRecord,
): { readonly actions: readonly Action[]; readonly events: readonly PlatformEvent[]; readonly settled: boolean } {
  const { entry, observed } = scope;
  const { goal } = entry;
  const before = observed.control?.announced['live'];
  const isTold = before !== undefined && before !== after.announced['live'];
  const events = isTold
    ? [scopeEvent(scope, 'info', 'SettingsTaken', 'All workers go by the new settings.', liveOf(goal))]
    : [];
  const wanted = entry.live;
  // A worker of an older release says nothing of it: it is not waited for.
  const older = staying(entry, observed).filter(
    ({ live, revision }) => live !== undefined && (live !== wanted || revision < goal.revision),
  );
  if (older.length === 0) return { actions: [], events, settled: true };
  const live = storedLive({ ...goal, revision: storedAs(scope, after) });
  return { actions: [{ kind: 'set-live', job: goal.id, live }], events, settled: false };
}

/**
 * A job that was rolled back goes by settings that are newer than the goal that it runs, and what the store has may be of the
 * revision that got nowhere: by the goal's own number it would be refused there, and passed over by workers.
 */
const storedAs = ({ entry, observed }: JobScope, { revisionActed }: ControlRecord): number =>
  Math.max(entry.goal.revision, revisionActed, ...observed.heartbeats.map(({ revision }) => revision));

/** Remembers the settings that all workers go by; unknown while some lag behind or none reports. */
export function announceLive(
  entry: JobEntry,
  observed: ObservedJob,
  announced: ControlRecord['announced'],
): ControlRecord['announced'] {
  const wanted = entry.live;
  const workers = staying(entry, observed);
  const taken = workers.length > 0 && workers.every(({ live }) => live === wanted);
  return taken && announced['live'] !== wanted ? { ...announced, live: wanted } : announced;
}
