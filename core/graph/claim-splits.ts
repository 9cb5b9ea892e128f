// What a worker does about leadership and splits, decided from one view of its job: no input or output, no clock of its own.
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { SplitRecord, SplitRef } from '#core/ports/split-store.ts';
import type { JobView } from '#core/ports/worker-store.ts';
import { isSilent, type Sightings } from './sightings.ts';

export interface Standpoint {
  readonly me: string;
  readonly view: JobView;
  readonly sightings: Sightings;
  /** When the view was asked for: of what came later it says nothing. */
  readonly nowMs: number;
  readonly leaseMs: number;
}

/** The leader's counter among the sightings; each reign has its own. */
export const leaderSighting = (epoch: number): string => `leader#${epoch}`;

/** All counters of a view, for `sight`. */
export function countersOf(view: JobView): [string, number][] {
  const counters: [string, number][] = view.heartbeats.map(({ worker, beat }) => [worker, beat]);
  if (view.leader !== null) counters.push([leaderSighting(view.leader.epoch), view.leader.counter]);
  return counters;
}

/** Nobody by this name works any more: it was fenced, has ended in order, or was silent for a whole lease. */
export function isGone(worker: string, { me, view, sightings, nowMs, leaseMs }: Standpoint): boolean {
  if (worker === me) return false;
  if (view.fenced.includes(worker)) return true;
  if (!view.heartbeats.some((heartbeat) => heartbeat.worker === worker)) return true;
  return isSilent(sightings, worker, nowMs, leaseMs);
}

export type LeadDecision = 'renew' | 'take' | 'follow';

export function decideLead(standpoint: Standpoint): LeadDecision {
  const { me, view, sightings, nowMs, leaseMs } = standpoint;
  const { leader } = view;
  if (leader === null) return 'take';
  if (leader.worker === me) return 'renew';
  const isOver = isGone(leader.worker, standpoint) || isSilent(sightings, leaderSighting(leader.epoch), nowMs, leaseMs);
  return isOver ? 'take' : 'follow';
}

/**
 * The workers that splits may be given to: of this life of the job, there, not on their way out; in each slot only the
 * newest, so that a replacement takes over from the worker that it replaces while that one still runs.
 */
export function assignableWorkers(uid: string, standpoint: Standpoint): string[] {
  const newest = new Map<number, Heartbeat>();
  for (const heartbeat of standpoint.view.heartbeats) {
    if (heartbeat.uid !== uid || heartbeat.state === 'draining' || isGone(heartbeat.worker, standpoint)) continue;
    const other = newest.get(heartbeat.slot);
    if (other === undefined || other.incarnation < heartbeat.incarnation) newest.set(heartbeat.slot, heartbeat);
  }
  return [...newest.values()].map(({ worker }) => worker).sort();
}

export interface ClaimDecision {
  /** To be claimed, as seen. */
  readonly claim: readonly SplitRecord[];
  /** Held, but its item names somebody else, or nobody since it was made anew: nothing of it can be committed any more. */
  readonly lost: readonly SplitRef[];
  /** Held, but somebody else's by the assignment: to be drained and released. */
  readonly release: readonly string[];
  /** Not ours, nor held, but its item names us: letting go of it was not heard. To be freed, or nobody gets it as long as we live. */
  readonly free: readonly SplitRecord[];
  /** Ours, but still held by a worker that is there. */
  readonly waitingFor: readonly string[];
}

/** `holdings`: as held before the records were read, which is after all that they were claimed by was written. */
export function decideClaims(
  standpoint: Standpoint,
  records: readonly SplitRecord[],
  holdings: readonly SplitRef[],
): ClaimDecision {
  const { me, view } = standpoint;
  if (view.assignment === null) return { claim: [], lost: [], release: [], free: [], waitingFor: [] };
  const held = new Set(holdings.map(({ name }) => name));
  const { owners } = view.assignment;
  const isMine = (split: string): boolean => Object.hasOwn(owners, split) && owners[split] === me;
  const wanted = records.filter(({ split }) => isMine(split) && !held.has(split));
  // A record that names us although we do not hold it: a claim whose answer was lost, or a split that we let go of.
  const isFree = ({ owner }: SplitRecord): boolean => owner === null || owner === me || isGone(owner, standpoint);
  const bySplit = new Map(records.map((record) => [record.split, record]));
  const isLost = ({ name, epoch }: SplitRef): boolean => {
    const record = bySplit.get(name);
    return record !== undefined && (record.owner !== me || record.epoch !== epoch);
  };
  return {
    claim: wanted.filter(isFree),
    // One that is being let go of may be free already, and finds out by itself.
    lost: holdings.filter((holding) => isMine(holding.name) && isLost(holding)),
    release: [...held].filter((split) => !isMine(split)),
    free: records.filter(({ split, owner }) => owner === me && !isMine(split) && !held.has(split)),
    waitingFor: wanted.filter((record) => !isFree(record)).map(({ split }) => split),
  };
}
