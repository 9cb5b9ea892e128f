// A whole fleet under one reconciler in virtual time: the product's passes, memory stores whose calls are counted, a runtime with ECS's limits.
import { planRoute } from '#core/expression/index.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { createPlatformCompiler } from '#core/graph/platform-compiler.ts';
import { awsSettings, type PlatformSettings } from '#core/graph/platform-settings.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { taskIncarnation, taskRender, taskRevision, taskSlot } from '#core/plan/task-tags.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { ObservedTask, TaskRunner } from '#core/ports/task-runner.ts';
import { ecsRates } from '#functions/reconcile/call-rates.ts';
import { createPacer } from '#functions/reconcile/pacer.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { type PassReport, runPass, type TargetBackoff } from '#functions/reconcile/run-pass.ts';
import { settleMicrotasks, VirtualTime } from '#test/simulation/virtual-time.ts';
import { createMemoryBrokerAdmin } from '#test/support/memory-broker-admin.ts';
import { createMemoryControlStore } from '#test/support/memory-control-store.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import { createMemoryWorkerStore } from '#test/support/memory-worker-store.ts';
import { FleetRuntime, unlimited } from './fleet-runtime.ts';

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => silent };
/** Tasks start within the minute here; the wait for a lagging listing would only lengthen what is not measured. */
const settings: PlatformSettings = { ...awsSettings, worker: { ...awsSettings.worker, leaseMs: 20_000 } };
/** About what a heartbeat and a control record take; a table is read a mebibyte at a time, topics a thousand at a time. */
const itemsPerPage = 1_000;

export class Fleet {
  readonly time = new VirtualTime(1_800_000_000_000);
  readonly runtime = new FleetRuntime(this.time);
  readonly goals = createMemoryGoalStore({ now: () => this.time.now });
  /** Calls since they were last set to zero. */
  mutations = 0;
  reads = 0;
  readonly #parts: ReconcileParts;
  readonly #backoff: TargetBackoff = new Map();
  readonly #isUnpaced: boolean;
  /** Between passes of a fleet that is not settled: where starts are not what is measured, time for all of them. */
  readonly #restMs: number;

