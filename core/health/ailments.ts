// What ails a job whose workers all report: found by evidence, never by the mere fact that a process runs. Nothing is done here.
import { canarySlot } from '#core/canary/canary-slot.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { checkpointAge, leaderOf } from '#core/health/checkpoint-age.ts';
import type { AilmentKind } from '#core/health/health-record.ts';
import type { SightedHeartbeat } from '#core/health/sight-beats.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { shortWorkerName } from '#core/names.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Json } from '#core/spec/json.ts';

export interface Ailment {
  readonly kind: AilmentKind;
  /** Of the worker that another is to take the place of. */
  readonly incarnation: number;
  readonly why: string;
  readonly evidence: { readonly [name: string]: Json };
  /** What that worker says of a system that refuses or does not answer: a successor would fare no better. Null: nothing. */
  readonly outside: string | null;
}

export interface AilmentFacts {
  readonly entry: JobEntry;
  readonly heartbeats: readonly SightedHeartbeat[];
  readonly slots: ControlRecord['slots'];
  /** Of the source; undefined: not known now. */
  readonly partitions: number | undefined;
  /** As the last pass left it. */
  readonly unsharedSince: number | undefined;
  readonly now: number;
}

export interface AilmentJudgement {
  readonly ailment: Ailment | null;
  /** Since when splits are held by nobody, or one worker has several and another none; to be remembered. */
  readonly unsharedSince: number | undefined;
}

/** Leases for which a worker may keep still before its silence about the splits means something. */
const patienceLeases = 3;

/**
 * A worker whose rounds stand still is told by its own word, whatever else is under way: what is under way may wait for it.
 * The rest is judged only while nothing is: every wanted slot has one worker of the goal, which reports, has lived for some
 * leases, and is not on its way out. A blink is no evidence: each ailment has to last.
 */
export function judgeAilments(facts: AilmentFacts): AilmentJudgement {
  const settled = settledWorkers(facts);
  const still = inattentive(facts, settled);
  const live = undisturbed(facts, settled);
  if (live === null) return { ailment: still, unsharedSince: undefined };
  const unsharedSince = unsharedOf(facts, live) === null ? undefined : (facts.unsharedSince ?? facts.now);
  const ailment = still ?? unshared(facts, live, unsharedSince) ?? staleCheckpoint(facts, live);
  return { ailment, unsharedSince };
}

/** Those that have a place, whatever goal they were started for. */
function settledWorkers({ entry, heartbeats, slots, now }: AilmentFacts): readonly Heartbeat[] {
  const { leaseMs } = entry.goal.settings;
  const placed = new Set(
    Object.values(slots).flatMap(({ incarnation, successor }) => [incarnation, successor?.incarnation]),
  );
  return heartbeats.filter(
    (one) =>
      placed.has(one.incarnation) &&
      one.certainty === undefined &&
      one.state !== 'draining' &&
      now - one.at <= leaseMs &&
      now - one.startedAt > patienceLeases * leaseMs,
  );
}

/** Null: a goal is on its way to the job, or not every worker is settled. */
function undisturbed({ entry, slots }: AilmentFacts, settled: readonly Heartbeat[]): readonly Heartbeat[] | null {
  const records = Object.entries(slots);
  if (records.length === 0 || records.some(([slot, { successor }]) => Number(slot) === canarySlot || successor))
    return null;
  const live = records.flatMap(
    ([, record]) => settled.find((one) => one.incarnation === record.incarnation && one.render === entry.render) ?? [],
  );
  return live.length === records.length ? live : null;
}

const patienceMs = ({ goal }: JobEntry): number =>
  Math.max(goal.stalledAfterMs, patienceLeases * goal.settings.leaseMs);

