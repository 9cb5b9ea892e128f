// One word for how a job is, and the sentence that says why: the first finding that matters decides.
import type { SightedHeartbeat } from '#core/health/sight-beats.ts';
import { errorClasses } from '#core/job/error-class.ts';
import type { WorkerError } from '#core/job/heartbeat.ts';
import { hasMadeGood } from '#core/plan/forgive-failures.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';
import type { Condition, JobPhase } from '#core/status/job-status.ts';
import type { Situation } from '#core/status/situation.ts';

export function decidePhase(
  situation: Situation,
  conditions: readonly Condition[],
): { phase: JobPhase; message: string } {
  const { entry, control, current, heartbeats, now } = situation;
  const by = (type: Condition['type']): Condition => conditions.find((candidate) => candidate.type === type)!;
  const progress = by('Progressing');
  const sync = by('InSync');
  if (control?.announced['frozen'])
    return {
      phase: 'Failed',
      message: 'the goal store went back in time: apply the route again, or restart the job, to go on',
    };
  if (entry.paused) return { phase: 'Paused', message: sync.message };
  if (progress.reason === 'Stuck') return { phase: 'Failed', message: progress.message };
  if (progress.reason === 'Stalled') return { phase: 'Stalled', message: progress.message };
  if (sync.reason === 'Frozen' && control?.acted === undefined) return { phase: 'Pending', message: sync.message };
  if (!control) return { phase: 'Pending', message: 'waits for the reconciler' };
  const slots = Object.values(control.slots);
  const of = (slot: SlotRecord, among: readonly SightedHeartbeat[]) =>
    among.find(({ incarnation }) => incarnation === slot.incarnation);
  const failing = slots.filter(
    (slot) => slot.failureCount >= 2 && of(slot, current) === undefined && !hasMadeGood(of(slot, heartbeats)),
  );
  if (by('Stable').status === 'false') return { phase: 'Quarantined', message: by('Stable').message };
  if (failing.length > 0)
    return {
      phase: 'Degraded',
      message: `${failing.length} worker(s) failed ${Math.max(...failing.map((slot) => slot.failureCount))} times in a row and are started again with growing pauses`,
    };
  if (sync.reason === 'RolledBack') return { phase: 'Degraded', message: sync.message };
  if (sync.status !== 'true' && sync.reason !== 'Frozen') return { phase: 'Deploying', message: sync.message };
  if (progress.reason === 'NoSplit' || progress.reason === 'SplitsFree')
    return { phase: 'Deploying', message: progress.message };
  const troubled = [
    ...[by('Led'), by('CheckpointFresh'), by('Balanced'), by('RuntimeAgrees')],
    ...conditions.filter(({ type }) => type === 'UpstreamAlive'),
  ].find((candidate) => candidate.status === 'false');
  if (troubled) return { phase: 'Degraded', message: troubled.message };
  const trouble = current.flatMap((heartbeat) => heartbeat.errors).find((error) => isTrouble(error, now));
  if (trouble) return { phase: 'Degraded', message: `${trouble.code}: ${trouble.message}` };
  return { phase: 'Running', message: sync.reason === 'Frozen' ? sync.message : progress.message };
}

/** Said once, and worth a look although the job has gone on: events were lost, or their topic is another one. */
const lastingErrors = [
  'source-data-lost',
  'source-recreated',
  'source-truncated',
  'sink-data-lost',
  'books-unbalanced',
];
/** Records set aside or dropped by the route's own policy: the books show them, and no part is in trouble. */
const policyErrors: readonly string[] = [...errorClasses, 'dead-letter-too-large'];

/** No record waits for a checkpoint: what tells is how old the newest is. */
const checkpointErrors = ['checkpoint-failed', 'checkpoint-not-taken'];

/** A single failure that was got over is an entry in the log; one that repeats until now colours the phase. */
function isTrouble(error: WorkerError, now: number): boolean {
  if (policyErrors.includes(error.code) || checkpointErrors.includes(error.code)) return false;
  if (lastingErrors.includes(error.code)) return now - error.at < 30_000;
  return now - error.at < 5_000 && error.count >= 3;
}
