// A job whose life is over by somebody's explicit wish: workers stop, then what they left in the tables goes.
import { isSame } from '#core/hash.ts';
import { limits } from '#core/limits.ts';
import { isReplay, readJobId } from '#core/names.ts';
import { type Action, type Decision, leftAlone } from '#core/plan/action.ts';
import { adoptControl } from '#core/plan/adopt-control.ts';
import { freshControl, placedWorkers } from '#core/plan/control.ts';
import { fencedGoneAt, withFences } from '#core/plan/fenced-workers.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { fenceUnlisted } from '#core/plan/plan-strays.ts';
import { taskIncarnation } from '#core/plan/task-tags.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';

export interface EndingTerms {
  readonly leaseMs: number;
  /** For how long positions and books stay after the end, so that it can be undone. */
  readonly keptMs: number;
  readonly listingGraceMs: number;
  /**
   * When the declaration that ends it was made: of its deletion, or the newest of a route that has lost the sink; null where there
   * is none. Between two of them it may have been given back, seen by no pass: its grace counts from the last.
   */
  readonly declaredAt: number | null;
  /** How far the goal store was read. */
  readonly goalSequence: number;
}

/**
 * A heartbeat bears the worker's own word for when it was, which is taken for true where it is less than a lease off: only
 * after another lease is it certain that the worker's own has run out. Nothing fences it before what it left is cleared.
 */
const silentLeases = 2;

export function planEndedJob(
  job: string,
  observed: ObservedJob,
  { leaseMs, keptMs, listingGraceMs, declaredAt, goalSequence }: EndingTerms,
): Decision {
  const alive = observed.tasks.filter((task) => task.state !== 'stopped');
  const reporting = observed.heartbeats.some(
    (heartbeat) =>
      (heartbeat.certainty === 'unsure' || observed.at - heartbeat.at <= silentLeases * leaseMs) &&
      !isOver(heartbeat.incarnation, observed),
  );
  const id = readJobId(job);
  const subject = { tenant: id?.tenant ?? 'default', name: id?.name ?? job };
  const listedAt = allListedBy(observed, listingGraceMs);
  const isGone = alive.length === 0 && !reporting;
  if (isGone && observed.at >= listedAt) {
    if (observed.control && isBeingCleared(observed.control)) return goOnClearing(observed.control);
    const goneAt = fencedGoneAt(observed.control?.fenced ?? {}, leaseMs);
    if (observed.at < goneAt) return { ...leftAlone(job), settled: false, nextPassAt: goneAt };
    const goneSince = Number(observed.control?.announced['ended'] ?? observed.at);
    const until = keptUntil(goneSince, declaredAt ?? 0, keptMs);
    // A listing that is older would make a job that is cleared look like one that nobody remembers, to be ended once more.
    const clearedAt = Math.max(until, goneSince + listingGraceMs);
    if (observed.at < clearedAt) return keep(job, observed, clearedAt, keptMs > 0);
    const control = toBeCleared(observed.control ?? freshControl(job, id?.uid ?? ''));
    const event = jobEvent(
      subject,
      observed.at,
      'info',
      'JobRemoved',
      'All workers have ended; what they left in the tables is removed.',
    );
    // A replay is no job for people: its receipt told the end.
    return { ...clear(control, goalSequence), control, events: isReplay(job) ? [] : [event] };
  }
  const toStop = alive.filter((task) => task.state !== 'stopping');
  const fences = fenceUnlisted(job, observed, listingGraceMs);
  return {
    target: job,
    // Remembered until it is cleared: a worker that nobody expected may leave items behind and be gone before the next pass.
    control: markEnding(job, id?.uid ?? '', observed, fences),
    actions: [
      ...toStop.map(({ taskId }) => ({
        ...{ kind: 'stop-worker' as const, job, taskId },
        why: isReplay(job) ? 'the replay is over' : 'its route or sink was deleted',
      })),
      ...fences,
    ],
    events:
      toStop.length > 0 && !isReplay(job) && observed.control?.announced['ended'] === undefined
        ? [
            jobEvent(
              subject,
              observed.at,
              'info',
              'WorkerStopping',
              `${toStop.length} worker(s) drain and end: the route or sink was deleted.`,
            ),
          ]
        : [],
    settled: false,
    ...(isGone ? { nextPassAt: listedAt } : {}),
  };
}

/**
 * A worker that was asked for not long ago may have come to no listing yet, and would begin when all is cleared. What a slot says is
 * when that was decided; a pass that stood still asks for it later.
 */
function allListedBy({ control, tasks }: ObservedJob, listingGraceMs: number): number {
  const listed = new Set(tasks.map(taskIncarnation));
  const unlisted = placedWorkers(Object.values(control?.slots ?? {})).filter(
    ({ incarnation }) => !listed.has(incarnation),
  );
  return Math.max(Number.NEGATIVE_INFINITY, ...unlisted.map(({ startedAt }) => listedBy(startedAt, listingGraceMs)));
}