/** Its rounds stand still: it looks at no assignment and makes none, and beats all the same. */
function inattentive({ entry, now }: AilmentFacts, live: readonly Heartbeat[]): Ailment | null {
  const still = live.filter(({ lookedAt }) => lookedAt !== undefined && now - lookedAt > patienceMs(entry));
  const worst = still.sort((a, b) => a.lookedAt! - b.lookedAt!)[0];
  if (worst === undefined) return null;
  const { leader, worker, beat, incarnation } = worst;
  const looked = timeOf(worst.lookedAt!);
  return {
    ...{ kind: leader ? 'LeaderStalled' : 'WorkerStalled', incarnation },
    why: `worker ${shortWorkerName(worker)}${leader ? ', which leads,' : ''} beats, and has not looked at the splits since ${looked}`,
    evidence: { worker, leader, beat, lookedAt: looked, splits: worst.splits.length },
    outside: refusal(worst, now - patienceMs(entry)),
  };
}

interface Unshared {
  readonly unheld: number;
  readonly idle: readonly string[];
}

/** Null: every split has its holder, and no worker stands idle beside one that has several. */
function unsharedOf({ partitions }: AilmentFacts, live: readonly Heartbeat[]): Unshared | null {
  if (partitions === undefined) return null;
  const held = new Set(live.flatMap(({ splits }) => splits.map(({ split }) => split))).size;
  const unheld = Math.max(0, partitions - held);
  const isCrowded = live.some(({ splits }) => splits.length > 1);
  const idle = isCrowded
    ? live.filter(({ splits }) => splits.length === 0).map(({ worker }) => shortWorkerName(worker))
    : [];
  return unheld === 0 && idle.length === 0 ? null : { unheld, idle };
}

function unshared(facts: AilmentFacts, live: readonly Heartbeat[], since: number | undefined): Ailment | null {
  const { entry, now, partitions } = facts;
  const lasting = patienceMs(entry) + entry.goal.settings.drainMs;
  if (since === undefined || now - since <= lasting) return null;
  const { unheld, idle } = unsharedOf(facts, live)!;
  const leader = leaderOf(live) ?? live[0]!;
  const what = [
    ...(unheld > 0 ? [`${unheld} of ${partitions} splits are held by nobody`] : []),
    ...(idle.length > 0 ? [`worker ${idle.join(', ')} has none although another has several`] : []),
  ].join(', and ');
  return {
    ...{ kind: 'LeaderStalled', incarnation: leader.incarnation },
    why: `worker ${shortWorkerName(leader.worker)} leads and beats, but since ${timeOf(since)} ${what}`,
    evidence: { worker: leader.worker, beat: leader.beat, unheld, of: partitions!, idle, since: timeOf(since) },
    outside: refusal(leader, now - lasting),
  };
}

/** Told of when it is older than it may be; acted upon when it is twice as old. */
const correctedAtTimes = 2;

function staleCheckpoint({ entry, now }: AilmentFacts, live: readonly Heartbeat[]): Ailment | null {
  const age = checkpointAge(live, entry.goal.settings, now);
  if (age.kind === 'no-leader' || !age.movedSince || age.agedMs <= correctedAtTimes * age.allowedMs) return null;
  const { leader, allowedMs } = age;
  const { sequence, at } = leader.lastCheckpoint ?? { sequence: null, at: null };
  const newest = sequence === null ? 'has taken no checkpoint' : `has taken none after checkpoint ${sequence}`;
  return {
    ...{ kind: 'CheckpointStale', incarnation: leader.incarnation },
    why: `worker ${shortWorkerName(leader.worker)}, which leads, ${newest}, although positions moved; one is due every ${entry.goal.settings.checkpointMs / 1_000} s`,
    evidence: {
      ...{ worker: leader.worker, sequence, takenAt: at === null ? null : timeOf(at) },
      ...{ agedMs: Math.round(age.agedMs), allowedMs },
    },
    outside: refusal(leader, now - allowedMs),
  };
}

/**
 * That the bucket, the tables or the source refuse, by the worker's own word. A partition that is no more is not among them:
 * the leader takes its split away, so it excuses none that does not.
 */
const outsideCodes: readonly string[] = [
  ...['checkpoint-failed', 'worker-store-failed', 'commit-failed', 'release-failed'],
  ...['source-unavailable', 'source-missing'],
];

function refusal({ errors }: Heartbeat, after: number): string | null {
  const error = errors.find(({ code, at }) => outsideCodes.includes(code) && at >= after);
  return error === undefined ? null : `${error.code}: ${error.message}`;
}

const timeOf = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
