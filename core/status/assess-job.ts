// From goal, decisions and heartbeats to what people are told: one phase and its evidence. Progress is health (D10).

import { asScaled, workersOf } from '#core/autoscale/workers-wanted.ts';
import { canarySlot } from '#core/canary/canary-slot.ts';
import { compareRevisions, recordsEnough } from '#core/canary/compare-revisions.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { judgeAlerts, type RaisedAlert } from '#core/health/judge-alerts.ts';
import type { SightedHeartbeat } from '#core/health/sight-beats.ts';
import { type Accounting, addAccounting, droppedCount, isBalanced, noRecords } from '#core/job/accounting.ts';
import type { Heartbeat, WorkerError } from '#core/job/heartbeat.ts';
import { rolledBackTo } from '#core/plan/choose-goal.ts';
import { hasMadeGood } from '#core/plan/forgive-failures.ts';
import { describeFreeze } from '#core/plan/freeze.ts';
import { holdBehind } from '#core/plan/hold-behind.ts';
import { isOfWorker } from '#core/plan/restart-backoff.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { checkpointFresh, led, runtimeAgrees } from '#core/status/health-conditions.ts';
import { alertValues } from '#core/status/job-measures.ts';
import type { Condition, JobPhase, JobStatus, WorkerStatus } from '#core/status/job-status.ts';
import { scaled, scaleStatus } from '#core/status/scale-status.ts';

export interface JobFacts {
  readonly entry: JobEntry;
  readonly control: ControlRecord | null;
  readonly heartbeats: readonly SightedHeartbeat[];
  /** The splits' items; null when they were not read (the account is then of the live workers only). */
  readonly splits: readonly SplitRecord[] | null;
  readonly now: number;
}

/** What the phase is decided on. */
interface Situation extends JobFacts {
  /** As it goes by now; `newest`: as the goal store has it. They differ while a freeze holds the newest back. */
  readonly entry: JobEntry;
  readonly newest: JobEntry;
  /** Heartbeats within the lease, of incarnations that hold a slot. */
  readonly live: readonly Heartbeat[];
  readonly current: readonly Heartbeat[];
  readonly accounting: Accounting;
}

export function assessJob(facts: JobFacts): JobStatus {
  const situation = situate(facts);
  const { entry, live, current, accounting } = situation;
  const lag = lagOf(live);
  const scale = scaleStatus(entry, facts.control?.scale);
  const deadLetterShare = deadLetterShareOf(live);
  const raised = judgeAlerts(entry.alerts, alertValues({ lag, deadLetterShare }), raisedBefore(facts.control));
  const conditions = [
    ...[progressing(situation), inSync(situation), checkpointFresh(situation), balanced(situation), stable(situation)],
    ...[led(situation), runtimeAgrees(situation)],
    ...upstreamAlive(situation),
    ...scaled(scale),
  ];
  if (Object.keys(entry.alerts).length > 0) conditions.push(quiet(raised));
  const { phase, message } = decidePhase(situation, conditions);
  return {
    phase,
    message,
    conditions,
    observedRevision: facts.entry.goal.revision,
    runningRevision: current[0]?.revision ?? live[0]?.revision ?? null,
    provenRevision: facts.control?.good?.revision ?? null,
    lag,
    accounting,
    mismatches: sum(live.map((heartbeat) => heartbeat.mismatches ?? 0)),
    deadLetterShare,
    inPerSecond: sum(live.map((heartbeat) => heartbeat.inPerSecond)),
    outPerSecond: sum(live.map((heartbeat) => heartbeat.outPerSecond)),
    workers: workers(situation),
    scale,
  };
}

function lagOf(live: readonly Heartbeat[]): JobStatus['lag'] {
  const splits = live.flatMap((heartbeat) => heartbeat.splits);
  const records = live.length === 0 ? null : sum(splits.map((split) => split.lagRecords));
  const perSecond = sum(live.map((heartbeat) => heartbeat.inPerSecond));
  const freshness = live.map((heartbeat) => heartbeat.freshnessMs).filter((value) => value !== null);
  const drainMs = records === null || perSecond <= 0 ? null : Math.round((records / perSecond) * 1000);
  return {
    records,
    drainMs: records === 0 ? 0 : drainMs,
    freshnessMs: freshness.length > 0 ? Math.max(...freshness) : null,
  };
}