/** What its workers left stays for so long behind their end, and behind the declaration that ended it. */
export const keptUntil = (endedAt: number, declaredAt: number, keptMs: number): number =>
  Math.max(endedAt, declaredAt) + keptMs;

/** When what a pass decided at that time must have come to every listing, if it was done at all. */
export const listedBy = (decidedAt: number, listingGraceMs: number): number =>
  decidedAt + limits.decisionMsMax + listingGraceMs;

/** All workers have ended; what they left stays for its time. Remembered with when it began, and told once where it can be undone. */
function keep(job: string, observed: ObservedJob, until: number, canBeUndone: boolean): Decision {
  const { control, at } = observed;
  const nothing = leftAlone(job);
  if (control?.announced['ended'] !== undefined) return nothing;
  const id = readJobId(job);
  const before = control ?? adoptControl(job, id?.uid ?? '', observed);
  const { held: _over, ...announced } = before.announced;
  const event = jobEvent(
    ...[{ tenant: id?.tenant ?? 'default', name: id?.name ?? job }, at, 'info' as const, 'JobEnded' as const],
    `All workers have ended. Positions and books are kept until ${new Date(until).toISOString()}: until then the deletion can be undone (millrace undelete).`,
  );
  const after = { ...before, version: before.version + 1, slots: {}, tasks: [] };
  return {
    ...nothing,
    control: { ...after, announced: { ...announced, ended: String(at) } },
    events: canBeUndone ? [event] : [],
  };
}

/** It would end together with too many others: it goes on as it is until somebody agrees, which is told once. */
export function holdEnding(job: string, observed: ObservedJob, message: string): Decision {
  const { at } = observed;
  // Of a job whose record is lost, too, it has to be known that it waits: else nobody could agree.
  const control = observed.control ?? adoptControl(job, readJobId(job)?.uid ?? '', observed);
  const nothing = leftAlone(job);
  if (control.announced['held'] !== undefined) return nothing;
  const id = readJobId(job);
  const subject = { tenant: id?.tenant ?? 'default', name: id?.name ?? job };
  return {
    ...nothing,
    control: { ...control, version: control.version + 1, announced: { ...control.announced, held: String(at) } },
    events: [jobEvent(subject, at, 'error', 'DestructionHeld', message)],
  };
}

/** Its end has not begun: no pass has told its workers to end for it. */
export const isStillWhole = ({ control, tasks, heartbeats }: ObservedJob): boolean =>
  control === null
    ? tasks.length > 0 || heartbeats.length > 0
    : control.announced['ended'] === undefined && control.announced['ending'] === undefined && !mayBeCleared(control);

/**
 * First the mark `decided`, by compare-and-set: from then on nobody is told that the deletion can be taken back. Behind it the
 * goal is looked at once more (who is faster has won), and the mark becomes `begun`: only then is anything cleared. Of a
 * pass that is cut off before that, nothing counts; one that comes later finds `begun`, and clears before it starts anything anew.
 */
const toBeCleared = (control: ControlRecord): ControlRecord => ({
  ...control,
  version: control.version + 1,
  slots: {},
  announced: { ...control.announced, clearing: 'decided' },
});

export const beginClearing = (control: ControlRecord): ControlRecord => ({
  ...control,
  version: control.version + 1,
  announced: { ...control.announced, clearing: 'begun' },
});

export const mayBeCleared = (control: ControlRecord): boolean => control.announced['clearing'] !== undefined;

export const isBeingCleared = (control: ControlRecord): boolean => control.announced['clearing'] === 'begun';

/** What a cut-off clearing left is cleared again: all of it is idempotent, and the control record goes last. */
export const goOnClearing = (control: ControlRecord): Decision => clear(control, null);

const clear = ({ job, version }: ControlRecord, goalSequence: number | null): Decision => ({
  ...leftAlone(job),
  actions: [{ kind: 'clear-job', job, controlVersion: version, goalSequence }],
  settled: false,
});

/** Of a record whose clearing was not to begin after all. */
export function withoutClearing(control: ControlRecord): ControlRecord {
  const { clearing: _mark, ...announced } = control.announced;
  return { ...control, version: control.version + 1, announced };
}

/** From then on the guard counts it no more: its end was agreed to. */
function markEnding(job: string, uid: string, observed: ObservedJob, fences: readonly Action[]): ControlRecord | null {
  const before = observed.control ?? adoptControl(job, uid, observed);
  const isMarked = before.announced['ending'] !== undefined || before.announced['ended'] !== undefined;
  const { held: _over, ...announced } = before.announced;
  const after = {
    ...withFences(before, fences, observed.at),
    announced: isMarked ? before.announced : { ...announced, ending: 'begun' },
  };
  return isSame(before, after) ? null : { ...after, version: before.version + 1 };
}

const isOver = (incarnation: number, observed: ObservedJob): boolean =>
  observed.tasks.some((task) => task.state === 'stopped' && taskIncarnation(task) === incarnation);
