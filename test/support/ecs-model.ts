// The tasks of a few clusters: what RunTask, StopTask, ListTasks and DescribeTasks do to them, and how they live and end.
import { createHash } from 'node:crypto';

export interface EcsModelOptions {
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

type Body = Readonly<Record<string, unknown>>;
type Override = { readonly name: string; readonly value: string };
type Pair = { readonly key: string; readonly value: string };

interface Version {
  readonly at: number;
  readonly facts: Body;
}

interface TaskOfModel {
  readonly arn: string;
  readonly cluster: string;
  readonly startedBy: string;
  readonly tags: readonly Pair[];
  readonly behave: string;
  readonly requestHash: string;
  /** All that it ever was, oldest first: readers that lag see an older one. */
  readonly history: Version[];
}

const seconds = (ms: number): number => ms / 1_000;
const startedByForm = /^[A-Za-z0-9_/-]{1,128}$/;
const tagForm = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const account = 'arn:aws:ecs:us-east-1:111122223333';

export class EcsModel {
  readonly #options: EcsModelOptions;
  readonly #tasks = new Map<string, TaskOfModel>();
  readonly #byToken = new Map<string, TaskOfModel>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  /** Of a task that cannot pull its image, in `stoppedReason`. */
  pullError: string | null = null;

  constructor(options: EcsModelOptions) {
    this.#options = options;
  }

  call(action: string, body: Body): unknown {
    this.#throttle(action);
    switch (action) {
      case 'RunTask':
        return this.#runTask(body);
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
    const task = this.#tasks.get(arn);
    if (task) this.#end(task, 137, 'Essential container in task exited');
  }

  /** As Fargate Spot takes its capacity back: a notice, and SIGTERM with it. */
  interrupt(arn: string): void {
    const task = this.#tasks.get(arn);
    if (task) this.#askToStop(task, 'SpotInterruption', 'Your Spot Task was interrupted.');
  }

  /** What RunTask was told to override. */
  environmentOf(arn: string): Readonly<Record<string, string>> {
    const task = this.#tasks.get(arn);
    const overrides = (task && newest(task)['overrides']) as
      | { containerOverrides: { environment?: Override[] }[] }
      | undefined;
    const pairs = overrides?.containerOverrides[0]?.environment ?? [];
    return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
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

  #runTask(body: Body): unknown {
    const cluster = this.#cluster(body);
    checkRunTask(body, this.#options.taskDefinitions);
    const token = String(body['clientToken'] ?? '');
    const requestHash = createHash('sha256').update(JSON.stringify(body)).digest('hex');
    const known = this.#byToken.get(token);
    if (known && known.requestHash !== requestHash)
      throw new EcsRefusal('ConflictException', 'The clientToken was used with other parameters.', {
        resourceIds: [known.arn],
      });
    if (known) return { tasks: [newest(known)], failures: [] };
    const live = [...this.#tasks.values()].filter((task) => newest(task)['lastStatus'] !== 'STOPPED');
    if (live.length >= this.#options.tasksMax)
      return {
        tasks: [],
        failures: [
          {
            reason: 'Capacity is unavailable at this time. Please try again later or in a different availability zone',
          },
        ],
      };
    const task = this.#create(body, cluster, requestHash);
    if (token) this.#byToken.set(token, task);
    this.#launch(task);
    return { tasks: [newest(task)], failures: [] };
  }

  #create(body: Body, cluster: string, requestHash: string): TaskOfModel {
    const id = createHash('sha256').update(`${requestHash}${this.#tasks.size}`).digest('hex').slice(0, 32);
    const overrides = body['overrides'] as {
      containerOverrides: { environment?: { name: string; value: string }[] }[];
    };
    const arn = `${account}:task/${cluster.slice(cluster.lastIndexOf('/') + 1)}/${id}`;
    const tags = (body['tags'] ?? []) as Pair[];
    const facts = {
      ...{ taskArn: arn, clusterArn: cluster, startedBy: body['startedBy'], tags, lastStatus: 'PROVISIONING' },
      ...{ desiredStatus: 'RUNNING', createdAt: seconds(Date.now()), launchType: 'FARGATE', overrides },
      containers: [{ name: 'worker', lastStatus: 'PENDING' }],
    };
    const environment = overrides.containerOverrides[0]?.environment ?? [];
    const behave = environment.find(({ name }) => name === 'BEHAVE')?.value ?? 'run';
    const startedBy = String(body['startedBy'] ?? '');
    const task = { arn, cluster, startedBy, tags, behave, requestHash, history: [{ at: Date.now(), facts }] };
    this.#tasks.set(arn, task);
    return task;
  }

  #launch(task: TaskOfModel): void {
    const launchMs = this.#options.launchMs ?? 20;
    this.#after(launchMs / 2, () => this.#become(task, { lastStatus: 'PENDING' }));
    this.#after(launchMs, () => {
      if (newest(task)['lastStatus'] === 'STOPPED') return;
      if (this.pullError !== null) return this.#failToStart(task, this.pullError);
      if (newest(task)['desiredStatus'] === 'STOPPED') return;
      this.#become(task, { lastStatus: 'RUNNING', startedAt: seconds(Date.now()) });
      const exit = /^exit:(\d+)$/.exec(task.behave);
      if (exit) this.#end(task, Number(exit[1]), 'Essential container in task exited');
    });
  }