function deadLetterShareOf(live: readonly Heartbeat[]): number | null {
  const minutes = live.flatMap(({ lastMinute }) => lastMinute ?? []);
  const read = sum(minutes.map((minute) => minute.in));
  return read === 0 ? null : sum(minutes.map((minute) => minute.deadLettered)) / read;
}

/** As they were last announced, so that all who look at one time see the same. */
export const raisedBefore = (control: ControlRecord | null): readonly string[] =>
  control?.announced['alerts']?.split(',').filter((name) => name !== '') ?? [];

const quiet = (raised: readonly RaisedAlert[]): Condition =>
  raised.length === 0
    ? condition('Quiet', 'true', 'NoAlert', 'no alert is raised')
    : condition('Quiet', 'false', 'AlertRaised', raised.map(({ message }) => message).join('; '));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Of an earlier goal only what the control record says of it is known here: enough to tell who runs as wanted. */
function heldEntry(newest: JobEntry, control: ControlRecord | null): JobEntry {
  const acted = newest.freeze === null ? undefined : control?.acted;
  const good = newest.freeze === null ? rolledBackTo(newest, control) : null;
  if (good) return { ...newest, render: good.render, goal: { ...newest.goal, revision: good.revision } };
  const workers = Object.keys(control?.slots ?? {}).filter((slot) => Number(slot) !== canarySlot).length;
  const { goal } = newest;
  const beside = newest.freeze === null && onTrial(newest, control) ? control?.good : undefined;
  if (beside) return { ...newest, render: beside.render, goal: { ...goal, revision: beside.revision } };
  if (acted === undefined) return newest;
  if (acted.render === newest.render) return { ...newest, paused: acted.paused };
  return {
    ...{ ...newest, render: acted.render, paused: acted.paused, requested: [] },
    goal: { ...goal, revision: acted.revision, resources: { ...goal.resources, workers } },
  };
}

/** What waits for a freeze to be lifted; null where nothing does. */
function heldBack({ newest, control }: Situation): string | null {
  const { freeze, goal } = newest;
  if (freeze === null) return null;
  const acted = control?.acted;
  if (acted === undefined) return `revision ${goal.revision} waits: ${describeFreeze(freeze)}`;
  const waits = acted.render !== newest.render || acted.paused !== newest.paused;
  return waits
    ? `revision ${goal.revision} waits, revision ${acted.revision} runs on: ${describeFreeze(freeze)}`
    : null;
}

/** The newest goal has a share of the splits, as far as the reconciler has begun with it. */
const onTrial = ({ render, paused }: JobEntry, control: ControlRecord | null): boolean =>
  !paused && control?.canary?.render === render && control.canary.promotedAt === undefined;

/** How the trial stands; null where there is none. */
function trialNote({ newest, entry, live, current, control }: Situation): string | null {
  if (newest.freeze !== null || !onTrial(newest, control)) return null;
  const tried = live.filter((heartbeat) => heartbeat.render === newest.render && heartbeat.state !== 'draining');
  const { canary, running, doubts } = compareRevisions(tried, current, control!.canary!.baseline);
  const splits = `${canary.splits} of ${canary.splits + running.splits} split(s)`;
  const counts = `${canary.in} of ${recordsEnough} records read, ${canary.bad} of them set aside or dropped, beside ${running.in} and ${running.bad}`;
  const but = doubts.length === 0 ? '' : `; ${doubts.join('; ')}`;
  return `revision ${newest.goal.revision} is tried on ${splits} beside revision ${entry.goal.revision}: ${counts}${but}`;
}

/** Which goal got nowhere, and which one runs instead; null where the newest is carried out. */
function rolledBackNote({ newest, control }: Situation): string | null {
  const good = newest.freeze === null ? rolledBackTo(newest, control) : null;
  if (!good) return null;
  const { revision, why } = control!.failed!;
  return `revision ${revision} got nowhere (${why}), so revision ${good.revision} runs: apply a mended one, or restart the job to try it again`;
}

