// What people are told of how a job is led and kept: whether splits are shared out, checkpoints are taken, and runtime and workers tell the same.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { checkpointAge, leaderOf } from '#core/health/checkpoint-age.ts';
import type { AilmentHandling } from '#core/health/health-record.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { shortWorkerName } from '#core/names.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Condition } from '#core/status/job-status.ts';
import { seconds } from '#core/time/seconds.ts';

export interface HealthFacts {
  readonly entry: JobEntry;
  readonly control: ControlRecord | null;
  /** Within the lease, of incarnations that hold a slot. */
  readonly live: readonly Heartbeat[];
  readonly now: number;
}

const handledAs: Readonly<Record<AilmentHandling, string>> = {
  replaced: 'another worker takes its place',
  'budget-spent': 'replacing it has not helped: look at its log, then change the route or restart the job',
  'fleet-wide': 'so many jobs show the like at once that nothing is restarted',
  outside: 'nothing is restarted, since the worker says what refuses',
};

export function led({ control, live }: HealthFacts): Condition {
  const type = 'Led';
  const ailment = control?.health?.ailment;
  if (ailment !== undefined && ailment.kind !== 'CheckpointStale')
    return { type, status: 'false', reason: ailment.kind, message: `${ailment.why}; ${handledAs[ailment.handled]}` };
  const leader = leaderOf(live);
  if (leader === undefined) return { type, status: 'unknown', reason: 'NoLeader', message: 'no worker leads the job' };
  const splits = live.reduce((sum, heartbeat) => sum + heartbeat.splits.length, 0);
  const message = `worker ${shortWorkerName(leader.worker)} leads, ${splits} splits are held by ${live.length} worker(s)`;
  return { type, status: 'true', reason: 'Leading', message };
}

export function checkpointFresh({ entry, control, live, now }: HealthFacts): Condition {
  const type = 'CheckpointFresh';
  const age = checkpointAge(live, entry.goal.settings, now);
  if (age.kind === 'no-leader')
    return { type, status: 'unknown', reason: 'NoLeader', message: 'no worker leads the job' };
  const { leader, agedMs, allowedMs, movedSince } = age;
  const isStale = agedMs > allowedMs && movedSince;
  const ailment = control?.health?.ailment;
  const handled = isStale && ailment?.kind === 'CheckpointStale' ? `; ${handledAs[ailment.handled]}` : '';
  const last = leader.lastCheckpoint;
  if (last === null) {
    const message = `no checkpoint yet, ${seconds(agedMs)} after the leader's start${handled}`;
    return { type, status: isStale ? 'false' : 'unknown', reason: 'NoneYet', message };
  }
  const message = `checkpoint ${last.sequence} is ${seconds(now - last.at)} old${movedSince ? '' : ', and nothing moved since'}${handled}`;
  return { type, status: isStale ? 'false' : 'true', reason: isStale ? 'Stale' : 'Fresh', message };
}

/** Both ways: a worker that reports is known to the runtime, and one that the runtime runs reports. */
export function runtimeAgrees({ control, live }: HealthFacts): Condition {
  const type = 'RuntimeAgrees';
  const slots = Object.values(control?.slots ?? {});
  const reporting = new Set(live.map(({ incarnation }) => incarnation));
  const unlisted = slots.filter((slot) => slot.unlistedSince !== undefined && reporting.has(slot.incarnation));
  if (unlisted.length > 0) {
    const message = `${unlisted.length}/${slots.length} worker(s) report, but the runtime does not know them; replaced if that lasts`;
    return { type, status: 'false', reason: 'Unlisted', message };
  }
  const runs = new Set(
    (control?.tasks ?? []).filter(({ state }) => state === 'running').map(({ incarnation }) => incarnation),
  );
  const silent = slots.filter(({ incarnation }) => runs.has(incarnation) && !reporting.has(incarnation));
  if (slots.length === 0 || (silent.length > 0 && live.length === 0))
    return { type, status: 'unknown', reason: 'NoWorker', message: 'no worker reports' };
  if (silent.length > 0) {
    const message = `${silent.length}/${slots.length} worker(s) run by the runtime's word and do not report; replaced once their lease is over`;
    return { type, status: 'false', reason: 'Silent', message };
  }
  const message = `${live.length}/${slots.length} worker(s) report, each known to the runtime`;
  return { type, status: 'true', reason: 'InStep', message };
}
