// The autoscaler over real workers: a job that falls behind is given a second one, which takes its share of the splits, and gives it back.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '#adapters/clock/system-clock.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import type { ObservedTask, RunOutcome, TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { runPass } from '#functions/reconcile/run-pass.ts';
import { aJobEntry } from '#test/support/builders.ts';
import { createMemoryBrokerAdmin } from '#test/support/memory-broker-admin.ts';
import { createMemoryControlStore } from '#test/support/memory-control-store.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { type Receiver, startReceiver } from '#test/support/receiver.ts';
import { silent } from '#test/support/silent-logger.ts';
import { until } from '#test/support/until.ts';
import { addressesFromEnvironment, type RunningWorker, WorkerRig } from '#test/workers/worker-rig.ts';

let rig: WorkerRig;
let receiver: Receiver;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
  receiver = await startReceiver();
});
afterAll(async () => {
  await rig.close();
  await receiver.close();
});

/** A worker has at most eight requests to an HTTP service under way: of sixteen splits it can serve one half at a time. */
const splits = 16;
const answersAfterMs = 300;
const perRequest = 20;
/** How many records the job is kept behind. */
const behind = 4_800;
/** Positions move by what was written in one batch: small ones, so that progress shows. */
const perBatch = 320;

test('a job that falls behind has a second worker, which shares its splits, until it keeps up without', async () => {
  receiver.behave(async () => {
    await sleep(answersAfterMs);
    return { status: 200 };
  });
  const goal = await slowJob();
  const entry = aJobEntry({ goal, autoscale: { mode: 'on', min: 1, max: 2, drainMs: 4_000 } });
  const runtime = new ProcessRuntime(rig);
  const parts = partsFor(rig, runtime, () => [entry]);
  const [backoff, watching, beats] = [new Map(), { lastAt: 0 }, { sightings: new Map() }];
  const pass = async (): Promise<void> => void (await runPass(parts, backoff, watching, beats));
  const owners = async (): Promise<number> => new Set((await rig.records(goal)).map(({ owner }) => owner)).size;
  const passUntil = (seen: () => Promise<boolean>, what: string): Promise<true> =>
    until(async () => {
      await Promise.all([pass(), sleep(150)]);
      return (await seen()) ? true : null;
    }, what);

  let sent = 0;
  const keepBehind = async (): Promise<void> => {
    for (const { in: done } = await rig.accounting(goal); sent - done < behind; sent += perBatch)
      await rig.produce(
        goal.source.topic,
        Array.from({ length: perBatch }, (_, n) => event(sent + n)),
      );
  };
  await passUntil(async () => {
    // On a busy machine a backlog of once would be gone before anybody has found it too large.
    await keepBehind();
    return runtime.running().length === 2 && (await owners()) === 2;
  }, 'two workers to share the splits');

  // Something has to arrive, or nobody knows that it is little.
  await passUntil(async () => {
    await rig.produce(goal.source.topic, [event(sent++)]);
    return runtime.running().length === 1 && (await owners()) === 1;
  }, 'one worker to have all of them again');

  const account = await rig.accounted(goal, sent);
  expect(account).toMatchObject({ in: sent, out: sent });
  const { items } = await parts.goals.listEvents('default', `job/${goal.name}`, { limit: 100 });
  const scaled = items.filter(({ reason }) => reason.startsWith('Scaled')).map(({ reason }) => reason);
  expect(scaled).toEqual(expect.arrayContaining(['ScaledUp', 'ScaledDown']));
  const delivered = new Set(
    receiver.requests.flatMap(({ body }) => (JSON.parse(body) as { n: number }[]).map(({ n }) => n)),
  );
  expect(delivered.size).toBe(sent);
});

const event = (n: number) => ({ value: JSON.stringify({ n }), partition: n % splits });

async function slowJob(): Promise<JobGoal> {
  const goal = await rig.job({ partitions: splits, sinkPartitions: 1 });
  const sink = {
    ...({ kind: 'http', url: `${receiver.url}/slow`, networks: ['loopback'], keyed: false, method: 'POST' } as const),
    ...({ format: 'array', envelope: false, headers: {}, timeoutMs: 5_000, auth: null } as const),
    batch: { maxRecords: perRequest, maxBytes: 1024 * 1024, maxWaitMs: 50 },
  } as const;
  return { ...goal, sink };
}

function partsFor(
  of: WorkerRig,
  tasks: TaskRunner,
  jobs: () => readonly ReturnType<typeof aJobEntry>[],
): ReconcileParts {
  const windows = { windowMs: 1_200, calmMs: 1_500, calmRestarts: 1 };
  const nothing = {
    topics: [],
    replays: [],
    removed: [],
    removedTopics: [],
    unsupported: [],
    freezes: [],
    approvals: [],
  };
  return {
    ...{ goals: createMemoryGoalStore({ now: () => Date.now() }), broker: createMemoryBrokerAdmin() },
    ...{ tasks, workers: of.workers, splits: of.splits, controls: createMemoryControlStore(), objects: of.objects },
    ...{ clock: systemClock, logger: silent },
    settings: { ...localSettings, autoscale: { ...localSettings.autoscale, ...windows } },
    compile: ({ sequence, at }) => ({ ...nothing, sequence, at, jobs: jobs() }),
  };
}

/** Workers as processes of the test's own. */
class ProcessRuntime implements TaskRunner {
  readonly #rig: WorkerRig;
  readonly #tasks = new Map<string, { task: ObservedTask; worker: RunningWorker }>();

  constructor(of: WorkerRig) {
    this.#rig = of;
  }

  async run({ clientToken, job, tags, environment }: TaskRequest): Promise<RunOutcome> {
    const known = this.#tasks.get(clientToken);
    if (known) return { kind: 'accepted', task: known.task };
    const task: ObservedTask = { taskId: clientToken, job, tags, state: 'running', createdAt: Date.now() };
    this.#tasks.set(clientToken, { task, worker: this.#rig.spawn(environment) });
    return { kind: 'accepted', task };
  }

  async stop(taskId: string): Promise<void> {
    this.#tasks.get(taskId)?.worker.child.kill('SIGTERM');
  }

  async list(): Promise<readonly ObservedTask[]> {
    return [...this.#tasks.values()].map(({ task, worker: { child } }) =>
      child.exitCode === null && child.signalCode === null
        ? { ...task, state: child.killed ? 'stopping' : 'running' }
        : {
            ...task,
            state: 'stopped',
            stoppedAt: Date.now(),
            ...(child.exitCode === null ? {} : { exitCode: child.exitCode }),
          },
    );
  }

  async lastLines(): Promise<readonly string[]> {
    return [];
  }

  running(): readonly RunningWorker[] {
    return [...this.#tasks.values()]
      .map(({ worker }) => worker)
      .filter(({ child }) => child.exitCode === null && !child.killed);
  }
}