function situate(facts: JobFacts): Situation {
  const { control, heartbeats, splits, now } = facts;
  const newest = holdBehind(facts.entry, control);
  const entry = asScaled(heldEntry(newest, control), control?.scale);
  const slots = Object.values(control?.slots ?? {});
  const live = heartbeats.filter(
    (heartbeat) =>
      heartbeat.certainty !== 'unsure' &&
      now - heartbeat.at <= entry.goal.settings.leaseMs &&
      slots.some((slot) => isOfWorker(slot, heartbeat)),
  );
  const current = live.filter((heartbeat) => heartbeat.render === entry.render && heartbeat.state !== 'draining');
  const accounts = splits ? splits.map((split) => split.accounting) : live.map((heartbeat) => heartbeat.accounting);
  return { ...facts, entry, newest, live, current, accounting: accounts.reduce(addAccounting, noRecords) };
}

const condition = (
  type: Condition['type'],
  status: Condition['status'],
  reason: string,
  message: string,
): Condition => ({ type, status, reason, message });

/** Without those of partitions that a topic made anew has not any more: nobody holds them, and what is held is of another topic id. */
function itemsToRead(all: readonly SplitRecord[], { goal }: JobEntry): readonly SplitRecord[] {
  const items = all.filter(({ split }) => split.startsWith(`${goal.source.topic}/`));
  const topicIds = new Set(items.filter(({ owner }) => owner !== null).map(({ topicId }) => topicId));
  return items.filter(({ owner, topicId }) => owner !== null || topicIds.size === 0 || topicIds.has(topicId));
}

function progressing({ entry, live, now, splits: all }: Situation): Condition {
  const type = 'Progressing';
  // Items of a source that the route had before count for its books only.
  const items = all === null ? null : itemsToRead(all, entry);
  const splits = live.flatMap((heartbeat) => heartbeat.splits);
  const stuck = live.find((heartbeat) => heartbeat.state === 'stuck');
  if (entry.paused) return condition(type, 'unknown', 'Paused', 'the job is paused');
  if (stuck) return condition(type, 'false', 'Stuck', stuck.errors[0]?.message ?? 'a worker cannot go on');
  if (live.length === 0) return condition(type, 'unknown', 'NoWorker', 'no worker reports');
  if (splits.length === 0) return condition(type, 'unknown', 'NoSplit', 'no worker holds a split yet');
  if (items !== null && splits.length < items.length)
    return condition(type, 'unknown', 'SplitsFree', `${splits.length}/${items.length} splits are held by a worker`);
  const stalled = splits.filter((split) => split.lagRecords > 0 && now - split.movedAt > entry.goal.stalledAfterMs);
  if (stalled.length > 0) {
    const first = stalled[0]!;
    return condition(
      type,
      'false',
      'Stalled',
      `${stalled.length}/${splits.length} splits have not moved for ${seconds(now - first.movedAt)} although events wait (${first.split} at ${first.position} of ${first.endPosition})`,
    );
  }
  const unread = splits.filter((split) => now - split.seenAt > entry.goal.stalledAfterMs);
  if (unread.length > 0) {
    const first = unread[0]!;
    const message = `${unread.length}/${splits.length} splits have not been read for ${seconds(now - first.seenAt)} (${first.split} at ${first.position})`;
    return condition(type, 'false', 'Stalled', message);
  }
  const lag = sum(splits.map((split) => split.lagRecords));
  const gathered = gatheredNote(live, now);
  if (lag > 0 && gathered !== null) return condition(type, 'true', 'Gathering', `${lag} records wait; ${gathered}`);
  if (lag === 0)
    return condition(type, 'true', 'CaughtUp', `${splits.length}/${splits.length} splits are at their ends`);
  const windowMs = 15_000;
  const moved = splits.filter((split) => split.lagRecords === 0 || now - split.movedAt <= windowMs).length;
  return condition(
    type,
    'true',
    'Moving',
    `${moved}/${splits.length} splits moved in ${seconds(windowMs)}, ${lag} records wait${throttled(entry.goal.throttle)}`,
  );
}

/** Of sinks that write files: what is read and not yet to be seen there. */
function gatheredNote(live: readonly Heartbeat[], now: number): string | null {
  const gathering = live.flatMap((heartbeat) => heartbeat.gathering ?? []);
  if (gathering.length === 0) return null;
  const records = sum(gathering.map((one) => one.records));
  const dueAt = Math.min(...gathering.map((one) => one.dueAt));
  return `${records} of them are read and gathered for files, the next of which is written within ${seconds(dueAt - now)}`;
}

