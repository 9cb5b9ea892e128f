// What arrives at a job and what it gets through, from its heartbeats over time. Kept by a reconciler from pass to pass; losing it costs the time to watch again.
import type { AutoscaleSettings } from '#core/autoscale/settings.ts';
import type { SightedHeartbeat } from '#core/health/sight-beats.ts';
import type { SplitHeartbeat } from '#core/job/heartbeat.ts';
import type { WorkerSettings } from '#core/job/job-goal.ts';
import { sum } from '#core/sum.ts';

export interface Traffic {
  readonly splits: number;
  /** Workers that hold splits. */
  readonly workers: number;
  /** What waits and is not read yet. */
  readonly backlog: number;
  /** Since the window's start it has grown by more than is always on its way. */
  readonly backlogGrows: boolean;
  /** Records a second, over the window. */
  readonly arrival: number;
  /** The highest such rate since the watching began, over the calm time at most. */
  readonly peak: number;
  readonly peakWatchedMs: number;
  /** Records a second that the present workers get through; null while they have not been at it for long enough. */
  readonly done: number | null;
  /** Some worker always had more to read than it got through. */
  readonly isSaturated: boolean;
  /** Records a second that a worker was last seen to get through with more waiting for it; null: never seen. */
  readonly capacity: number | null;
  /** Share of the time that workers were not waiting, on average. */
  readonly busy: number;
  /** Share of the backlog in splits whose worker has no other: more workers would not share it. */
  readonly aloneShare: number;
}

interface Sample {
  readonly at: number;
  /** Sums over the splits: where they end, and what is read. */
  readonly end: number;
  readonly done: number;
  readonly backlog: number;
  /** Who reads, and how many splits each. */
  readonly crew: string;
  /** In the order of `crew`. */
  readonly workers: readonly Progress[];
}

interface Progress {
  readonly done: number;
  readonly backlog: number;
}

export interface TrafficTrace {
  /** Of the workers that the capacity was seen of. */
  readonly render: string;
  readonly topic: string;
  readonly splits: number;
  readonly samples: readonly Sample[];
  readonly capacity: number | null;
  readonly since: number;
  readonly lookedAt: number;
  readonly peaks: readonly { readonly at: number; readonly arrival: number }[];
}

export interface TrafficWatch {
  readonly at: number;
  readonly worker: Pick<WorkerSettings, 'leaseMs' | 'heartbeatMs' | 'commitMs'>;
  readonly settings: AutoscaleSettings;
}

const samplesPerWindow = 4;
const peaksPerCalm = 6;

/** `traffic` is null where nothing can be said: a split is held by nobody, the broker was not heard of, or the window is not full. */
export function watchTraffic(
  heartbeats: readonly SightedHeartbeat[],
  before: TrafficTrace | undefined,
  watch: TrafficWatch,
): { readonly trace: TrafficTrace | undefined; readonly traffic: Traffic | null } {
  const look = lookAt(heartbeats, watch);
  if (look === null) return { trace: before, traffic: null };
  if (before !== undefined && isPartial(look, before, watch)) return { trace: before, traffic: null };
  const goingOn = before !== undefined && goesOn(look, before) ? before : freshTrace(look, watch.at);
  const figures = figuresOf([...goingOn.samples, look.sample], look, watch);
  const known = figures?.arrival === 0 ? withoutSilence(goingOn, watch.at) : goingOn;
  const capacity = learned(known, look, figures);
  const peaks = figures === null ? known.peaks : notePeak(known.peaks, figures.arrival, watch);
  const trace: TrafficTrace = {
    ...{ render: look.render, topic: look.topic, splits: look.splits, since: known.since, lookedAt: watch.at },
    ...{ samples: keptSamples(known.samples, look.sample, watch), capacity, peaks },
  };
  if (figures === null) return { trace, traffic: null };
  const peak = Math.max(figures.arrival, ...peaks.map(({ arrival }) => arrival));
  const peakWatchedMs = Math.min(watch.at - known.since, watch.settings.calmMs);
  const { splits, workers, busy, aloneShare } = look;
  const { atFull: _seen, ...measured } = figures;
  return { trace, traffic: { ...measured, splits, workers, busy, aloneShare, peak, peakWatchedMs, capacity } };
}