  #failToStart(task: TaskOfModel, reason: string): void {
    const containers = [{ name: 'worker', lastStatus: 'STOPPED', reason }];
    const stoppedAt = seconds(Date.now());
    const why = { stopCode: 'TaskFailedToStart', stoppedReason: reason };
    this.#become(task, { ...why, containers, stoppedAt, lastStatus: 'STOPPED', desiredStatus: 'STOPPED' });
  }

  /** SIGTERM; SIGKILL after the stop timeout. */
  #askToStop(task: TaskOfModel, stopCode: string, reason: string): void {
    this.#become(task, { desiredStatus: 'STOPPED', stopCode, stoppedReason: reason });
    if (task.behave === 'stubborn') this.#after(this.#options.stopTimeoutMs, () => this.#end(task, 137, reason));
    else this.#after(10, () => this.#end(task, 0, reason));
  }

  #stopTask(body: Body): unknown {
    const cluster = this.#cluster(body);
    const reason = String(body['reason'] ?? '');
    if (reason.length > 255)
      throw new EcsRefusal('InvalidParameterException', 'Reason can have at most 255 characters.');
    const task = this.#find(cluster, String(body['task']));
    if (!task) throw new EcsRefusal('InvalidParameterException', 'The referenced task was not found.');
    if (newest(task)['desiredStatus'] === 'STOPPED') return { task: newest(task) };
    this.#askToStop(task, 'UserInitiated', reason);
    return { task: newest(task) };
  }

  #listTasks(body: Body): unknown {
    const cluster = this.#cluster(body);
    const { startedBy, desiredStatus = 'RUNNING', maxResults = 100, nextToken } = body;
    if (
      startedBy !== undefined &&
      Object.keys(body).some((key) => !['cluster', 'startedBy', 'maxResults', 'nextToken'].includes(key))
    )
      throw new EcsRefusal('InvalidParameterException', 'startedBy must be the only filter that is used.');
    if (Number(maxResults) > 100) throw new EcsRefusal('InvalidParameterException', 'maxResults must be at most 100.');
    const arns = [...this.#tasks.values()]
      .filter((task) => task.cluster === cluster && this.#seen(task)?.['desiredStatus'] === desiredStatus)
      .filter((task) => startedBy === undefined || task.startedBy === startedBy)
      .map(({ arn }) => arn);
    const from = nextToken === undefined ? 0 : Number(nextToken);
    const to = from + Number(maxResults);
    return { taskArns: arns.slice(from, to), ...(to < arns.length ? { nextToken: String(to) } : {}) };
  }

  #describeTasks(body: Body): unknown {
    const cluster = this.#cluster(body);
    const wanted = body['tasks'] as string[];
    if (wanted.length > 100) throw new EcsRefusal('InvalidParameterException', 'Tasks can have at most 100 items.');
    const found = wanted.map((arn) => ({ arn, task: this.#find(cluster, arn) }));
    const withTags = (body['include'] as string[] | undefined)?.includes('TAGS') === true;
    const tasks = found.flatMap(({ task }) => {
      const facts = task && this.#seen(task);
      return facts ? [withTags ? facts : { ...facts, tags: undefined }] : [];
    });
    const failures = found
      .filter(({ task }) => !task || !this.#seen(task))
      .map(({ arn }) => ({ arn, reason: 'MISSING' }));
    return { tasks, failures };
  }

  #cluster(body: Body): string {
    const name = String(body['cluster'] ?? 'default');
    if (!this.#options.clusters.includes(name)) throw new EcsRefusal('ClusterNotFoundException', 'Cluster not found.');
    return name;
  }

  #find(cluster: string, arn: string): TaskOfModel | undefined {
    const task = this.#tasks.get(arn);
    return task?.cluster === cluster ? task : undefined;
  }

  /** As a reader that lags sees it; undefined while it is too new. */
  #seen(task: TaskOfModel): Body | undefined {
    const at = Date.now() - (this.#options.lagMs ?? 0);
    return task.history.findLast((version) => version.at <= at)?.facts;
  }

  #become(task: TaskOfModel, facts: Body): void {
    if (newest(task)['lastStatus'] === 'STOPPED') return;
    task.history.push({ at: Date.now(), facts: { ...newest(task), ...facts } });
  }

  #end(task: TaskOfModel, exitCode: number, reason: string): void {
    const stoppedReason = newest(task)['stoppedReason'] ?? reason;
    const containers = [{ name: 'worker', lastStatus: 'STOPPED', exitCode }];
    const stoppedAt = seconds(Date.now());
    this.#become(task, { stoppedReason, containers, stoppedAt, lastStatus: 'STOPPED', desiredStatus: 'STOPPED' });
  }

  #after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }
}