function inSync(situation: Situation): Condition {
  const held = heldBack(situation);
  const running = asItGoes(situation);
  // Under a freeze, too, all that is to run has to run.
  if (held !== null && (running.status === 'true' || situation.control?.acted === undefined))
    return condition('InSync', 'false', 'Frozen', held);
  return running;
}

function asItGoes(situation: Situation): Condition {
  const { entry, current, live, control } = situation;
  const type = 'InSync';
  const rolledBack = rolledBackNote(situation);
  if (rolledBack !== null) return condition(type, 'false', 'RolledBack', rolledBack);
  const trial = trialNote(situation);
  if (trial !== null) return condition(type, 'false', 'Canary', trial);
  const wanted = entry.paused ? 0 : workersOf(entry);
  if (entry.paused) {
    const left = Object.keys(control?.slots ?? {}).length;
    return left === 0
      ? condition(type, 'true', 'Paused', 'no worker runs, as wanted')
      : condition(type, 'false', 'Draining', `${left} worker(s) still drain`);
  }
  if (entry.requested.some(({ kind }) => kind === 'rewind') && current.length < wanted)
    return condition(type, 'false', 'Rewinding', 'workers end, positions are set back, then workers start again');
  const inPlace = current.filter(({ slot }) => slot < wanted).length;
  // A worker of a slot that is wanted no more may hold splits still, and work on them by an older goal.
  const stays = (slot: number): boolean => slot < wanted || (slot === canarySlot && situation.newest.freeze !== null);
  const leaving = Object.keys(control?.slots ?? {}).filter((slot) => !stays(Number(slot))).length;
  if (inPlace === wanted && leaving > 0)
    return condition(type, 'false', 'Draining', `${leaving} worker(s) that are wanted no more still drain`);
  if (inPlace === wanted)
    return condition(type, 'true', 'AllCurrent', `${wanted}/${wanted} workers run revision ${entry.goal.revision}`);
  const older = live.length - current.length;
  return condition(
    type,
    'false',
    older > 0 ? 'OlderGoal' : 'WorkersMissing',
    `${inPlace}/${wanted} workers run revision ${entry.goal.revision}${older > 0 ? `, ${older} an older one or draining` : ''}`,
  );
}

/** Whether all workers may be started again when they end. */
function stable({ control }: Situation): Condition {
  const slots = Object.entries(control?.slots ?? {});
  const ailment = control?.health?.ailment;
  if (ailment?.handled === 'budget-spent')
    return condition(
      'Stable',
      'false',
      'CorrectionsSpent',
      `${ailment.why}; workers were replaced for it as often as the restart budget allows, in vain`,
    );
  const held = slots.filter(([, { quarantinedAt }]) => quarantinedAt !== undefined);
  const [first] = held;
  if (first === undefined) return condition('Stable', 'true', 'WithinBudget', 'no worker ends again and again');
  const [slot, { faults }] = first;
  const message = `${held.length}/${slots.length} worker(s) are quarantined; slot ${slot}: ${faults?.last ?? 'ended again and again'}. Change the route, or restart the job once the cause is gone`;
  return condition('Stable', 'false', 'Quarantined', message);
}

/** Only where the route says how silent its source may be. */
function upstreamAlive({ entry, live }: Situation): readonly Condition[] {
  if (entry.upstreamSilentMs === null) return [];
  const ages = live.flatMap(({ freshnessMs }) => (freshnessMs === null ? [] : [freshnessMs]));
  const lag = sum(live.flatMap((heartbeat) => heartbeat.splits).map((split) => split.lagRecords));
  const type = 'UpstreamAlive';
  if (ages.length === 0 || lag > 0)
    return [condition(type, 'unknown', 'NotAtTheEnd', 'the newest event has not been read yet')];
  const age = Math.min(...ages);
  const isSilent = age > entry.upstreamSilentMs;
  const message = `the newest event of ${entry.goal.source.stream} is ${seconds(age)} old${isSilent ? `, more than the ${seconds(entry.upstreamSilentMs)} allowed: whoever writes it has stopped, or has nothing to write` : ''}`;
  return [condition(type, isSilent ? 'false' : 'true', isSilent ? 'UpstreamSilent' : 'Fresh', message)];
}

