// A worker in virtual time: the product's own membership, leader, checkpoints, holdings, commits and lease; only records and timers are modelled.
import { messageOf } from '#core/errors.ts';
import type { RecordProcessor } from '#core/expression/index.ts';
import { judgeProgress } from '#core/health/progress.ts';
import type { ExitName } from '#core/job/exit-codes.ts';
import type { WorkerState } from '#core/job/heartbeat.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { roundPauses } from '#core/job/pace.ts';
import { parseJobGoal } from '#core/job/parse-goal.ts';
import { environment, readJobId } from '#core/names.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { SplitRef, SplitStore } from '#core/ports/split-store.ts';
import type { TaskRequest } from '#core/ports/task-runner.ts';
import type { WorkerStore } from '#core/ports/worker-store.ts';
import type { MemoryBrokerAdmin } from '#test/support/memory-broker-admin.ts';
import { Commits } from '#workers/commits.ts';
import { ErrorsSeen } from '#workers/errors-seen.ts';
import { Heartbeats } from '#workers/heartbeats.ts';
import { Holdings } from '#workers/holdings.ts';
import type { Cluster, TopicInfo } from '#workers/kafka/cluster.ts';
import { errorCodes } from '#workers/kafka/error-codes.ts';
import { Lease } from '#workers/lease.ts';
import { takeOver } from '#workers/live-goal.ts';
import { Membership } from '#workers/membership.ts';
import type { WorkerIdentity, WorkerParts } from '#workers/parts.ts';
import { PathHost, type SplitPath } from '#workers/path-host.ts';
import type { OpenPath } from '#workers/path-messages.ts';
import type { Split } from '#workers/split.ts';
import { resolveUnreadable } from '#workers/unreadable-split.ts';
import type { Ledger } from './ledger.ts';
import type { Actor, Network } from './network.ts';
import { isBadGoal } from './people.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface WorkerWorld {
  readonly time: VirtualTime;
  readonly network: Network;
  readonly broker: MemoryBrokerAdmin;
  readonly ledger: Ledger;
  readonly workers: WorkerStore;
  readonly splits: SplitStore;
  readonly objects: ObjectStore;
  readonly log: Logger;
  /** Until then the sink acknowledges nothing. */
  sinkDownUntil: number;
  produceMs(): number;
  exited(worker: ModelWorker, reason: ExitName): void;
}

const batchRecords = 20;
/** A replay goes slowly, so that something can happen to it. */
const batchOf = ({ replay }: JobGoal): number => (replay === undefined ? batchRecords : 1);
const badLifeMs = 400;
const metadataMs = 5_000;

/** What becomes of a record: the model's stand-in for the job's program. */
export type RecordFate = 'passes' | 'is filtered' | 'is poison';
export function fateOf(partition: number, offset: number): RecordFate {
  const roll = (offset * 7 + partition * 3) % 10;
  return roll < 5 ? 'passes' : roll < 9 ? 'is filtered' : 'is poison';
}

/** What the gate of a replay lets through: dead letters of the topic, and up to the end, that it was asked for. */
const isMeant = ({ replay }: JobGoal, { partition, topicId }: Split, offset: number): boolean =>
  replay === undefined || (offset < (replay.ends[partition] ?? 0) && topicId === replay.topicId);

export class ModelWorker {
  readonly actor: Actor;
  readonly taskId: string;
  readonly identity: WorkerIdentity;
  /** Milliseconds that its wall clock is ahead of the world's. */
  skewMs = 0;
  goal: JobGoal | null = null;
  /** When a store last accepted its heartbeat. */
  aliveAt = 0;
  isOver = false;
  /** What of it never goes on, although it beats: its rounds over the splits, or the checkpoint that it is taking. */
  readonly hangs = { rounds: false, checkpoints: false };
  readonly #world: WorkerWorld;
  readonly #ports: Pick<WorkerParts, 'workers' | 'splits' | 'objects'>;
  readonly #clock: Clock;
  readonly #monotonicStart: number;
  readonly #goalKey: string;
  #core: Core | null = null;
  #draining = false;
  #rounding: Promise<unknown> = Promise.resolve();
  #beating: Promise<void> | null = null;
  #lookedMs: number | null = null;

