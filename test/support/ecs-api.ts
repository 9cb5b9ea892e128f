// RunTask, StopTask, ListTasks and DescribeTasks as ECS's API Reference has them, over the tasks that the simulation runs as well.
//
// What it keeps to, and where AWS says so: idempotency tokens ("Ensuring idempotency", ECS API Reference), the life of a
// task ("Amazon ECS task lifecycle"), throttling ("Request throttling for the Amazon ECS API"), limits of parameters and
// error codes (RunTask, StopTask, ListTasks, DescribeTasks in the API Reference), and eventual consistency (RunTask: "the
// Amazon ECS API follows an eventual consistency model").
import { createHash } from 'node:crypto';
import type { TaskState } from '#core/ports/task-runner.ts';
import { type ModelTask, type Programs, TaskModel, type Timeline } from './task-model.ts';

export interface EcsApiOptions {
  readonly clusters: readonly string[];
  readonly taskDefinitions: readonly string[];
  readonly tasksMax: number;
  /** The task definition's `stopTimeout`. */
  readonly stopTimeoutMs: number;
  /** From RunTask to RUNNING. */
  readonly launchMs?: number;
  /** How far ListTasks and DescribeTasks are behind. */
  readonly lagMs?: number;
  /** Requests a second that an action's bucket refills with, and its size; unlimited where absent. */
  readonly quota?: { readonly burst: number; readonly perSecond: number };
}

/** An answer that is an error: `code` is the exception's name in the API Reference. */
export class EcsRefusal extends Error {
  readonly code: string;
  readonly more: Readonly<Record<string, unknown>>;
  constructor(code: string, message: string, more: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.more = more;
  }
}

export type Body = Readonly<Record<string, unknown>>;
type Pair = { readonly key: string; readonly value: string };

/** What RunTask is asked, of which the shape is checked before. */
interface RunTask extends Body {
  readonly cluster?: string;
  readonly taskDefinition: string;
  readonly clientToken?: string;
  readonly startedBy?: string;
  readonly count?: number;
  readonly tags?: readonly Pair[];
  readonly networkConfiguration?: { readonly awsvpcConfiguration?: unknown };
  readonly overrides?: { readonly containerOverrides?: readonly ContainerOverride[] };
}

interface ContainerOverride {
  readonly name: string;
  readonly environment?: readonly { readonly name: string; readonly value: string }[];
}

const seconds = (ms: number): number => ms / 1_000;
const startedByForm = /^[A-Za-z0-9_/-]{1,128}$/;
const tagForm = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const account = 'arn:aws:ecs:us-east-1:111122223333';
const listMax = 100;
const describeMax = 100;
const reasonCharsMax = 255;
const overridesCharsMax = 8_192;
/** From SIGTERM to the end of a program that heeds it. */
const drainMs = 10;