const throttled = (perSecond: number | null): string => (perSecond === null ? '' : `; held to ${perSecond} records/s`);

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))}%`;

/** What a loss-tolerant job has lost so far, of what it may. */
function lossOf({ dropped, in: read }: Accounting, budget: number | null): string {
  if (budget === null) return '';
  return `; lost ${percent(read === 0 ? 0 : (dropped.overload ?? 0) / read)} of the ${percent(budget)} that may be`;
}

function balanced({ accounting, splits, entry }: Situation): Condition {
  const { out, filtered, deadLettered, emitted } = accounting;
  const became = emitted === undefined ? '' : `; out became ${emitted}`;
  const rewound = sum((splits ?? []).map(({ placed }) => placed?.rewoundRecords ?? 0));
  const again = rewound > 0 ? `; at most ${rewound} of in were read again by rewinds` : '';
  const loss = lossOf(accounting, entry.goal.delivery.lossBudget);
  const books = `in ${accounting.in} = out ${out} + filtered ${filtered} + dead-lettered ${deadLettered} + dropped ${droppedCount(accounting)}${became}${again}${loss}`;
  if (splits === null && accounting.in === 0)
    return condition('Balanced', 'unknown', 'NothingRead', 'no record read yet');
  return isBalanced(accounting)
    ? condition('Balanced', 'true', 'Balanced', books)
    : condition('Balanced', 'false', 'Unbalanced', books.replace('=', '≠'));
}

function decidePhase(situation: Situation, conditions: readonly Condition[]): { phase: JobPhase; message: string } {
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
    (slot) => slot.failureCount >= 2 && of(slot, current) === undefined && !hasMadeGood(slot, of(slot, heartbeats)),
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
const policyErrors = ['poison', 'schema', 'too-large', 'rejected', 'retryable', 'throttled', 'dead-letter-too-large'];

/** No record waits for a checkpoint: what tells is how old the newest is. */
const checkpointErrors = ['checkpoint-failed', 'checkpoint-not-taken'];

/** A single failure that was got over is an entry in the log; one that repeats until now colours the phase. */
function isTrouble(error: WorkerError, now: number): boolean {
  if (policyErrors.includes(error.code) || checkpointErrors.includes(error.code)) return false;
  if (lastingErrors.includes(error.code)) return now - error.at < 30_000;
  return now - error.at < 5_000 && error.count >= 3;
}

/** Tasks as the last pass saw them, in the state that their workers report since; and workers that report but were not listed yet. */
function workers({ control, heartbeats, live, entry }: Situation): readonly WorkerStatus[] {
  const tasks = control?.tasks ?? [];
  const listed = tasks.map((task): WorkerStatus => {
    const heartbeat = heartbeats.find((candidate) => candidate.incarnation === task.incarnation);
    const reports = heartbeat !== undefined && live.includes(heartbeat) && task.state !== 'stopping';
    return {
      worker: task.worker,
      taskId: task.taskId,
      incarnation: task.incarnation,
      slot: task.slot,
      state: reports ? reportedState(heartbeat, entry) : task.state,
      since: task.since,
      log: task.log ?? null,
      ...reported(heartbeat, task.pid),
    };
  });
  const unlisted = live.filter((heartbeat) => !tasks.some((task) => task.incarnation === heartbeat.incarnation));
  return [...listed, ...unlisted.map((heartbeat) => unlistedWorker(heartbeat, entry))];
}

function reportedState({ render, slot, state }: Heartbeat, entry: JobEntry): string {
  if (render === entry.render) return state;
  return slot === canarySlot ? 'canary' : 'outdated';
}

const reported = (heartbeat: Heartbeat | undefined, pid: number | undefined) => ({
  pid: heartbeat?.pid ?? pid ?? null,
  splits: heartbeat?.splits.length ?? 0,
  rssMiB: heartbeat?.rssMiB ?? null,
});

const unlistedWorker = (heartbeat: Heartbeat, entry: JobEntry): WorkerStatus => ({
  worker: heartbeat.worker,
  taskId: null,
  incarnation: heartbeat.incarnation,
  slot: heartbeat.slot,
  state: reportedState(heartbeat, entry),
  since: heartbeat.startedAt,
  log: null,
  ...reported(heartbeat, undefined),
});

const seconds = (ms: number): string => `${Math.max(0, ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
