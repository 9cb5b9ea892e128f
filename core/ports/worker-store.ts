// The port to the workers' items: heartbeats, the leader's lease, and the leader's assignment of splits.
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { StoredLive } from '#core/job/live-settings.ts';

/** Who leads a job. `counter` grows with each renewal; a challenger that saw it stand still for the lease's length may take over. */
export interface LeaderRecord {
  readonly worker: string;
  readonly epoch: number;
  readonly counter: number;
}

export interface Assignment {
  /** Grows with each change; conditional on the leader's epoch, so a deposed leader cannot write it. */
  readonly version: number;
  readonly leaderEpoch: number;
  /** split → worker. */
  readonly owners: Readonly<Record<string, string>>;
}

/** All of a job's items, by one consistent read. */
export interface JobView {
  readonly heartbeats: readonly Heartbeat[];
  /** Workers that somebody declared dead: their splits are free at once, and their own writes are refused. */
  readonly fenced: readonly string[];
  readonly leader: LeaderRecord | null;
  readonly assignment: Assignment | null;
  /** Settings that running workers take over; null where none were stored since the job began. */
  readonly live: StoredLive | null;
}

export interface WorkerStore {
  /** Writes the heartbeat, unless the worker was fenced or removed after it began. */
  beat(heartbeat: Heartbeat): Promise<'alive' | 'fenced'>;
  view(job: string): Promise<JobView>;
  /** Every heartbeat of the platform but those of fenced workers; eventually consistent, for a pass over all jobs. */
  listHeartbeats(): Promise<readonly Heartbeat[]>;
  /** Declares a worker dead, and ends its lead. Idempotent; works for a worker that never reported. */
  fence(job: string, worker: string): Promise<void>;
  /** Forgets a worker that ended in order, or that was fenced and is certain not to come back. */
  remove(job: string, worker: string): Promise<void>;
  /** Creates or renews (same worker) or takes over (`seen` is what was there) the leader's lease; null when somebody was faster. */
  lead(job: string, worker: string, seen: LeaderRecord | null): Promise<LeaderRecord | null>;
  /** Gives up the lease, so that another may lead at once. */
  resignLead(job: string, held: LeaderRecord): Promise<void>;
  assign(job: string, held: LeaderRecord, owners: Readonly<Record<string, string>>): Promise<'assigned' | 'deposed'>;
  /** For the job's workers to take over; one of an older revision than is stored changes nothing. */
  setLive(job: string, live: StoredLive): Promise<void>;
  clear(job: string): Promise<void>;
}
