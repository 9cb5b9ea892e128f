// The simulated world: the product's own control loop and worker core over models of everything else, under one virtual clock.

import { planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { createPlatformCompiler } from '#core/graph/platform-compiler.ts';
import type { PlatformGoal } from '#core/graph/platform-goal.ts';
import { localSettings, type PlatformSettings } from '#core/graph/platform-settings.ts';
import { canonicalJson, isSame } from '#core/hash.ts';
import { type ExitName, exitCodes } from '#core/job/exit-codes.ts';
import { limits } from '#core/limits.ts';
import { isReplay, readJobId } from '#core/names.ts';
import type { ControlRecord, ControlStore } from '#core/ports/control-store.ts';
import type { GoalSnapshot, GoalStore } from '#core/ports/goal-store.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { SplitStore } from '#core/ports/split-store.ts';
import type { TaskRequest } from '#core/ports/task-runner.ts';
import type { WorkerStore } from '#core/ports/worker-store.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { theTime } from '#test/support/builders.ts';
import { createMemoryBrokerAdmin } from '#test/support/memory-broker-admin.ts';
import { createMemoryControlStore } from '#test/support/memory-control-store.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { type Random, seededRandom } from '#test/support/seeded-random.ts';
import { silent } from '#test/support/silent-logger.ts';
import { Ledger } from './ledger.ts';
import { ModelReconciler } from './model-reconciler.ts';
import { ModelRuntime } from './model-runtime.ts';
import { ModelWorker, type WorkerWorld } from './model-worker.ts';
import { type Actor, anActor, type CallFault, Network } from './network.ts';
import { People } from './people.ts';
import {
  brokerMethods,
  controlMethods,
  goalMethods,
  type Methods,
  objectMethods,
  splitMethods,
  taskMethods,
  workerMethods,
} from './port-methods.ts';
import { VirtualTime } from './virtual-time.ts';
import { Watch } from './watch.ts';
import { watchedObjects, watchedSplits, watchedWorkers } from './watched-stores.ts';

/** Compiled routes are pure: shared by all runs of a process. */
const plan = memoizePlanner(planRoute, 2_000);

/** Two ways in which the platform is set up: everything quick, or every write paid for and listings that lag by minutes. */
export interface Profile {
  readonly name: 'quick' | 'slow';
  readonly settings: PlatformSettings;
  readonly chaosMs: number;
  readonly calmMsMax: number;
  readonly quietMs: number;
  readonly sweepMs: number;
  readonly listingLagMs: number;
  readonly staleMs: number;
  readonly requestMs: number;
}

const worker = { ...localSettings.worker, heartbeatMs: 2_000, leaseMs: 8_000, commitMs: 2_000, checkpointsKept: 3 };

/** Short enough to act within the chaos. */
const autoscale = { ...localSettings.autoscale, windowMs: 6_000, calmMs: 15_000 };

export const profiles: readonly Profile[] = [
  {
    name: 'quick',
    settings: { ...localSettings, worker, autoscale },
    ...{ chaosMs: 45_000, calmMsMax: 900_000, quietMs: 20_000, sweepMs: 2_500 },
    ...{ listingLagMs: 3_000, staleMs: 1_000, requestMs: 10_000 },
  },
  {
    name: 'slow',
    settings: {
      ...{ ...localSettings, startDeadlineMs: 120_000, listingGraceMs: 100_000, autoscale },
      worker: { ...worker, heartbeatMs: 5_000, leaseMs: 20_000, commitMs: 5_000, checkpointMs: 30_000 },
    },
    ...{ chaosMs: 150_000, calmMsMax: 1_500_000, quietMs: 60_000, sweepMs: 10_000 },
    ...{ listingLagMs: 60_000, staleMs: 2_000, requestMs: 15_000 },
  },
];

export interface WorldOptions {
  readonly seed: number;
  readonly faults: ReadonlySet<CallFault>;
  /** Gets every line of the timeline; absent: none is made. */
  readonly tell?: (at: number, actor: string, line: string) => void;
}

export class World implements WorkerWorld {
  readonly profile: Profile;
  readonly time = new VirtualTime(theTime);
  readonly random: Random;
  readonly network: Network;
  readonly runtime: ModelRuntime;
  readonly broker = createMemoryBrokerAdmin();
  readonly ledger = new Ledger();
  readonly goals = createMemoryGoalStore({ now: () => this.time.now, onChange: () => this.#goalChanged() });
  readonly controls = createMemoryControlStore();
  readonly people: People;
  readonly watch: Watch;
  readonly log = silent;
  readonly byName = new Map<string, ModelWorker>();
  readonly workers: WorkerStore & { wipe(): void };
  readonly splits: SplitStore & { wipe(): void };
  readonly objects: ObjectStore;
  /** Reads of the goal store show nothing at all until then. */
  goalsEmptyUntil = 0;
  sinkDownUntil = 0;
  /** Calls of reconcilers that changed something, as they would be told; what a quiet world must have none of. */
  reconcilerEffects: (() => string)[] = [];
  reconcilers: ModelReconciler[] = [];
  readonly #byTask = new Map<string, ModelWorker>();
  readonly #tell: (actor: string, line: () => string) => void;
  #reconcilerCount = 0;
  #goal: PlatformGoal | null = null;
  #goalIsOld = true;
  readonly #wantedJobs = new Map<string, number>();
  readonly #wantedTopics = new Map<string, number>();
  readonly #allJobs = new Set<string>();
  /** Jobs that nobody wishes for any more: since when, and until when what they left is kept. */
  readonly #ended = new Map<string, { readonly at: number; readonly keptUntil: number }>();
  readonly #frozen = new Map<string, number>();
  /** Since when a route is declared that this version cannot read; null: none is. */
  #unreadSince: number | null = null;

  constructor(options: WorldOptions) {
    const { seed, faults, tell } = options;
    this.random = seededRandom(seed);
    const chosen = profiles[this.random.next() < 0.75 ? 0 : 1]!;
    const deletionGraceMs = this.random.pick([0, 5_000, 20_000]);
    const guard = { jobsMin: this.random.pick([1, 5]), share: 0.1 };
    this.profile = { ...chosen, settings: { ...chosen.settings, deletionGraceMs, guard } };
    this.#tell = tell ? (actor, line) => tell(this.time.now - theTime, actor, line()) : () => {};
    const { time, random, profile } = this;
    this.network = new Network({
      ...{ time, random, faults, requestMs: profile.requestMs, tell: this.#tell },
      troubleShare: random.pick([0, 0.02, 0.06]),
      onDeath: (actor) => this.#died(actor),
    });
    this.runtime = new ModelRuntime(time, random, {
      begin: (taskId, request) => this.#begin(taskId, request),
      terminate: (taskId) => void this.#byTask.get(taskId)?.drain(),
      kill: (taskId) => this.#byTask.get(taskId)?.kill(),
      asked: (task) => this.watch.taskAsked(task, 3),
    });
    this.runtime.listingLagMs = random.next() < 0.5 ? profile.listingLagMs : 0;
    this.watch = new Watch({
      ...{ time, broker: this.broker, ledger: this.ledger, byName: this.byName, requestMs: profile.requestMs },
      liveTasks: (job) => this.runtime.all().filter((task) => task.job === job && this.runtime.hasProcess(task.taskId)),
      jobEnded: (job) => this.#ended.get(job) ?? null,
      frozenMs: (job) => wantedMs(this.#frozen.get(job), time.now),
      topicKeptUntil: (topic) => this.#topicKeptUntil(topic),
      settings: profile.settings,
      jobWantedMs: (job) => wantedMs(this.#wantedJobs.get(job), time.now),
      topicWantedMs: (topic) => wantedMs(this.#wantedTopics.get(topic), time.now),
      leaseMs: profile.settings.worker.leaseMs,
      checkpointsKept: profile.settings.worker.checkpointsKept,
    });
    this.workers = watchedWorkers(
      this.watch,
      () => time.now,
      (name) => {
        const found = this.byName.get(name);
        if (found) found.aliveAt = time.now;
      },
    );
    this.splits = watchedSplits(this.watch);
    this.objects = watchedObjects(this.watch);
    this.people = new People(this.goals);
  }

  /**
   * Where a route cannot be read, no deleted stream's topic goes; but a pass that had read the goal before asks only whether the
   * stream is named by what came since.
   */
  #topicKeptUntil(topic: string): number | null {
    const { removedTopics, removed, unsupported } = this.goal;
    const gone = removedTopics.find((one) => one.topic === topic);
    if (gone === undefined) return null;
    const isNamed = unsupported.some(({ revision }) => JSON.stringify(revision.declared).includes(`"${gone.stream}"`));
    const unreadMs = this.time.now - (this.#unreadSince ?? Number.NEGATIVE_INFINITY);
    if (isNamed || unreadMs > limits.decisionMsMax + this.profile.requestMs) return gone.keptUntil;
    const deletion = removed.find(({ kind, name }) => kind === 'Stream' && name === gone.stream)!;
    return deletion.purge ? deletion.at : deletion.at + this.profile.settings.deletionGraceMs;
  }

  /** The goal store was changed from below. */
  forgetGoal(): void {
    this.#goalIsOld = true;
  }

  tell(actor: string, line: () => string): void {
    this.#tell(actor, line);
  }

  /** What the goal store asks for now, in truth. */
  get goal(): PlatformGoal {
    this.#goal ??= {
      ...{ sequence: 0, at: 0, freezes: [], approvals: [], topics: [], jobs: [], removedTopics: [] },
      ...{ removed: [], unsupported: [], replays: [] },
    };
    return this.#goal;
  }

  produceMs(): number {
    return this.network.chaos ? 20 + this.random.below(400) : 20;
  }

  exited(worker: ModelWorker, reason: ExitName): void {
    this.#tell(worker.actor.name, () => `ends: ${reason}`);
    this.runtime.exited(worker.taskId, exitCodes[reason]);
  }

  liveWorkers(): readonly ModelWorker[] {
    return [...this.byName.values()].filter((each) => !each.isOver);
  }

  killWorker(worker: ModelWorker): void {
    worker.kill();
    this.runtime.exited(worker.taskId, 137);
  }

  startReconciler(): void {
    const actor = anActor(`reconciler ${++this.#reconcilerCount}`);
    const reconciler = new ModelReconciler(actor, this.network, this.#reconcileParts(actor), () => {});
    this.reconcilers = [...this.reconcilers.filter((each) => each.actor.alive), reconciler];
    this.#tell(actor.name, () => 'starts');
    reconciler.nudge();
    this.network.every(actor, this.profile.sweepMs, () => reconciler.sweep());
  }

  /** The store changed, by whatever way: what is wanted from now on, and what has been ended. */
  async goalMoved(): Promise<void> {
    if (!this.#goalIsOld) return;
    this.#goalIsOld = false;
    const snapshot = await this.goals.snapshot();
    this.#goal = compilePlatform(snapshot, this.profile.settings, plan);
    const isUnread = this.#goal.unsupported.some(({ revision }) => revision.kind === 'Route');
    this.#unreadSince = isUnread ? (this.#unreadSince ?? this.time.now) : null;
    const entries = [...this.#goal.jobs, ...this.#goal.replays];
    const jobs = new Set(entries.map(({ goal }) => goal.id));
    const unclear = new Set(this.#goal.unsupported.map(({ revision }) => revision.uid));
    for (const id of this.#allJobs) if (!jobs.has(id) && !unclear.has(lifeOf(id))) this.watch.endedEver.add(id);
    for (const id of jobs) {
      this.#allJobs.add(id);
      this.watch.clearedJobs.delete(id);
    }
    keepWanted(this.#wantedJobs, jobs, this.time.now);
    this.#keepEnded(jobs, this.#goal);
    const frozen = entries.filter(({ freeze }) => freeze !== null).map(({ goal }) => goal.id);
    keepWanted(this.#frozen, new Set(frozen), this.time.now);
    keepWanted(this.#wantedTopics, new Set(this.#goal.topics.map(({ topic }) => topic)), this.time.now);
  }

  #keepEnded(jobs: ReadonlySet<string>, goal: PlatformGoal): void {
    const graceMs = this.profile.settings.deletionGraceMs;
    for (const id of jobs) this.#ended.delete(id);
    const unclear = new Set(goal.unsupported.map(({ revision }) => revision.name));
    for (const id of this.#allJobs) {
      if (jobs.has(id) || !this.watch.endedEver.has(id)) continue;
      const { route, uid } = readJobId(id)!;
      // What runs of a route is left alone while nobody can tell what is wished of it, earlier lives of it included.
      if (unclear.has(route)) {
        this.#ended.delete(id);
        continue;
      }
      const removal = goal.removed.find(({ kind, name }) => kind === 'Route' && name === route);
      const livesOn = removal ? removal.uid === uid : goal.jobs.some((entry) => entry.goal.uid === uid);
      const at = this.#ended.get(id)?.at ?? this.time.now;
      this.#ended.set(id, { at, keptUntil: livesOn && !removal?.purge ? at + graceMs : at });
    }
  }

  /** Ended, known to the reconciler, and not begun to end, nor agreed to: longest first. */
  async #wholeEnded(): Promise<readonly { readonly job: string; readonly endedMs: number }[]> {
    const { approvals } = await this.goals.snapshot();
    const approved = new Set(approvals.flatMap(({ jobs }) => jobs));
    return (await this.controls.list()).flatMap(({ job, announced }) => {
      const ended = this.#ended.get(job);
      const isWhole = !['ending', 'ended', 'clearing'].some((mark) => announced[mark] !== undefined);
      const wasCleared = this.watch.clearedJobs.has(job);
      // A replay ends by itself, and counts for nobody's deletion.
      return ended && isWhole && !wasCleared && !approved.has(job) && !isReplay(job)
        ? [{ job, endedMs: this.time.now - ended.at }]
        : [];
    });
  }

  #goalChanged(): void {
    this.#goalIsOld = true;
    this.time.after(0, () => void this.goalMoved());
    for (const reconciler of this.reconcilers)
      if (!this.network.chaos || this.random.next() < 0.7)
        this.time.after(this.random.below(300), () => reconciler.nudge());
  }

  #died(actor: Actor): void {
    const worker = this.byName.get(actor.name);
    if (worker) {
      this.killWorker(worker);
      return;
    }
    this.time.after(500 + this.random.below(3_000), () => this.startReconciler());
  }

  #begin(taskId: string, request: TaskRequest): void {
    const actor = anActor('');
    const { workers, splits, objects, network } = this;
    const ports = {
      workers: network.port(actor, 'workers', workers, workerMethods),
      splits: network.port(actor, 'splits', splits, splitMethods),
      objects: network.port(actor, 'objects', objects, objectMethods),
    };
    const started = new ModelWorker(this, actor, taskId, request, ports);
    Object.assign(actor, { name: started.identity.worker });
    started.skewMs = this.random.below(1_000) - 500;
    this.byName.set(actor.name, started);
    this.#byTask.set(taskId, started);
    this.#tell(actor.name, () => `begins as ${taskId}`);
    void started.start();
  }

  #reconcileParts(actor: Actor): ReconcileParts {
    const { network, profile } = this;
    const stale = profile.staleMs;
    const counted = <Port extends object>(name: string, port: Port, methods: Methods): Port =>
      this.#counting(name, port, methods);
    return {
      goals: network.port(actor, 'goals', counted('goals', this.#readGoals(), goalMethods), goalMethods),
      tasks: network.port(actor, 'tasks', counted('tasks', this.runtime, taskMethods), taskMethods),
      broker: network.port(actor, 'broker', counted('broker', this.#watchedBroker(), brokerMethods), brokerMethods),
      workers: network.port(actor, 'workers', counted('workers', this.workers, workerMethods), workerMethods, {
        listHeartbeats: stale,
      }),
      splits: network.port(actor, 'splits', counted('splits', this.splits, splitMethods), splitMethods),
      controls: network.port(
        actor,
        'controls',
        counted('controls', this.#watchedControls(), controlMethods),
        controlMethods,
        {
          list: stale,
        },
      ),
      objects: network.port(actor, 'objects', counted('objects', this.objects, objectMethods), objectMethods),
      clock: { now: () => this.time.now, monotonicMs: () => this.time.now - theTime },
      logger: silent,
      settings: profile.settings,
      compile: createPlatformCompiler(profile.settings, plan),
    };
  }

  #counting<Port extends object>(name: string, port: Port, methods: Methods): Port {
    const counted: Record<string, unknown> = {};
    for (const [method, kind] of Object.entries(methods)) {
      const target = Reflect.get(port, method) as (...inputs: unknown[]) => Promise<unknown>;
      counted[method] = (...inputs: unknown[]) => {
        if (kind === 'effect') this.reconcilerEffects.push(() => `${name}.${method}`);
        return target.apply(port, inputs);
      };
    }
    return counted as Port;
  }

  #readGoals(): GoalStore {
    const nothing = { sequence: 0, hash: '', revisions: [], operations: [], freezes: [], approvals: [], config: [] };
    const empty = (): GoalSnapshot => ({ ...nothing, at: this.time.now });
    const { goals } = this;
    const isEmpty = (): boolean => this.goalsEmptyUntil > this.time.now;
    return {
      ...goals,
      snapshot: async () => (isEmpty() ? empty() : await goals.snapshot()),
      read: async (...asked) => (isEmpty() ? null : await goals.read(...asked)),
      revisions: async (...asked) => (isEmpty() ? [] : await goals.revisions(...asked)),
      finishOperation: async (tenant, id, ending) => {
        const replay = this.goal.replays.find(({ operation }) => operation.id === id);
        if (replay !== undefined) this.watch.replayEnded(replay, ending);
        await goals.finishOperation(tenant, id, ending);
        this.#goalIsOld = true;
        await this.goalMoved();
      },
      confirmRemoved: async (...asked) => {
        await goals.confirmRemoved(...asked);
        this.#goalIsOld = true;
        await this.goalMoved();
      },
    };
  }

  #watchedBroker(): typeof this.broker {
    const { broker, watch } = this;
    return {
      ...broker,
      remove: async (topic) => {
        watch.topicRemoved(topic);
        await broker.remove(topic);
      },
    };
  }

  #watchedControls(): ControlStore {
    const { controls, watch } = this;
    return {
      ...controls,
      remove: async (job, version) => {
        const outcome = await controls.remove(job, version);
        if (outcome === 'removed') watch.forgotten(job);
        return outcome;
      },
      write: async (record) => {
        const before = await controls.read(record.job);
        const whole = begins(record, before) ? await this.#wholeEnded() : [];
        const outcome = await controls.write(record);
        if (outcome === 'written') watch.controlWritten(record, before, whole);
        const what = this.reconcilerEffects.pop();
        this.reconcilerEffects.push(() => `${what?.() ?? 'controls.write'} ${changed(before, record)}`);
        return outcome;
      },
    };
  }
}

/** The route's, also of a replay. */
const lifeOf = (job: string): string => readJobId(job)!.uid.replace(/-replay\d+$/, '');

/** To end. */
const begins = (record: ControlRecord, before: ControlRecord | null): boolean =>
  record.announced['ending'] !== undefined && before?.announced['ending'] === undefined;

const changed = (before: ControlRecord | null, after: ControlRecord): string =>
  Object.entries(after)
    .filter(([name, value]) => !isSame(value, before && Reflect.get(before, name)))
    .map(([name, value]) => `${name} ${canonicalJson(value)}`)
    .join(' ');

const wantedMs = (since: number | undefined, now: number): number | null => (since === undefined ? null : now - since);

function keepWanted(known: Map<string, number>, wanted: ReadonlySet<string>, now: number): void {
  for (const name of known.keys()) if (!wanted.has(name)) known.delete(name);
  for (const name of wanted) if (!known.has(name)) known.set(name, now);
}
