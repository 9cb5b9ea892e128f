// A job under the autoscaler in virtual time: the product's measuring and decisions; splits, workers and what they get through are modelled.
import { effectiveWorkers } from '#core/autoscale/decide-workers.ts';
import { planScaling } from '#core/autoscale/plan-scaling.ts';
import type { AutoscaleSettings } from '#core/autoscale/settings.ts';
import { type TrafficTrace, watchTraffic } from '#core/autoscale/traffic.ts';
import { assignSplits } from '#core/graph/assign-splits.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { awsSettings } from '#core/graph/platform-settings.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { freshControl } from '#core/plan/control.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import type { AutoscaleSpec } from '#core/spec/autoscale.ts';
import { aHeartbeat, aJobEntry, aJobGoal, anObservedJob, theTime } from '#test/support/builders.ts';
import type { Shape } from './shapes.ts';

export interface ModelOptions {
  readonly autoscale: AutoscaleSpec;
  readonly splits: number;
  readonly workers: number;
  /** From the request until a new worker reads. */
  readonly restartSeconds: number;
  /** While splits change hands nothing of them is read. */
  readonly handOverSeconds: number;
  readonly tickSeconds: number;
  readonly settings?: AutoscaleSettings;
  /** After so many seconds the reconciler starts anew, with nothing in its memory. */
  readonly reconcilerRestartsAt?: readonly number[];
}

export interface ModelRun {
  readonly workerHours: number;
  readonly secondsAbove: number;
  readonly changes: number;
  readonly events: readonly PlatformEvent[];
  /** Wanted workers, minute by minute. */
  readonly workers: readonly number[];
  readonly control: ControlRecord;
  /** How often the control record was written. */
  readonly writes: number;
}

/** Records a second of one worker. */
const each = 1_000;
const sweepSeconds = 60;

export function runModel(shape: Shape, options: ModelOptions): ModelRun {
  const model = new JobModel(options);
  for (let second = 0; second < shape.hours * 3_600; second += options.tickSeconds)
    model.tick(second, shape.load(second));
  return model.result();
}

class JobModel {
  readonly #options: ModelOptions;
  readonly #entry: JobEntry;
  readonly #settings;
  readonly #ends: number[];
  readonly #positions: number[];
  #control: ControlRecord;
  #trace: TrafficTrace | undefined;
  #owners: Record<string, string> = {};
  /** Slots of those that the splits were last shared among. */
  #shared = '';
  /** Splits of each worker. */
  #crews: readonly (readonly number[])[] = [];
  #handedOverAt = Number.NEGATIVE_INFINITY;
  #nextPassAt = 0;
  #busy = 0;
  #paid = 0;
  #above = 0;
  #writes = 0;
  readonly #events: PlatformEvent[] = [];
  readonly #workers: number[] = [];

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#settings = { ...awsSettings, ...(options.settings ? { autoscale: options.settings } : {}) };
    const resources = { workers: options.workers, cpu: 0.25, memoryMiB: 512 };
    const goal = aJobGoal({ resources, settings: this.#settings.worker });
    this.#entry = aJobEntry({ goal, autoscale: options.autoscale });
    this.#ends = Array.from({ length: options.splits }, () => 0);
    this.#positions = Array.from({ length: options.splits }, () => 0);
    const { render } = this.#entry;
    const startedAt = theTime - options.restartSeconds * 1_000;
    const slots = Array.from({ length: options.workers }, (_, slot) => [slot, slotOf(slot + 1, render, startedAt)]);
    this.#control = {
      ...freshControl(goal.id, goal.uid),
      ...{ revisionActed: 1, incarnationLast: options.workers, slots: Object.fromEntries(slots) },
      good: { revision: 1, render },
    };
  }