export class EcsApi {
  /** Of tasks that cannot pull their image, in `stoppedReason`. */
  pullError: string | null = null;
  readonly #options: EcsApiOptions;
  readonly #wall = new WallTimeline();
  readonly #tasks: TaskModel<RunTask>;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(options: EcsApiOptions) {
    this.#options = options;
    const { launchMs: afterMs = 20, stopTimeoutMs } = options;
    const pace = {
      launch: () => ({ afterMs, failure: this.pullError }),
      noticedAfterMs: () => 0,
      stopTimeoutMs,
    };
    this.#tasks = new TaskModel(this.#wall, pace, this.#programs());
  }

  call(action: string, body: Body): Body {
    this.#throttle(action);
    switch (action) {
      case 'RunTask':
        return this.#runTask(body as RunTask);
      case 'StopTask':
        return this.#stopTask(body);
      case 'ListTasks':
        return this.#listTasks(body);
      case 'DescribeTasks':
        return this.#describeTasks(body);
      default:
        throw new EcsRefusal('UnknownOperationException', action);
    }
  }

  /** As a crash or the kernel would end its process. */
  kill(arn: string): void {
    this.#tasks.exited(arn, 137);
  }

  /** As Fargate Spot takes its capacity back: a notice, and SIGTERM with it. */
  interrupt(arn: string): void {
    this.#tasks.stop(arn, 'Your Spot Task was interrupted.', 'SpotInterruption');
  }

  /** What RunTask was told to override. */
  environmentOf(arn: string): Readonly<Record<string, string>> {
    const asked = this.#tasks.askedFor(arn);
    return asked ? environmentOf(asked) : {};
  }

  close(): void {
    this.#wall.close();
  }

  /** A task's program does as `BEHAVE` in its environment says: `run` until SIGTERM, `exit:N` at once, `stubborn` to ignore SIGTERM. */
  #programs(): Programs<RunTask> {
    const behaviourOf = (arn: string): string => this.environmentOf(arn)['BEHAVE'] ?? 'run';
    return {
      begin: (arn) => {
        const exit = /^exit:(\d+)$/.exec(behaviourOf(arn));
        if (exit) this.#tasks.exited(arn, Number(exit[1]));
      },
      terminate: (arn) => {
        if (behaviourOf(arn) !== 'stubborn') this.#wall.after(drainMs, () => this.#tasks.exited(arn, 0));
      },
      kill: () => {},
    };
  }

  /** "Amazon ECS throttles API requests for each account on a per-Region basis", with a token bucket per class of actions. */
  #throttle(action: string): void {
    const { quota } = this.#options;
    if (!quota) return;
    const now = Date.now();
    const bucket = this.#buckets.get(action) ?? { tokens: quota.burst, at: now };
    const tokens = Math.min(quota.burst, bucket.tokens + seconds(now - bucket.at) * quota.perSecond);
    this.#buckets.set(action, { tokens: Math.max(0, tokens - 1), at: now });
    if (tokens < 1) throw new EcsRefusal('ThrottlingException', 'Rate exceeded');
  }

  #runTask(body: RunTask): Body {
    const cluster = this.#cluster(body);
    checkRunTask(body, this.#options.taskDefinitions);
    const { clientToken = '', tags = [] } = body;
    const known = this.#tasks.recall(clientToken, body);
    if (known?.isSame === false)
      throw new EcsRefusal('ConflictException', 'The clientToken was used with other parameters.', {
        resourceIds: [known.task.taskId],
      });
    if (known) return { tasks: [this.#taskOf(known.task)], failures: [] };
    if (this.#tasks.all().filter(({ state }) => state !== 'stopped').length >= this.#options.tasksMax)
      return { tasks: [], failures: [{ reason: noCapacity }] };
    const id = createHash('sha256').update(`${clientToken}${this.#tasks.size}`).digest('hex').slice(0, 32);
    const taskId = `${account}:task/${cluster.slice(cluster.lastIndexOf('/') + 1)}/${id}`;
    const named = Object.fromEntries(tags.map(({ key, value }) => [key, value]));
    const task = this.#tasks.start(clientToken, body, { taskId, job: '', tags: named });
    return { tasks: [this.#taskOf(task)], failures: [] };
  }

  #stopTask(body: Body): Body {
    const cluster = this.#cluster(body);
    const arn = String(body['task']);
    const reason = String(body['reason'] ?? '');
    if (reason.length > reasonCharsMax)
      throw new EcsRefusal('InvalidParameterException', `Reason can have at most ${reasonCharsMax} characters.`);
    if (!this.#isOf(arn, cluster))
      throw new EcsRefusal('InvalidParameterException', 'The referenced task was not found.');
    this.#tasks.stop(arn, reason);
    return { task: this.#taskOf(this.#tasks.find(arn)!) };
  }

  #listTasks(body: Body): Body {
    const cluster = this.#cluster(body);
    const { startedBy, desiredStatus = 'RUNNING', maxResults = listMax, nextToken } = body;
    const besides = ['cluster', 'startedBy', 'maxResults', 'nextToken'];
    if (startedBy !== undefined && Object.keys(body).some((key) => !besides.includes(key)))
      throw new EcsRefusal('InvalidParameterException', 'startedBy must be the only filter that is used.');
    if (Number(maxResults) > listMax)
      throw new EcsRefusal('InvalidParameterException', `maxResults must be at most ${listMax}.`);
    const arns = this.#tasks
      .seen(this.#asOf())
      .filter(({ taskId, state }) => this.#isOf(taskId, cluster) && desiredOf(state) === desiredStatus)
      .filter(({ taskId }) => startedBy === undefined || this.#tasks.askedFor(taskId)?.startedBy === startedBy)
      .map(({ taskId }) => taskId);
    const from = nextToken === undefined ? 0 : Number(nextToken);
    const to = from + Number(maxResults);
    return { taskArns: arns.slice(from, to), ...(to < arns.length ? { nextToken: String(to) } : {}) };
  }

  #describeTasks(body: Body): Body {
    const cluster = this.#cluster(body);
    const wanted = body['tasks'] as readonly string[];
    if (wanted.length > describeMax)
      throw new EcsRefusal('InvalidParameterException', `Tasks can have at most ${describeMax} items.`);
    const withTags = (body['include'] as readonly string[] | undefined)?.includes('TAGS') === true;
    const found = wanted.map((arn) => ({
      arn,
      task: this.#isOf(arn, cluster) ? this.#tasks.seenOne(arn, this.#asOf()) : undefined,
    }));
    return {
      tasks: found.flatMap(({ task }) => (task ? [this.#taskOf(task, withTags)] : [])),
      failures: found.filter(({ task }) => !task).map(({ arn }) => ({ arn, reason: 'MISSING' })),
    };
  }

  #cluster(body: Body): string {
    const name = String(body['cluster'] ?? 'default');
    if (!this.#options.clusters.includes(name)) throw new EcsRefusal('ClusterNotFoundException', 'Cluster not found.');
    return name;
  }

  #isOf(arn: string, cluster: string): boolean {
    return this.#tasks.askedFor(arn)?.cluster === cluster;
  }

  /** Readers that lag see what was. */
  #asOf(): number {
    return Date.now() - (this.#options.lagMs ?? 0);
  }

  /** A task in the words of the API Reference ("Task"). */
  #taskOf(task: ModelTask, withTags = true): Body {
    const { taskId, tags, state, createdAt, startedAt, stoppedAt, stopCode, stopReason, exitCode } = task;
    const { cluster, startedBy, overrides, taskDefinition } = this.#tasks.askedFor(taskId)!;
    const failure = stopCode === 'TaskFailedToStart' ? { reason: stopReason } : {};
    return {
      ...{ taskArn: taskId, clusterArn: cluster, taskDefinitionArn: taskDefinition, startedBy, overrides, launchType },
      ...(withTags ? { tags: Object.entries(tags).map(([key, value]) => ({ key, value })) } : {}),
      ...{ lastStatus: statusOf(task), desiredStatus: desiredOf(state), createdAt: seconds(createdAt) },
      ...(startedAt === undefined ? {} : { startedAt: seconds(startedAt) }),
      ...(stoppedAt === undefined ? {} : { stoppedAt: seconds(stoppedAt) }),
      ...{ stopCode, stoppedReason: stopReason },
      containers: [{ name: 'worker', lastStatus: containerStatusOf(state), exitCode, ...failure }],
    };
  }
}

const launchType = 'FARGATE';
/** RunTask, "API failure reasons": Fargate. */
const noCapacity = 'Capacity is unavailable at this time. Please try again later or in a different availability zone';

const desiredOf = (state: TaskState): 'RUNNING' | 'STOPPED' =>
  state === 'stopping' || state === 'stopped' ? 'STOPPED' : 'RUNNING';

const containerStatusOf = (state: TaskState): string =>
  ({ starting: 'PENDING', running: 'RUNNING', stopping: 'RUNNING', stopped: 'STOPPED' })[state];

/** "Amazon ECS task lifecycle". */
const statusOf = ({ state }: ModelTask): string =>
  ({ starting: 'PROVISIONING', running: 'RUNNING', stopping: 'STOPPING', stopped: 'STOPPED' })[state];

const environmentOf = ({ overrides }: RunTask): Readonly<Record<string, string>> =>
  Object.fromEntries((overrides?.containerOverrides?.[0]?.environment ?? []).map(({ name, value }) => [name, value]));

/** The constraints that the API Reference gives for RunTask's parameters. */
function checkRunTask(body: RunTask, taskDefinitions: readonly string[]): void {
  const refuse = (message: string): never => {
    throw new EcsRefusal('InvalidParameterException', message);
  };
  if (!taskDefinitions.includes(body.taskDefinition))
    throw new EcsRefusal('ClientException', 'TaskDefinition not found.');
  const { clientToken, startedBy, tags = [], networkConfiguration, overrides = {}, count = 1 } = body;
  if (count < 1 || count > 10) refuse('Count must be between 1 and 10.');
  if (clientToken !== undefined && !/^[\x21-\x7e]{1,64}$/.test(clientToken)) refuse('Invalid clientToken.');
  if (startedBy !== undefined && !startedByForm.test(startedBy)) refuse('Invalid startedBy.');
  if (!networkConfiguration?.awsvpcConfiguration)
    refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  for (const { key, value } of tags)
    if (key.length > 128 || value.length > 256 || !tagForm.test(key) || !tagForm.test(value))
      refuse(`Invalid tag ${key}.`);
  if (tags.length > 50) refuse('Too many tags.');
  for (const { name } of overrides.containerOverrides ?? [])
    if (name !== 'worker') refuse(`Override for container named ${name} is not a container in the TaskDefinition.`);
  if (JSON.stringify(overrides).length > overridesCharsMax)
    refuse(`Container Overrides length must be at most ${overridesCharsMax}`);
}

/** The wall's clock; what it is to do later it no longer does once it is closed. */
class WallTimeline implements Timeline {
  readonly #timers = new Set<NodeJS.Timeout>();

  get now(): number {
    return Date.now();
  }

  after(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs);
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
