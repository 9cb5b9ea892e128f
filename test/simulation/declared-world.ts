// A world that is declared to as people do it, over the API's own handlers, with workers that go by the goals they are given.
import { shareOutSplits } from '#core/canary/canary-slot.ts';
import { planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import type { PlatformGoal } from '#core/graph/platform-goal.ts';
import { localSettings, type PlatformSettings } from '#core/graph/platform-settings.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { liveHash } from '#core/job/live-settings.ts';
import { parseJobGoal } from '#core/job/parse-goal.ts';
import { environment } from '#core/names.ts';
import { taskIncarnation, taskRender, taskSlot, taskWorker } from '#core/plan/task-tags.ts';
import { unlimitedRequests } from '#core/ports/request-budget.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import { createWholeApi } from '#functions/api/handler.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { WorldCache } from '#functions/api/world-cache.ts';
import type { ApiHandler } from '#functions/middleware.ts';
import { aHeartbeat, aJobEntry, aSplit } from '#test/support/builders.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';
import { createMemoryJobWatches } from '#test/support/memory-job-watches.ts';
import { silent } from '#test/support/silent-logger.ts';
import { takeOver } from '#workers/live-goal.ts';

/** Compiled routes are pure: shared by all worlds of a process. */
const plan = memoizePlanner(planRoute, 2_000);

export interface Said {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whoever asked knows the form of the answer.
  readonly json: any;
}

export class DeclaredWorld extends ControlLoopWorld {
  override readonly watches = createMemoryJobWatches();
  readonly #api: ReturnType<typeof createWholeApi>;
  /** What each task was started with, and has taken over since. */
  readonly #goals = new Map<string, JobGoal>();

  constructor(settings: PlatformSettings = localSettings) {
    super(settings);
    this.#api = createWholeApi(this.#apiParts());
  }

  #apiParts(): ApiParts {
    const { goals, broker, controls, splits, workers, objects, settings } = this;
    return {
      ...{ goals, broker, controls, splits, workers, objects, settings, planRoute: plan, logger: silent },
      worlds: new WorldCache(goals, plan),
      clock: { now: () => this.now, monotonicMs: () => this.now },
      ...{ probes: [], version: 'test', identity: 'header' },
      ...{ ledger: notAsked('ledger'), audit: notAsked('audit'), records: notAsked('records') },
      budget: unlimitedRequests,
      codecs: notAsked('codecs'),
    };
  }

  /** `asked`: such as `PUT /v1/routes/plays?reason=why`. */
  async ask(asked: string, body?: string): Promise<Said> {
    const [method = '', target = ''] = asked.split(' ');
    const [rawPath = '', rawQueryString = ''] = target.split('?');
    const event = {
      ...{ rawPath, rawQueryString, isBase64Encoded: false, body },
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      requestContext: { requestId: 'r', http: { method, path: rawPath } },
    };
    const answer = await this.#api(event as unknown as Parameters<ApiHandler>[0], {});
    const text = Buffer.from(answer.body).toString();
    return { status: answer.status, json: text === '' ? null : JSON.parse(text) };
  }

  async goal(): Promise<PlatformGoal> {
    return compilePlatform(await this.goals.snapshot(), this.settings, plan);
  }

  goalOf({ taskId }: ObservedTask): JobGoal | null {
    return this.#goals.get(taskId) ?? null;
  }

  override async turn(): Promise<void> {
    this.now += 1_000;
    for (const task of this.tasks.tasks('stopping')) await this.#leave(task);
    const byJob = Map.groupBy(this.tasks.tasks('running'), ({ job }) => job);
    for (const [job, tasks] of byJob) await this.#work(job, tasks);
  }

  /** Told to end: frees its splits and takes its leave. */
  async #leave(task: ObservedTask): Promise<void> {
    const worker = taskWorker(task);
    for (const { split, owner, epoch } of await this.splits.list(task.job))
      if (owner === worker) await this.splits.release(task.job, { split, worker, epoch });
    await this.workers.remove(task.job, worker);
    this.tasks.end(task.taskId, exitCodes.ended);
  }

  async #work(job: string, tasks: readonly ObservedTask[]): Promise<void> {
    const { live, fenced } = await this.workers.view(job);
    for (const task of tasks) {
      const goal = await this.#goalFrom(task);
      if (live !== null) takeOver({ goal, log: silent }, live);
    }
    const able = tasks.filter((task) => !fenced.includes(taskWorker(task)));
    await this.#share(job, able);
    for (const task of tasks) await this.#beat(task);
  }

  async #goalFrom(task: ObservedTask): Promise<JobGoal> {
    const known = this.#goals.get(task.taskId);
    if (known) return known;
    const bytes = await this.objects.get(this.tasks.environmentOf(task.taskId)[environment.goal]!);
    const parsed = parseJobGoal(bytes!);
    if (!parsed.ok) throw new Error(`${task.taskId} cannot read its goal: ${parsed.problem}`);
    const goal = structuredClone(parsed.value);
    this.#goals.set(task.taskId, goal);
    return goal;
  }

  /** The newest in each slot share the splits of what the newest of all reads. */
  async #share(job: string, tasks: readonly ObservedTask[]): Promise<void> {
    const newest = new Map(tasks.map((task) => [taskSlot(task), task]));
    const last = tasks.at(-1);
    if (last === undefined) return;
    const { topic } = (await this.#goalFrom(last)).source;
    const there = this.broker.look(topic);
    for (const partition of there?.ends.keys() ?? []) {
      const split = `${topic}/${partition}`;
      const record = { split, owner: null, epoch: 0, position: '0', topicId: there!.topicId };
      await this.splits.create(job, { ...record, accounting: aHeartbeat(aJobEntry(), 1).accounting });
    }
    const records = (await this.splits.list(job)).filter(({ split }) => split.startsWith(`${topic}/`));
    const owners = Object.fromEntries(records.flatMap(({ split, owner }) => (owner === null ? [] : [[split, owner]])));
    const names = records.map(({ split }) => split);
    const wanted = shareOutSplits(names, [...newest.values()].map(taskWorker), owners);
    for (const record of records) {
      const worker = wanted[record.split];
      if (worker !== undefined && record.owner !== worker) await this.splits.claim(job, record, worker);
    }
  }

  /** What a worker has done by now beside being there: of most worlds, nothing. */
  protected workOf(_task: ObservedTask, _splitCount: number): Partial<Heartbeat> {
    return {};
  }

  async #beat(task: ObservedTask): Promise<void> {
    const goal = this.#goals.get(task.taskId)!;
    const worker = taskWorker(task);
    const splits = (await this.splits.list(task.job)).filter(({ owner }) => owner === worker);
    const entry = aJobEntry({ goal, render: taskRender(task) });
    const heartbeat = aHeartbeat(entry, taskIncarnation(task), {
      ...{ worker, slot: taskSlot(task), at: this.now, beat: this.now, revision: goal.revision, live: liveHash(goal) },
      startedAt: task.createdAt,
      splits: splits.map(({ split, epoch, position }) =>
        aSplit({ split, epoch, position, endPosition: position, movedAt: this.now, seenAt: this.now }),
      ),
      lastCheckpoint: { sequence: 1, at: this.now },
      ...this.workOf(task, splits.length),
    });
    if ((await this.workers.beat(heartbeat)) === 'fenced') this.tasks.end(task.taskId, exitCodes.fenced);
  }
}

/** A port that declaring asks nothing of. */
const notAsked = <Port extends object>(name: string): Port =>
  new Proxy({} as Port, {
    get: (_target, property) => {
      throw new Error(`${name}.${String(property)} was asked for by a declaration`);
    },
  });
