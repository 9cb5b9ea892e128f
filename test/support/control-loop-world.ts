// A small world for the control loop: the real passes over in-memory ports, workers that report, and crashes at a chosen effect.

import { planRoute } from '#core/expression/index.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { createPlatformCompiler, type PlatformCompiler } from '#core/graph/platform-compiler.ts';
import { localSettings, type PlatformSettings } from '#core/graph/platform-settings.ts';
import { limits } from '#core/limits.ts';
import { taskIncarnation, taskRender, taskRevision, taskSlot, taskWorker } from '#core/plan/task-tags.ts';
import type { JobWatches } from '#core/ports/job-watches.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { type PassReport, runPass, type TargetBackoff } from '#functions/reconcile/run-pass.ts';
import { aHeartbeat, aJobEntry, aJobGoal, aSplit, theTime } from '#test/support/builders.ts';
import { createMemoryBrokerAdmin, type MemoryBrokerAdmin } from '#test/support/memory-broker-admin.ts';
import { createMemoryControlStore } from '#test/support/memory-control-store.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import { MemoryTaskRunner } from '#test/support/memory-task-runner.ts';
import { createMemoryWorkerStore } from '#test/support/memory-worker-store.ts';
import { silent } from '#test/support/silent-logger.ts';

/** Compiled routes are pure: shared by all worlds of a process. */
const plan = memoizePlanner(planRoute, 2_000);

/** Thrown where the process is to die. Nothing may catch it and go on. */
export class Crash extends Error {}

/** Calls that change the world, by port. */
const effects: Readonly<Record<string, readonly string[]>> = {
  goals: ['finishOperation', 'appendEvents', 'confirmRemoved', 'freeze'],
  broker: ['create', 'grow', 'configure', 'remove'],
  tasks: ['run', 'stop'],
  workers: ['fence', 'remove', 'setLive', 'clear'],
  splits: ['place', 'clear'],
  controls: ['write', 'remove'],
  objects: ['put'],
};

export interface CrashPoint {
  /** The effect, counted from 1 over the whole life of the world, at which the reconciler dies. */
  readonly at: number;
  /** Before it is carried out, or after (the effect stands, the answer is lost). */
  readonly when: 'before' | 'after';
}

export class ControlLoopWorld {
  now = theTime;
  /** Effects carried out or attempted so far. */
  effectCount = 0;
  readonly tasks = new MemoryTaskRunner(() => this.now);
  readonly goals = createMemoryGoalStore({ now: () => this.now });
  readonly workers = createMemoryWorkerStore();
  readonly splits = createMemorySplitStore();
  readonly controls = createMemoryControlStore();
  readonly broker: MemoryBrokerAdmin;
  readonly objects = createMemoryObjectStore();
  readonly settings: PlatformSettings;
  readonly watches: JobWatches | null = null;
  readonly #compile: PlatformCompiler;
  #backoff: TargetBackoff = new Map();
  #beats = { sightings: new Map() };
  crash: CrashPoint | null = null;
  /** Awaited before every call of a port, reads included: where other passes can come in between. */
  gate: (call: string) => Promise<unknown> = async () => undefined;

  constructor(settings: PlatformSettings = localSettings) {
    this.settings = settings;
    // Where the platform leaves it to the broker, the broker has something to say.
    const ofBroker = settings.minInsyncReplicas === null ? { 'min.insync.replicas': '2' } : {};
    this.broker = createMemoryBrokerAdmin(ofBroker);
    this.#compile = createPlatformCompiler(settings, plan);
  }

  #parts(): ReconcileParts {
    const { goals, broker, tasks, workers, splits, controls, objects } = this;
    const ports = { goals, broker, tasks, workers, splits, controls, objects };
    const watched = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, this.#watch(name, port)]));
    const clock = { now: () => this.now, monotonicMs: () => this.now };
    const watches = this.watches === null ? {} : { watches: this.watches };
    return {
      ...{ ...(watched as typeof ports), ...watches, clock, logger: silent },
      ...{ settings: this.settings, compile: this.#compile },
    };
  }

  /** Counts the port's effects and dies at the chosen one; after it, everything that the dead process still tries fails too. */
  #watch<Port extends object>(name: string, port: Port): Port {
    return new Proxy(port, {
      get: (target, property) => {
        const call: unknown = Reflect.get(target, property);
        if (typeof call !== 'function') return call;
        const isEffect = effects[name]!.includes(String(property));
        return async (...inputs: unknown[]) => {
          await this.gate(`${name}.${String(property)}`);
          const count = isEffect ? ++this.effectCount : 0;
          const point = isEffect ? this.crash : null;
          const before = point && (count > point.at || (count === point.at && point.when === 'before'));
          if (before) throw new Crash(`${name}.${String(property)}`);
          const answer = await (call as (...inputs: unknown[]) => Promise<unknown>).apply(target, inputs);
          if (point && count === point.at) throw new Crash(`${name}.${String(property)}`);
          return answer;
        };
      },
    });
  }

  /** One pass; null when the reconciler died in it. What it had in memory is gone then. */
  async pass(): Promise<PassReport | null> {
    const before = this.crash;
    const report = await runPass(this.#parts(), this.#backoff, undefined, this.#beats);
    const died = before !== null && this.effectCount >= before.at;
    if (!died) return report;
    this.crash = null;
    this.#backoff = new Map();
    this.#beats = { sightings: new Map() };
    return null;
  }

  /** The world goes on by a second: running workers report, stopping ones end, time passes. */
  async turn(): Promise<void> {
    this.now += 1_000;
    for (const task of this.tasks.tasks('stopping')) this.tasks.end(task.taskId, 0);
    for (const task of this.tasks.tasks('running')) {
      const uid = task.job.split('@')[1]!;
      const entry = aJobEntry({ goal: aJobGoal({ id: task.job, uid }), render: taskRender(task) });
      const heartbeat = aHeartbeat(entry, taskIncarnation(task), {
        worker: taskWorker(task),
        slot: taskSlot(task),
        at: this.now,
        beat: this.now,
        revision: taskRevision(task),
        startedAt: task.createdAt,
        splits: [aSplit({ split: 'events/0', movedAt: this.now, seenAt: this.now })],
        lastCheckpoint: { sequence: 1, at: this.now },
      });
      if ((await this.workers.beat(heartbeat)) === 'fenced') this.tasks.end(task.taskId, 65);
    }
  }

  /** Passes and turns until a pass finds nothing to do; gives how many passes it took. */
  async settle(passesMax = 60): Promise<number> {
    for (let pass = 1; pass <= passesMax; pass++) {
      const report = await this.pass();
      await this.turn();
      if (report?.settled && report.decisions === 0) return pass;
    }
    throw new Error(`not settled after ${passesMax} passes: ${JSON.stringify(this.tasks.tasks())}`);
  }

  /** Until no listing can show what was before, and all that waited for that is done. */
  async settleListed(): Promise<void> {
    await this.settle();
    this.now += limits.decisionMsMax + localSettings.listingGraceMs;
    await this.settle();
  }
}
