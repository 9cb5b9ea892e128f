// A worker's part in its job: one round reads the view, leads if nobody does, and says which splits to take and to leave.

import { isPlatformError, messageOf } from '#core/errors.ts';
import {
  assignableWorkers,
  type ClaimDecision,
  countersOf,
  decideClaims,
  decideLead,
  type Standpoint,
} from '#core/graph/claim-splits.ts';
import { type Sightings, sight } from '#core/graph/sightings.ts';
import type { WorkerSettings } from '#core/job/job-goal.ts';
import type { StoredLive } from '#core/job/live-settings.ts';
import type { SplitRecord, SplitRef } from '#core/ports/split-store.ts';
import type { JobView, LeaderRecord } from '#core/ports/worker-store.ts';
import { Checkpoints } from './checkpoints.ts';
import type { ErrorsSeen } from './errors-seen.ts';
import { Leader } from './leader.ts';
import type { Lease } from './lease.ts';
import type { WorkerParts } from './parts.ts';

/** Of a heartbeat: a round that comes a little early renews all the same. */
const renewalShare = 0.75;

export type Round =
  | { readonly kind: 'fenced'; readonly why: string }
  | { readonly kind: 'decided'; readonly decision: ClaimDecision; readonly live: StoredLive | null };

/** Why a worker ends whose lease is over. */
export const noLease = ({ leaseMs }: Pick<WorkerSettings, 'leaseMs'>): string =>
  `no heartbeat was accepted for ${leaseMs} ms`;

export class Membership {
  readonly checkpoints: Checkpoints;
  readonly #parts: WorkerParts;
  readonly #lease: Pick<Lease, 'isOver'>;
  readonly #leader: Leader;
  #sightings: Sightings = new Map();
  #lead: LeaderRecord | null = null;
  #checkpointing = false;
  #leadsSinceMs: number | null = null;
  #renewedMs = 0;
  readonly #errors: Pick<ErrorsSeen, 'note'>;

  constructor(parts: WorkerParts, lease: Pick<Lease, 'isOver'>, errors: Pick<ErrorsSeen, 'note'>) {
    this.#parts = parts;
    this.#lease = lease;
    this.#errors = errors;
    this.checkpoints = new Checkpoints(parts);
    this.#leader = new Leader(parts, this.checkpoints);
  }

  get leads(): boolean {
    return this.#lead !== null;
  }

  /** Since when, by the monotonic clock; null: it does not. */
  get leadsSinceMs(): number | null {
    return this.leads ? this.#leadsSinceMs : null;
  }

  /** Throws while the stores cannot be reached; nothing is decided then. */
  async round(held: readonly SplitRef[]): Promise<Round> {
    const { identity, goal, clock, workers, splits } = this.#parts;
    // Records first: whoever holds one of them is in the view, or gone. A view that was read before may not know its owner yet.
    const records = await splits.list(identity.job);
    // What stood still until this had stood still when the view was read; until it has arrived it may have moved again.
    const askedMs = clock.monotonicMs();
    const view = await workers.view(identity.job);
    if (view.fenced.includes(identity.worker)) return { kind: 'fenced', why: 'this worker was declared dead' };
    // It stood still. Others may have seen it as gone since, and the job may be over and cleared: nothing of it is to be made again.
    if (this.#lease.isOver) return { kind: 'fenced', why: noLease(goal.settings) };
    this.#sightings = sight(this.#sightings, countersOf(view), clock.monotonicMs());
    const { leaseMs } = goal.settings;
    const standpoint = { me: identity.worker, view, sightings: this.#sightings, nowMs: askedMs, leaseMs };
    const led = await this.#leadRound(standpoint, records);
    const decision = decideClaims({ ...standpoint, view: led.view }, led.records, held);
    return { kind: 'decided', decision, live: view.live };
  }

  async #leadRound(
    standpoint: Standpoint,
    records: readonly SplitRecord[],
  ): Promise<{ readonly view: JobView; readonly records: readonly SplitRecord[] }> {
    const { identity, goal, workers, log } = this.#parts;
    const { view } = standpoint;
    const wasLeading = this.leads;
    const decision = decideLead(standpoint);
    if (decision === 'follow') this.#lead = null;
    else if (decision === 'take' || this.#isRenewalDue(view, standpoint.nowMs)) {
      this.#lead = await workers.lead(identity.job, identity.worker, view.leader);
      this.#renewedMs = standpoint.nowMs;
    }
    if (this.leads && !wasLeading) {
      this.#leadsSinceMs = this.#parts.clock.monotonicMs();
      this.checkpoints.lookAgain();
    }
    if (this.leads !== wasLeading)
      log.info(this.leads ? 'leads the job' : 'does not lead the job any more', { leader: this.#lead ?? view.leader });
    if (this.#lead === null) return { view, records };
    const all = await this.#leader.ensureItems(records);
    const assignment = await this.#leader.share(
      this.#lead,
      all,
      assignableWorkers(goal.uid, standpoint),
      view.assignment,
    );
    if (assignment === null) this.#lead = null;
    else if (this.checkpoints.isDue()) void this.checkpoint();
    // An item that another made and took meanwhile is newer than the view, where its owner may be missing: the next round sees both.
    const listed = new Set(records.map(({ split }) => split));
    const seen = all.filter(({ split, owner }) => owner === null || listed.has(split));
    return { view: { ...view, assignment }, records: seen };
  }

  /** A round reads; the lease of the leader is written at the pace of heartbeats only, since each write is paid for. */
  #isRenewalDue(view: JobView, nowMs: number): boolean {
    if (this.#lead === null || this.#lead.epoch !== view.leader?.epoch) return true;
    return nowMs - this.#renewedMs >= this.#parts.goal.settings.heartbeatMs * renewalShare;
  }

  /** Takes a checkpoint, if leading and if none is being taken. Losing one costs nothing but its freshness. */
  async checkpoint(): Promise<void> {
    if (!this.leads || this.#checkpointing) return;
    this.#checkpointing = true;
    try {
      await this.checkpoints.take();
    } catch (error) {
      // Told with every heartbeat: a checkpoint that grows old by the bucket's fault is nothing to replace a leader for.
      const isOutside = isPlatformError(error) && error.fault === 'external';
      this.#errors.note(isOutside ? 'checkpoint-failed' : 'checkpoint-not-taken', messageOf(error));
    } finally {
      this.#checkpointing = false;
    }
  }

  async resign(): Promise<void> {
    if (this.#lead === null) return;
    const held = this.#lead;
    this.#lead = null;
    await this.#parts.workers.resignLead(this.#parts.identity.job, held);
  }
}