interface Look {
  readonly sample: Sample;
  readonly render: string;
  readonly topic: string;
  readonly splits: number;
  readonly workers: number;
  readonly busy: number;
  readonly aloneShare: number;
}

/** One look at all splits; null where nobody reports, or what they say of the broker is old. */
function lookAt(heartbeats: readonly SightedHeartbeat[], { at, worker, settings }: TrafficWatch): Look | null {
  const live = heartbeats
    .filter(
      ({ certainty, at: beatAt, splits }) =>
        certainty !== 'unsure' && at - beatAt <= worker.leaseMs && splits.length > 0,
    )
    .sort((a, b) => a.incarnation - b.incarnation);
  const held = live.flatMap(({ splits }) => splits);
  const oldest = Math.max(settings.windowMs, 3 * worker.heartbeatMs);
  if (live.length === 0 || held.some(({ seenAt }) => at - seenAt > oldest)) return null;
  const splits = furthest(held);
  const workers = live.map(progressOf);
  const gathered = sum(live.map(gatheredBy));
  const lag = sum(splits.map(({ lagRecords }) => lagRecords));
  const alone = sum(
    live.flatMap((one) => (one.splits.length === 1 ? one.splits.map(({ lagRecords }) => lagRecords) : [])),
  );
  return {
    sample: {
      ...{ at, workers, backlog: Math.max(0, lag - gathered) },
      end: sum(splits.map(({ endPosition }) => Number(endPosition))),
      done: sum(splits.map(({ position }) => Number(position))) + gathered,
      crew: live.map((one) => `${one.incarnation}:${one.splits.length}`).join(','),
    },
    ...{ render: live[0]!.render, splits: splits.length, workers: live.length },
    topic: held[0]!.split.replace(/\/\d+$/, ''),
    busy: sum(live.map(({ busyRatio }) => busyRatio)) / live.length,
    aloneShare: lag === 0 ? 0 : alone / lag,
  };
}

/** A split that changes hands is told of by two: who is further on has it. */
function furthest(held: readonly SplitHeartbeat[]): readonly SplitHeartbeat[] {
  const bySplit = new Map<string, SplitHeartbeat>();
  for (const split of held) {
    const known = bySplit.get(split.split);
    if (known === undefined || Number(known.position) < Number(split.position)) bySplit.set(split.split, split);
  }
  return [...bySplit.values()];
}

const gatheredBy = ({ gathering }: SightedHeartbeat): number => gathering?.records ?? 0;

const progressOf = (heartbeat: SightedHeartbeat): Progress => ({
  done: sum(heartbeat.splits.map(({ position }) => Number(position))) + gatheredBy(heartbeat),
  backlog: Math.max(0, sum(heartbeat.splits.map(({ lagRecords }) => lagRecords)) - gatheredBy(heartbeat)),
});

/** Splits are on their way from one worker to another. If they are missing for long, they are gone. */
const isPartial = (look: Look, before: TrafficTrace, { at, settings }: TrafficWatch): boolean =>
  look.topic === before.topic &&
  look.splits < before.splits &&
  at - (before.samples.at(-1)?.at ?? 0) < 3 * settings.windowMs;

/** Not where partitions were added, the topic is another one, or the job was set back. */
const goesOn = (look: Look, before: TrafficTrace): boolean => {
  const last = before.samples.at(-1);
  return (
    look.topic === before.topic &&
    look.splits === before.splits &&
    (last === undefined || (look.sample.end >= last.end && look.sample.done >= last.done))
  );
};

/** While nothing arrives no time passes: what came before the silence is to be expected after it. */
function withoutSilence(trace: TrafficTrace, now: number): TrafficTrace {
  const silentMs = now - trace.lookedAt;
  const peaks = trace.peaks.map((peak) => ({ ...peak, at: peak.at + silentMs }));
  return { ...trace, since: trace.since + silentMs, peaks };
}