  /** `isUnpaced`: the runtime takes calls at any rate, and all calls are answered at once. */
  constructor(jobCount: number, { isUnpaced = false } = {}) {
    this.#isUnpaced = isUnpaced;
    this.#restMs = isUnpaced ? 30_000 : 1_000;
    const { time, runtime } = this;
    const rates = isUnpaced ? unlimited : ecsRates;
    runtime.rates = rates;
    const controls = createMemoryControlStore();
    const workers = createMemoryWorkerStore();
    const pages = (): number => Math.max(1, Math.ceil(jobCount / itemsPerPage));
    const broker = createMemoryBrokerAdmin();
    const objects = createMemoryObjectStore();
    this.#parts = {
      goals: this.#count(this.goals, { snapshot: 1, changedSince: 1 }, { appendEvents: 5, finishOperation: 5 }),
      // Metadata and configurations of the streams' and the dead letters' topics.
      broker: this.#count(
        broker,
        { describe: 2 * Math.ceil((2 * jobCount) / itemsPerPage) },
        { create: 30, remove: 30 },
      ),
      tasks: this.#count<TaskRunner>(runtime, {}, { run: 150, stop: 100 }),
      workers: this.#count(
        { ...workers, listHeartbeats: async () => runtime.heartbeats(heartbeatOf(time)) },
        { listHeartbeats: pages() },
        { fence: 5, remove: 5, clear: 5 },
      ),
      splits: createMemorySplitStore(),
      controls: this.#count(controls, { list: pages() }, { write: 5, remove: 5 }),
      objects: this.#count(objects, {}, { put: 20 }),
      clock: { now: () => time.now, monotonicMs: () => time.now },
      ...{ logger: silent, settings },
      compile: createPlatformCompiler(settings, memoizePlanner(planRoute, 20_000)),
      pacer: createPacer({ rates, monotonicMs: () => time.now, sleep: (delayMs) => time.sleep(delayMs) }),
    };
  }

  async declare(tenant: string, stream: string, name: string, where: string): Promise<void> {
    const asked = { tenant, author: 'ann', reason: '' };
    const metadata = (of: string) => ({ name: of, owner: 'fleet', labels: {} });
    await this.goals.apply({ ...asked, kind: 'Stream', metadata: metadata(stream), declared: { partitions: 1 } });
    const declared = { from: stream, where, to: [{ name: 'out', stream: `${stream}-out` }] };
    await this.goals.apply({ ...asked, kind: 'Route', metadata: metadata(name), declared });
  }

  /** The route is deleted, at once and for good. */
  async end(tenant: string, name: string): Promise<void> {
    await this.goals.remove({ tenant, author: 'ann', reason: '', kind: 'Route', name, purge: true });
  }

  /** One pass, its waits in virtual time. */
  async pass(): Promise<PassReport> {
    let report: PassReport | null = null;
    let failure: unknown = null;
    runPass(this.#parts, this.#backoff).then(
      (done) => {
        report = done;
      },
      (error: unknown) => {
        failure = error;
      },
    );
    // Time stands still while the pass computes, and goes to the next thing that is waited for when it waits.
    await settleMicrotasks();
    while (report === null && failure === null)
      if (!(await this.time.runNext())) throw new Error('the pass waits for what will never happen');
    if (failure !== null) throw failure;
    return report!;
  }

  /** Passes, as the state machine would run them, until one finds nothing to do; gives virtual seconds. */
  async settle(secondsMax: number): Promise<number> {
    const startedAt = this.time.now;
    while (this.time.now - startedAt < secondsMax * 1_000) {
      const report = await this.pass();
      if (report.settled && report.decisions === 0) break;
      const waitMs = Math.min(60_000, Math.max(this.#restMs, (report.nextPassAt ?? 0) - this.time.now));
      await this.time.runUntil(this.time.now + waitMs);
    }
    return (this.time.now - startedAt) / 1_000;
  }

  /** `reads`: how many requests a call takes. `effectMs`: the calls that change something, and how long each takes to be answered. */
  #count<Port extends object>(
    port: Port,
    reads: Readonly<Record<string, number>>,
    effectMs: Readonly<Record<string, number>>,
  ): Port {
    return new Proxy(port, {
      get: (target, property) => {
        const name = String(property);
        const call: unknown = Reflect.get(target, property);
        this.reads += reads[name] ?? 0;
        const answersInMs = effectMs[name];
        if (typeof call !== 'function') return call;
        if (answersInMs === undefined) return call.bind(target);
        return async (...inputs: unknown[]) => {
          this.mutations++;
          if (!this.#isUnpaced) await this.time.sleep(answersInMs);
          return await (call as (...inputs: unknown[]) => unknown).apply(target, inputs);
        };
      },
    });
  }
}

const heartbeatOf =
  (time: VirtualTime) =>
  (task: ObservedTask, worker: string): Heartbeat => ({
    ...{
      job: task.job,
      uid: task.job.split('@')[1]!,
      worker,
      incarnation: taskIncarnation(task),
      slot: taskSlot(task),
    },
    ...{ revision: taskRevision(task), render: taskRender(task), state: 'running', beat: time.now, at: time.now },
    ...{ startedAt: task.createdAt, pid: 1, leader: true, accounting: noRecords, mismatches: 0, inPerSecond: 0 },
    splits: [
      {
        ...{ split: 's/0', epoch: 1, position: '10', endPosition: '10', lagRecords: 0 },
        ...{ movedAt: time.now, seenAt: time.now },
      },
    ],
    ...{ outPerSecond: 0, busyRatio: 0, rssMiB: 90, freshnessMs: null, errors: [] },
    lastCheckpoint: { sequence: 1, at: time.now },
  });