const newest = (task: TaskOfModel): Body => task.history.at(-1)!.facts;

/** The constraints that the API Reference gives for RunTask's parameters. */
function checkRunTask(body: Body, taskDefinitions: readonly string[]): void {
  const refuse = (message: string): never => {
    throw new EcsRefusal('InvalidParameterException', message);
  };
  if (!taskDefinitions.includes(String(body['taskDefinition'])))
    throw new EcsRefusal('ClientException', 'TaskDefinition not found.');
  const { clientToken, startedBy, tags = [], networkConfiguration, overrides, count = 1 } = body;
  if (Number(count) < 1 || Number(count) > 10) refuse('Count must be between 1 and 10.');
  if (clientToken !== undefined && !/^[\x21-\x7e]{1,64}$/.test(String(clientToken))) refuse('Invalid clientToken.');
  if (startedBy !== undefined && !startedByForm.test(String(startedBy))) refuse('Invalid startedBy.');
  if (!(networkConfiguration as { awsvpcConfiguration?: unknown } | undefined)?.awsvpcConfiguration)
    refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  for (const { key, value } of tags as Pair[])
    if (key.length > 128 || value.length > 256 || !tagForm.test(key) || !tagForm.test(value))
      refuse(`Invalid tag ${key}.`);
  if ((tags as Pair[]).length > 50) refuse('Too many tags.');
  const { containerOverrides = [] } = (overrides ?? {}) as { containerOverrides?: { name: string }[] };
  for (const { name } of containerOverrides)
    if (name !== 'worker') refuse(`Override for container named ${name} is not a container in the TaskDefinition.`);
  if (JSON.stringify(overrides ?? {}).length > 8_192) refuse('Container Overrides length must be at most 8192');
}