  constructor(
    world: WorkerWorld,
    actor: Actor,
    taskId: string,
    request: TaskRequest,
    ports: Pick<WorkerParts, 'workers' | 'splits' | 'objects'>,
  ) {
    this.#world = world;
    this.actor = actor;
    this.taskId = taskId;
    this.#ports = { ...ports, objects: { ...ports.objects, put: this.#put(ports.objects) } };
    this.#monotonicStart = world.time.now - 1_000;
    this.#clock = {
      now: () => world.time.now + this.skewMs,
      monotonicMs: () => world.time.now - this.#monotonicStart,
    };
    const env = request.environment;
    this.#goalKey = env[environment.goal]!;
    this.identity = {
      ...{ job: env[environment.job]!, worker: env[environment.worker]!, render: env[environment.render]!, pid: 1 },
      ...{ incarnation: Number(env[environment.incarnation]), slot: Number(env[environment.slot]) },
    };
  }

  /** Splits that it holds and believes to be allowed to work on. */
  get heldSplits(): readonly Split[] {
    return this.#core?.host.splits ?? [];
  }

  /** By its own clock it holds its lease. */
  get mayWork(): boolean {
    return !this.isOver && (this.#core?.lease.isHeld ?? false);
  }

  get leads(): boolean {
    return this.#core?.membership.leads ?? false;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  async start(): Promise<void> {
    const goal = await this.#readGoal();
    if (goal === null || this.isOver) return;
    this.goal = goal;
    if (isBadGoal(goal)) this.#world.time.after(badLifeMs, () => this.#end('internal'));
    const core = this.#compose(goal);
    this.#core = core;
    await this.#beat();
    const { network } = this.#world;
    const { heartbeatMs, commitMs } = goal.settings;
    network.every(this.actor, heartbeatMs, () => void this.#beat());
    network.every(this.actor, commitMs, () => void this.#commit(core));
    network.every(this.actor, Math.min(1_000, heartbeatMs / 2), () => {
      this.#watch();
      this.#read();
    });
    network.every(this.actor, metadataMs, () => void core.cluster.refresh());
    void this.#rounds(goal, core);
  }

  /** SIGTERM. */
  async drain(): Promise<void> {
    if (this.#draining || this.isOver) return;
    this.#draining = true;
    const core = this.#core;
    const goal = this.goal;
    if (core === null || goal === null) return this.#end('ended');
    const { workers } = core.parts;
    const { job, worker } = this.identity;
    const wasLeading = core.membership.leads;
    const resigned = this.#beat().then(() => core.membership.resign());
    resigned.catch(() => {});
    // The product's own time limit runs on a real timer: here the model makes the splits give up in virtual time.
    this.#world.time.after(goal.settings.drainMs, () => {
      for (const split of core.host.splits) if (!this.isOver && !split.isSettled) split.rewind();
    });
    const letGoOfAll = async (): Promise<void> => {
      while (core.holdings.all.length > 0)
        await Promise.all(core.holdings.all.map(({ name }) => core.holdings.letGo(name, goal.settings.drainMs)));
    };
    await letGoOfAll();
    await Promise.race([this.#rounding, this.#world.network.sleep(this.actor, goal.settings.leaseMs)]);
    await letGoOfAll();
    try {
      await resigned;
      await core.membership.resign();
      if (wasLeading) await core.membership.checkpoints.take();
      await this.#beating;
      await workers.remove(job, worker);
    } catch {
      // Others wait until the lease has run out.
    }
    this.#end('ended');
  }

  readonly #put =
    (objects: ObjectStore): ObjectStore['put'] =>
    (...inputs) =>
      this.hangs.checkpoints ? new Promise(() => {}) : objects.put(...inputs);

  /** SIGKILL, or the kernel. */
  kill(): void {
    this.isOver = true;
    this.actor.alive = false;
  }

  async #readGoal(): Promise<JobGoal | null> {
    for (let attempt = 1; attempt <= 3; attempt++) {
      try {
        const bytes = await this.#ports.objects.get(this.#goalKey);
        const parsed = bytes === null ? null : parseJobGoal(bytes);
        if (parsed?.ok) return parsed.value;
        this.#end('badGoal');
        return null;
      } catch {
        await this.#world.network.sleep(this.actor, 500 * attempt);
      }
    }
    this.#end('unavailable');
    return null;
  }

  #compose(goal: JobGoal): Core {
    const { broker, log } = this.#world;
    const cluster = new ModelCluster(broker, goal.source.topic);
    const parts: WorkerParts = {
      ...{ ...this.#ports, identity: this.identity, goal, clock: this.#clock, log, eventTime: null },
      secrets: { read: async () => null },
      registries: () => null as never,
      signer: { sign: async () => ({}) },
      // Only what the parts under test use of them: the topic's metadata, offsets, and a count.
      cluster: cluster as unknown as Cluster,
      processor: { mismatchCount: 0 } as unknown as RecordProcessor,
      warehouse: null as unknown as WorkerParts['warehouse'],
    };
    const lease = new Lease(goal.settings.leaseMs, () => this.#clock.monotonicMs());
    const errors = new ErrorsSeen(log, this.#clock);
    const path: SplitPath = {
      ...{ open: async () => {}, close: async () => {}, add: () => {}, forget: () => {} },
      commitTransactions: async () => {},
      remove: (split: Split) => void split.generation++,
      ...{ isRefused: false, newestAt: null, mismatchCount: 0, gathering: null },
    };
    const onFenced = (split: SplitRef): void => {
      holdings.drop(split);
      void this.#beat();
    };
    const commits = new Commits(parts, lease, errors, onFenced);
    const hosts: PathHost[] = [];
    const open: OpenPath = (tell) => {
      const seen = new ErrorsSeen(log, this.#clock);
      const host = new PathHost({ worker: parts, path, errors: seen, tell });
      hosts.push(host);
      return { post: (message) => host.receive(message) };
    };
    const holdings: Holdings = new Holdings({ worker: parts, commits, errors, paths: [open], onFenced });
    return {
      ...{ parts, cluster, lease, errors, commits, holdings, membership: new Membership(parts, lease, errors) },
      host: hosts[0]!,
      // Asked of the system with every heartbeat it would be a tenth of a run's cost, and no run is about it.
      heartbeats: new Heartbeats(parts, () => 64 * 1024 * 1024),
    };
  }

  async #rounds(goal: JobGoal, core: Core): Promise<void> {
    const pauseMs = roundPauses(goal.settings);
    while (!this.isOver && !this.#draining) {
      let waits = true;
      try {
        if (this.hangs.rounds) await new Promise(() => {});
        const round = this.#round(goal, core);
        this.#rounding = round.catch(() => {});
        waits = await round;
        this.#lookedMs = this.#clock.monotonicMs();
      } catch (error) {
        core.errors.note('worker-store-failed', messageOf(error));
      }
      await this.#world.network.sleep(this.actor, pauseMs(waits));
    }
  }

  async #round(goal: JobGoal, core: Core): Promise<boolean> {
    const round = await core.membership.round(core.holdings.all);
    if (round.kind === 'fenced') {
      this.#end('fenced');
      return false;
    }
    if (takeOver(core.parts, round.live)) void this.#beat();
    if (this.#draining || !core.lease.isHeld) return true;
    const { claim, lost, release, free, waitingFor } = round.decision;
    for (const split of lost) core.holdings.drop(split);
    for (const name of release) void core.holdings.letGo(name, goal.settings.drainMs);
    const hadNone = core.holdings.all.length === 0;
    await core.holdings.free(free);
    await core.holdings.claim(claim);
    if (hadNone && core.holdings.all.length > 0) void this.#beat();
    return waitingFor.length > 0 || lost.length > 0 || core.holdings.all.length === 0;
  }

  async #beat(): Promise<void> {
    if (this.isOver || this.#core === null) return;
    this.#beating ??= this.#sendBeat(this.#core).finally(() => {
      this.#beating = null;
    });
    await this.#beating;
  }

  async #commit(core: Core): Promise<void> {
    await core.holdings.paths.look();
    await core.commits.commitAll(core.holdings.all);
  }

  async #sendBeat(core: Core): Promise<void> {
    await core.holdings.paths.look();
    const sentMs = this.#clock.monotonicMs();
    const heartbeat = core.heartbeats.next({
      ...{ state: this.#state, leadsSinceMs: core.membership.leadsSinceMs, lookedMs: this.#lookedMs },
      holdings: core.holdings.all,
      ...{ retired: core.holdings.retired, lastCheckpoint: core.membership.checkpoints.latest },
      paths: core.holdings.paths.state,
      errors: core.errors.latest(),
    });
    try {
      if ((await core.parts.workers.beat(heartbeat)) === 'fenced') return this.#end('fenced');
      core.lease.renew(sentMs);
    } catch {
      // Not renewed: the lease runs out by itself.
    }
  }

  get #state(): WorkerState {
    if (this.#draining) return 'draining';
    if (this.heldSplits.some(({ state }) => state === 'stuck')) return 'stuck';
    return this.heldSplits.length === 0 ? 'starting' : 'running';
  }

  #watch(): void {
    const core = this.#core;
    if (core === null || this.isOver) return;
    if (core.lease.isOver) {
      this.#end('fenced');
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const splits = this.heldSplits
      .filter(({ state }) => state !== 'stuck')
      .map(({ name, lagRecords, movedMs }) => ({ split: name, lagRecords, movedMs }));
    const refusedMs = this.#world.sinkDownUntil > this.#world.time.now ? nowMs : null;
    const { stalledAfterMs } = core.parts.goal;
    if (judgeProgress({ nowMs, stalledAfterMs, splits, refusedMs }).kind === 'stalled') this.#end('noProgress');
  }

  /** One fetch of every split: what is there is worked on at once; its output is on its way until the sink has it. */
  #read(): void {
    const core = this.#core;
    if (core === null || this.isOver || !core.lease.isHeld) return;
    for (const split of core.host.splits) {
      if (split.state !== 'reading') continue;
      const topic = this.#world.broker.look(split.topic);
      const start = topic?.starts[split.partition];
      const end = topic?.ends[split.partition];
      if (topic === null || start === undefined || end === undefined)
        this.#hold(core, split, errorCodes.unknownTopicId);
      else if (topic.topicId !== split.topicId) this.#hold(core, split, errorCodes.unknownTopicId);
      else if (split.fetchOffset < start || split.fetchOffset > end)
        this.#hold(core, split, errorCodes.offsetOutOfRange);
      else {
        split.noteEnd(end);
        if (end > split.fetchOffset)
          this.#work(core, split, Math.min(end, split.fetchOffset + batchOf(core.parts.goal)));
      }
    }
  }

  #hold(core: Core, split: Split, errorCode: number): void {
    split.state = 'holding';
    void core.cluster.refresh();
    void resolveUnreadable(split, errorCode, core.parts.cluster, core.errors, core.parts.goal.replay)
      .then(() => this.#world.network.sleep(this.actor, 1_000))
      .finally(() => {
        if (split.state === 'holding') split.state = 'reading';
      });
  }

  #work(core: Core, split: Split, end: number): void {
    const { time, ledger, network } = this.#world;
    const unit = split.openUnit();
    const job = this.identity.job;
    const { name, topicId } = split;
    const outputs: number[] = [];
    for (let offset = split.fetchOffset; offset < end; offset++) {
      const fate = isMeant(core.parts.goal, split, offset) ? fateOf(split.partition, offset) : null;
      if (fate !== null) unit.in++;
      if (fate === 'passes') unit.out++;
      else if (fate === 'is filtered') unit.filtered++;
      else if (fate === 'is poison') unit.deadLettered++;
      if (fate === 'passes' || fate === 'is poison') outputs.push(offset);
      else ledger.settle(job, name, topicId, offset);
    }
    split.fetchOffset = end;
    if (outputs.length > 0) {
      unit.attach();
      const send = (): void => {
        if (!this.actor.alive) return;
        const waitMs = Math.max(this.#world.sinkDownUntil - time.now + 50, core.lease.isHeld ? 0 : 500);
        if (waitMs > 50 || this.#world.sinkDownUntil > time.now) {
          time.after(waitMs, send);
          return;
        }
        for (const offset of outputs) ledger.settle(job, name, topicId, offset);
        this.#setAside(
          core.parts.goal,
          outputs.filter((offset) => fateOf(split.partition, offset) === 'is poison').length,
        );
        void network.sleep(this.actor, this.#world.produceMs()).then(() => unit.acknowledge());
      };
      time.after(this.#world.produceMs(), send);
    }
    unit.close(end);
  }

  #setAside({ deadLetterTopic }: JobGoal, letters: number): void {
    const { broker } = this.#world;
    if (letters > 0 && broker.look(deadLetterTopic) !== null) broker.append(deadLetterTopic, 0, letters);
  }

  #end(reason: ExitName): void {
    if (this.isOver) return;
    this.kill();
    this.#world.exited(this, reason);
  }

  get jobName(): string {
    return readJobId(this.identity.job)!.name;
  }
}

