// A worker store in memory, held to the same contract as the real one: for simulations of the control loop.
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { StoredLive } from '#core/job/live-settings.ts';
import type { Assignment, LeaderRecord, WorkerStore } from '#core/ports/worker-store.ts';
import { frozenCopy } from '#test/support/plain-copy.ts';

interface JobMemory {
  readonly heartbeats: Map<string, Heartbeat>;
  readonly fenced: Set<string>;
  /** Workers that were heard of: one that was removed does not come back. */
  readonly begun: Set<string>;
  leaderEpoch: number;
  leader: LeaderRecord | null;
  assignment: Assignment | null;
  live: StoredLive | null;
}

/** One instance is what all its users see; `wipe` loses everything, as a lost table would. */
export function createMemoryWorkerStore(): WorkerStore & { wipe(): void } {
  const jobs = new Map<string, JobMemory>();
  const memory = (job: string): JobMemory => {
    const made = jobs.get(job) ?? newMemory();
    jobs.set(job, made);
    return made;
  };
  return {
    beat: async (heartbeat) => beat(memory(heartbeat.job), heartbeat),
    view: async (job) => {
      const { heartbeats, fenced, leader, assignment, live } = memory(job);
      return { heartbeats: [...heartbeats.values()], fenced: [...fenced], leader, assignment, live };
    },
    listHeartbeats: async () =>
      [...jobs.values()].flatMap(({ heartbeats, fenced }) =>
        [...heartbeats.values()].filter(({ worker }) => !fenced.has(worker)),
      ),
    fence: async (job, worker) => {
      const it = memory(job);
      it.fenced.add(worker);
      if (it.leader?.worker === worker) it.leader = null;
    },
    remove: async (job, worker) => {
      memory(job).fenced.delete(worker);
      memory(job).heartbeats.delete(worker);
    },
    lead: async (job, worker, seen) => lead(memory(job), worker, seen),
    resignLead: async (job, held) => {
      if (isHeld(memory(job), held)) memory(job).leader = null;
    },
    assign: async (job, held, owners) => {
      const it = memory(job);
      if (!isHeld(it, held)) return 'deposed';
      const version = (it.assignment?.version ?? 0) + 1;
      it.assignment = frozenCopy({ version, leaderEpoch: held.epoch, owners });
      return 'assigned';
    },
    setLive: async (job, live) => {
      const it = memory(job);
      if ((it.live?.revision ?? 0) <= live.revision) it.live = frozenCopy(live);
    },
    clear: async (job) => {
      jobs.set(job, { ...newMemory(), begun: memory(job).begun });
    },
    wipe: () => jobs.clear(),
  };
}

const newMemory = (): JobMemory => ({
  heartbeats: new Map(),
  fenced: new Set(),
  begun: new Set(),
  leaderEpoch: 0,
  leader: null,
  assignment: null,
  live: null,
});

function beat(it: JobMemory, heartbeat: Heartbeat): 'alive' | 'fenced' {
  const { worker } = heartbeat;
  const wasRemoved = it.begun.has(worker) && !it.heartbeats.has(worker);
  if (it.fenced.has(worker) || wasRemoved) return 'fenced';
  it.begun.add(worker);
  it.heartbeats.set(worker, frozenCopy(heartbeat));
  return 'alive';
}

function lead(it: JobMemory, worker: string, seen: LeaderRecord | null): LeaderRecord | null {
  if (seen?.worker === worker) {
    if (!isHeld(it, seen)) return null;
    it.leader = frozenCopy({ ...it.leader!, counter: it.leader!.counter + 1 });
    return it.leader;
  }
  if (it.leader?.worker === worker) return it.leader;
  if (it.fenced.has(worker)) return null;
  const { leader } = it;
  const isAsSeen =
    leader === null
      ? seen === null || seen.epoch === it.leaderEpoch
      : leader.worker === seen?.worker && leader.epoch === seen.epoch && leader.counter === seen.counter;
  if (!isAsSeen) return null;
  it.leaderEpoch++;
  it.leader = frozenCopy({ worker, epoch: it.leaderEpoch, counter: 1 });
  return it.leader;
}

const isHeld = ({ leader }: JobMemory, held: LeaderRecord): boolean =>
  leader !== null && leader.worker === held.worker && leader.epoch === held.epoch;
