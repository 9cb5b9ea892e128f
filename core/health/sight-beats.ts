// Heartbeats by the observer's own clock: a worker's wall clock may be anything, its counter either moves while we watch or does not.
import type { Heartbeat } from '#core/job/heartbeat.ts';

/**
 * `seen`: the times in it are the observer's. `suspect`: its counter has moved between two looks, but it says that it was long
 * ago, and it has not moved since; alive as far as can be told, and worth another look soon. `unsure`: seen for the first time, and it says that it was long
 * ago, or is still to come; a clock that is wrong, or a worker that is gone, which a lease's length of watching will tell.
 */
export type Certainty = 'seen' | 'suspect' | 'unsure';

export interface SightedHeartbeat extends Heartbeat {
  /** Absent counts as seen. */
  readonly certainty?: Certainty;
}

interface BeatSighting {
  readonly counter: number;
  /** When the counter had this value first, on the observer's monotonic clock. */
  readonly sinceMs: number;
  /** What its clock is taken to be behind the observer's. */
  readonly behindMs: number;
  readonly isSure: boolean;
  /** It moved while nobody looked, and says that it was long ago: until it moves again, nobody knows. */
  readonly isSuspect: boolean;
}

/** By worker. An observer that begins anew knows nobody, and takes a clock that is about right for right. */
export type BeatSightings = ReadonlyMap<string, BeatSighting>;

/** `at` and `monotonicMs`: when the heartbeats were asked for; silence is judged as of then. */
export interface ObserverTime {
  readonly at: number;
  readonly monotonicMs: number;
  /** Until they were there. A beat of meanwhile is among them, and its worker's clock is none that is ahead. */
  readonly tookMs: number;
  /** When the look before was asked for, by the monotonic clock; undefined: none was. What has moved since has moved after that. */
  readonly lookedMs: number | undefined;
  readonly leaseMs: number;
}

/** Reads and writes take a moment, in which a right clock may seem ahead. */
const aheadMsMax = 1_000;

export function sightBeats(
  heartbeats: readonly Heartbeat[],
  before: BeatSightings,
  time: ObserverTime,
): { readonly heartbeats: readonly SightedHeartbeat[]; readonly sightings: BeatSightings } {
  const sightings = new Map<string, BeatSighting>();
  const sighted = heartbeats.map((heartbeat) => {
    const known = before.get(heartbeat.worker);
    const sighting = known?.counter === heartbeat.beat ? known : moved(heartbeat, known, time);
    sightings.set(heartbeat.worker, sighting);
    const silentMs = Math.max(0, time.monotonicMs - sighting.sinceMs);
    const certainty = certaintyOf(sighting, silentMs > time.leaseMs);
    const shifted = shiftHeartbeat(heartbeat, time.at - silentMs);
    return certainty === 'seen' ? shifted : { ...shifted, certainty };
  });
  return { heartbeats: sighted, sightings };
}

/** After a lease's length of watching it is certain that nothing moves. */
function certaintyOf({ isSure, isSuspect }: BeatSighting, isSilent: boolean): Certainty {
  if (isSilent) return 'seen';
  return isSure ? (isSuspect ? 'suspect' : 'seen') : 'unsure';
}

/** Its own word for when it was is taken where it fits what is known of its clock; else it is taken for now, and the clock for wrong. */
function moved({ at, beat }: Heartbeat, known: BeatSighting | undefined, time: ObserverTime): BeatSighting {
  const heardMs = time.monotonicMs + time.tookMs;
  const lagMs = time.at + time.tookMs - at;
  const agoMs = lagMs - (known?.behindMs ?? 0);
  const { leaseMs, lookedMs = Number.NEGATIVE_INFINITY } = time;
  const agoMsMax = known === undefined ? leaseMs : Math.min(leaseMs, heardMs - lookedMs + aheadMsMax);
  const fits = agoMs >= -aheadMsMax && agoMs <= agoMsMax;
  if (fits)
    return {
      ...{ counter: beat, sinceMs: heardMs - Math.max(0, agoMs) },
      ...{ behindMs: known?.behindMs ?? 0, isSure: true, isSuspect: false },
    };
  const isKnown = known !== undefined;
  return { counter: beat, sinceMs: heardMs, behindMs: lagMs, isSure: isKnown, isSuspect: isKnown };
}

/** Every time in it moved by what its clock is off. */
export function shiftHeartbeat(heartbeat: Heartbeat, at: number): Heartbeat {
  const byMs = at - heartbeat.at;
  if (byMs === 0) return heartbeat;
  const { splits, lastCheckpoint, gathering, errors, startedAt, leadingSince, lookedAt } = heartbeat;
  return {
    ...{ ...heartbeat, at, startedAt: startedAt + byMs },
    splits: splits.map((split) => ({ ...split, movedAt: split.movedAt + byMs, seenAt: split.seenAt + byMs })),
    lastCheckpoint: lastCheckpoint && { ...lastCheckpoint, at: lastCheckpoint.at + byMs },
    errors: errors.map((error) => ({ ...error, at: error.at + byMs })),
    ...(leadingSince === undefined ? {} : { leadingSince: leadingSince + byMs }),
    ...(lookedAt === undefined ? {} : { lookedAt: lookedAt + byMs }),
    ...(gathering
      ? { gathering: { ...gathering, oldestAt: gathering.oldestAt + byMs, dueAt: gathering.dueAt + byMs } }
      : {}),
  };
}