interface Core {
  readonly parts: WorkerParts;
  readonly cluster: ModelCluster;
  readonly lease: Lease;
  readonly errors: ErrorsSeen;
  readonly commits: Commits;
  readonly holdings: Holdings;
  readonly membership: Membership;
  readonly host: PathHost;
  readonly heartbeats: Heartbeats;
}

/** The source topic's metadata as one worker knows it: as old as its last refresh. */
class ModelCluster {
  readonly #broker: MemoryBrokerAdmin;
  readonly #name: string;
  #info: TopicInfo | undefined;

  constructor(broker: MemoryBrokerAdmin, topic: string) {
    this.#broker = broker;
    this.#name = topic;
    void this.refresh();
  }

  refresh(): Promise<void> {
    const there = this.#broker.look(this.#name);
    this.#info =
      there === null ? undefined : { topic: this.#name, topicId: there.topicId, leaders: there.ends.map(() => 1) };
    return Promise.resolve();
  }

  topic(name: string): TopicInfo | undefined {
    return name === this.#name ? this.#info : undefined;
  }

  async topicIdOfMost(name: string): Promise<string | null> {
    return this.#broker.look(name)?.topicId ?? null;
  }

  async offset(name: string, partition: number, at: number): Promise<number | null> {
    const there = this.#broker.look(name);
    const value = at === -2 ? there?.starts[partition] : there?.ends[partition];
    return value ?? null;
  }

  async commitOffsets(): Promise<void> {}
}