const freshTrace = ({ render, topic, splits }: Look, at: number): TrafficTrace => ({
  ...{ render, topic, splits, samples: [], capacity: null, since: at, lookedAt: at, peaks: [] },
});

interface Figures extends Pick<Traffic, 'arrival' | 'backlog' | 'backlogGrows' | 'done' | 'isSaturated'> {
  /** Records a second of each worker that had more to do than it could. */
  readonly atFull: readonly number[];
}

function figuresOf(
  samples: readonly Sample[],
  { sample, workers }: Look,
  { worker, settings }: TrafficWatch,
): Figures | null {
  const { windowMs } = settings;
  const from = samples.findLast(({ at }) => sample.at - at >= windowMs) ?? samples[0]!;
  const spanMs = sample.at - from.at;
  if (spanMs < 0.75 * windowMs) return null;
  const arrival = rate(sample.end - from.end, spanMs);
  const window = samples.filter(({ at }) => at >= from.at);
  const ofCrew = window.slice(window.findLastIndex(({ crew }) => crew !== sample.crew) + 1);
  // Records that are read or written at any moment are no backlog: as many as come between two commits and their telling.
  const standing = (arrival * 2 * (worker.commitMs + worker.heartbeatMs)) / 1_000;
  const full = sample.workers.map((_, index) => fullRate(ofCrew, index, standing / workers, windowMs));
  // One that stands still says nothing of what it can do.
  const atFull = full.filter((one) => one !== null && one > 0) as number[];
  return {
    ...{
      arrival,
      done: rateOver(ofCrew, windowMs),
      atFull,
      isSaturated: full.some((one) => one !== null),
      backlog: sample.backlog,
    },
    backlogGrows: sample.backlog > from.backlog + standing,
  };
}

/** Of one worker since it last had less to read than it could; null where that is too short a time ago. */
function fullRate(samples: readonly Sample[], index: number, standing: number, windowMs: number): number | null {
  const idleAt = samples.findLastIndex(({ workers }) => workers[index]!.backlog <= standing);
  return rateOver(
    samples.slice(idleAt + 1).map(({ at, workers }) => ({ at, done: workers[index]!.done })),
    windowMs,
  );
}

/** Records a second that were got through; null where the samples span less than half a window. */
function rateOver(samples: readonly Pick<Sample, 'at' | 'done'>[], windowMs: number): number | null {
  const [from, to] = [samples[0], samples.at(-1)];
  if (from === undefined || to === undefined || to.at - from.at < windowMs / 2) return null;
  return rate(to.done - from.done, to.at - from.at);
}

const rate = (records: number, ms: number): number => (records * 1_000) / ms;

/** Better news is taken at half its word, worse by and by: whatever holds workers up for a moment does not make them slow. */
function learned({ render, capacity }: TrafficTrace, look: Look, figures: Figures | null): number | null {
  const known = render === look.render ? capacity : null;
  if (figures === null || figures.atFull.length === 0) return known;
  const each = sum(figures.atFull) / figures.atFull.length;
  if (known === null) return each;
  return each > known ? (known + each) / 2 : 0.8 * known + 0.2 * each;
}

function keptSamples(samples: readonly Sample[], next: Sample, { at, settings }: TrafficWatch): readonly Sample[] {
  const last = samples.at(-1);
  const isDue = last === undefined || at - last.at >= settings.windowMs / samplesPerWindow || last.crew !== next.crew;
  const kept = isDue ? [...samples, next] : samples;
  const first = kept.findLastIndex((sample) => at - sample.at >= settings.windowMs);
  return kept.slice(Math.max(0, first));
}

function notePeak(
  peaks: TrafficTrace['peaks'],
  arrival: number,
  { at, settings }: TrafficWatch,
): TrafficTrace['peaks'] {
  const recent = peaks.filter((peak) => at - peak.at <= settings.calmMs);
  const last = recent.at(-1);
  if (last === undefined || at - last.at >= settings.calmMs / peaksPerCalm) return [...recent, { at, arrival }];
  return [...recent.slice(0, -1), { at: last.at, arrival: Math.max(last.arrival, arrival) }];
}