  tick(second: number, load: number): void {
    if (this.#options.reconcilerRestartsAt?.some((at) => at >= second && at < second + this.#options.tickSeconds))
      this.#trace = undefined;
    const now = theTime + second * 1_000;
    const live = this.#live(now);
    this.#assign(live, now);
    this.#flow(load, now);
    const backlog = sum(this.#ends) - sum(this.#positions);
    this.#paid += Object.keys(this.#control.slots).length * this.#options.tickSeconds;
    if (backlog > (this.#entry.autoscale.drainMs / 1_000) * effectiveWorkers(live.length, this.#options.splits) * each)
      this.#above += this.#options.tickSeconds;
    if (second % 60 === 0) this.#workers.push(Object.keys(this.#control.slots).length);
    if (now < this.#nextPassAt) return;
    this.#nextPassAt = now + sweepSeconds * 1_000;
    this.#pass(now);
  }

  result(): ModelRun {
    const changes = this.#events.filter(({ reason }) => reason === 'ScaledUp' || reason === 'ScaledDown').length;
    return {
      ...{ workerHours: this.#paid / 3_600, secondsAbove: this.#above, changes },
      ...{ events: this.#events, workers: this.#workers, control: this.#control, writes: this.#writes },
    };
  }

  /** Slots whose workers are up. */
  #live(now: number): readonly (readonly [number, SlotRecord])[] {
    const upAfterMs = this.#options.restartSeconds * 1_000;
    return Object.entries(this.#control.slots)
      .map(([slot, record]) => [Number(slot), record] as const)
      .filter(([, { startedAt }]) => now - startedAt >= upAfterMs);
  }

  #assign(live: readonly (readonly [number, SlotRecord])[], now: number): void {
    const among = live.map(([slot]) => slot).join();
    if (among === this.#shared) return;
    this.#shared = among;
    const splits = this.#ends.map((_, split) => splitName(split));
    const owners = assignSplits(
      splits,
      live.map(([slot]) => String(slot)),
      this.#owners,
    );
    const isFirst = Object.keys(this.#owners).length === 0;
    if (!isFirst && splits.some((split) => owners[split] !== this.#owners[split])) this.#handedOverAt = now;
    this.#owners = owners;
    this.#crews = [...Map.groupBy(this.#ends.keys(), (split) => owners[splitName(split)]!).values()];
  }

  #flow(load: number, now: number): void {
    for (const split of this.#ends.keys())
      this.#ends[split]! += Math.round((load * each * this.#options.tickSeconds) / this.#ends.length);
    const reads = now - this.#handedOverAt >= this.#options.handOverSeconds * 1_000;
    const can = reads ? each * this.#options.tickSeconds : 0;
    const shares = this.#crews.map((splits) => this.#read(splits, can));
    this.#busy = shares.length === 0 || can === 0 ? 0 : sum(shares) / shares.length / can;
  }

  /** One worker reads what its splits have, evenly, as far as it can. */
  #read(splits: readonly number[], can: number): number {
    const waits = splits.map((split) => this.#ends[split]! - this.#positions[split]!);
    const share = Math.min(1, can / Math.max(1, sum(waits)));
    for (const [index, split] of splits.entries()) this.#positions[split]! += Math.floor(waits[index]! * share);
    return sum(waits) * share;
  }

  #pass(now: number): void {
    const heartbeats = this.#heartbeats(now);
    const watch = { at: now, worker: this.#settings.worker, settings: this.#settings.autoscale };
    const { trace, traffic } = watchTraffic(heartbeats, this.#trace, watch);
    this.#trace = trace;
    const observed = anObservedJob({ at: now, heartbeats, control: this.#control, ...(traffic ? { traffic } : {}) });
    const step = planScaling([[this.#entry, observed]], this.#settings).get(this.#entry.goal.id);
    if (step === undefined) return;
    this.#events.push(...step.events);
    const { scale, ...rest } = this.#control;
    if (step.record !== scale) this.#writes++;
    this.#control = { ...rest, ...(step.record ? { scale: step.record } : {}) };
    this.#bringTo(step.record?.workers ?? this.#options.workers, now);
    if (step.nextPassAt !== undefined) this.#nextPassAt = Math.min(this.#nextPassAt, step.nextPassAt);
  }

  #bringTo(wanted: number, now: number): void {
    const { slots, incarnationLast } = this.#control;
    const kept = Object.entries(slots).filter(([slot]) => Number(slot) < wanted);
    const missing = Array.from({ length: wanted }, (_, slot) => slot).filter((slot) => slots[slot] === undefined);
    const started = missing.map((slot, index) => [slot, slotOf(incarnationLast + 1 + index, this.#entry.render, now)]);
    this.#control = {
      ...this.#control,
      slots: { ...Object.fromEntries(kept), ...Object.fromEntries(started) },
      incarnationLast: incarnationLast + started.length,
    };
  }

  #heartbeats(now: number): readonly Heartbeat[] {
    const upAfterMs = this.#options.restartSeconds * 1_000;
    return this.#live(now).map(([slot, { incarnation, startedAt }]) =>
      aHeartbeat(this.#entry, incarnation, {
        ...{ slot, at: now, startedAt: startedAt + upAfterMs, busyRatio: Number(this.#busy.toFixed(3)) },
        splits: [...this.#ends.keys()]
          .filter((split) => this.#owners[splitName(split)] === String(slot))
          .map((split) => ({
            ...{ split: splitName(split), epoch: 1, movedAt: now, seenAt: now },
            ...{ position: String(this.#positions[split]), endPosition: String(this.#ends[split]) },
            lagRecords: this.#ends[split]! - this.#positions[split]!,
          })),
      }),
    );
  }
}

const splitName = (split: number): string => `playback-events/${split}`;

const slotOf = (incarnation: number, render: string, startedAt: number): SlotRecord => ({
  ...{ incarnation, render, startedAt, failureCount: 0, nextStartAt: startedAt },
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
