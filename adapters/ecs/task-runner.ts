// The TaskRunner port on ECS: one Fargate task a worker, from task definitions that all jobs share, on one cluster a cell.
import { createHash } from 'node:crypto';
import {
  ConflictException,
  DescribeTasksCommand,
  ECSServiceException,
  ListTasksCommand,
  RunTaskCommand,
  type RunTaskCommandOutput,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import { taskTags } from '#core/names.ts';
import type { ObservedTask, RunOutcome, TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import { type Ecs, ecsRefused } from './client.ts';
import { clusterOf, observedTask, tagsOf, workerContainer } from './observed-task.ts';
import { chooseSize, type WorkerSize } from './worker-size.ts';

export interface EcsPlatform {
  /** Tasks that bear it in `millrace:platform` are ours. */
  readonly platform: string;
  /** One cluster a cell; a job stays in its cell as long as the cell is in the list. */
  readonly clusterArns: readonly string[];
  readonly sizes: readonly WorkerSize[];
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  readonly logGroup: string;
}

const listPageMax = 100;
const describeTasksMax = 100;
const stopReasonCharsMax = 255;
const keptAfterStopMs = 60 * 60 * 1_000;

/** `identify` gives a task the proof of which worker it is; on a counterpart there may be none. */
export function createEcsTaskRunner(
  ecs: Ecs,
  platform: EcsPlatform,
  identify: (request: TaskRequest) => Promise<Readonly<Record<string, string>>> = async () => ({}),
): TaskRunner {
  return {
    run: async (request) => run(ecs, platform, request, await identify(request)),
    stop: (taskId, reason) => stop(ecs, taskId, reason),
    // The task's `log` names its log stream; reading it is a right that the reconciler does not have.
    lastLines: async () => [],
    list: async (job) => {
      const perCell = await Promise.all(platform.clusterArns.map((cluster) => listCell(ecs, platform, cluster)));
      return perCell.flat().filter((task) => job === undefined || task.job === job);
    },
  };
}

/** Rendezvous hashing: a cell more takes its share of the jobs, and no job moves between two that stay. */
export function cellOf(job: string, clusterArns: readonly string[]): string {
  const weightOf = (cluster: string): string => createHash('sha256').update(`${cluster}\n${job}`).digest('hex');
  return clusterArns.reduce((best, cluster) => (weightOf(cluster) > weightOf(best) ? cluster : best));
}

async function run(
  ecs: Ecs,
  platform: EcsPlatform,
  request: TaskRequest,
  identity: Readonly<Record<string, string>>,
): Promise<RunOutcome> {
  const size = chooseSize(platform.sizes, request);
  if (size === null) return { kind: 'refused', retry: false, reason: tooBig(request, platform.sizes) };
  const command = commandOf(platform, request, size, identity);
  let answer: RunTaskCommandOutput;
  try {
    answer = await ecs.call('run', (client) => client.send(command));
  } catch (error) {
    if (error instanceof ConflictException)
      return {
        kind: 'refused',
        retry: false,
        reason: `the client token was used with another request: ${error.message}`,
      };
    if (error instanceof ECSServiceException) return refusalOf(error);
    throw error;
  }
  const [task] = answer.tasks ?? [];
  if (task !== undefined) return { kind: 'accepted', task: observedTask(task, platform.logGroup) };
  const reasons = (answer.failures ?? []).map(({ reason, detail }) => [reason, detail].filter(Boolean).join(': '));
  return { kind: 'refused', retry: true, reason: reasons.join('; ') || 'ECS started nothing and gave no reason' };
}

/** A request that ECS does not understand stays wrong; a cluster that is gone or an account that is blocked may come back. */
function refusalOf(error: ECSServiceException): RunOutcome {
  const lasting = ['InvalidParameterException', 'ClientException', 'UnsupportedFeatureException'];
  return { kind: 'refused', retry: !lasting.includes(error.name), reason: `${error.name}: ${error.message}` };
}

const tooBig = ({ cpu, memoryMiB }: TaskRequest, sizes: readonly WorkerSize[]): string =>
  `${cpu} vCPU and ${memoryMiB} MiB were asked for; the largest worker is ${sizes.at(-1)?.cpu ?? 0} vCPU and ${
    sizes.at(-1)?.memoryMiB ?? 0
  } MiB`;

const commandOf = (
  platform: EcsPlatform,
  request: TaskRequest,
  size: WorkerSize,
  identity: Readonly<Record<string, string>>,
): RunTaskCommand =>
  new RunTaskCommand({
    cluster: cellOf(request.job, platform.clusterArns),
    taskDefinition: size.taskDefinitionArn,
    count: 1,
    launchType: 'FARGATE',
    clientToken: request.clientToken,
    // Job ids have characters that `startedBy` does not take; the tags name the job.
    startedBy: platform.platform,
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: [...platform.subnetIds],
        securityGroups: [...platform.securityGroupIds],
        assignPublicIp: 'DISABLED',
      },
    },
    overrides: {
      containerOverrides: [
        {
          name: workerContainer,
          // What was asked for, within the size that was taken: the job is held to it.
          cpu: Math.round(request.cpu * 1_024),
          memory: request.memoryMiB,
          // In one order: a request that differs in nothing else is the same request to the client token.
          environment: Object.entries({ ...request.environment, ...identity })
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, value]) => ({ name, value })),
        },
      ],
    },
    tags: Object.entries({ ...request.tags, [taskTags.platform]: platform.platform, [taskTags.job]: request.job })
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value })),
  });

async function stop(ecs: Ecs, taskId: string, reason: string): Promise<void> {
  const cluster = clusterOf(taskId);
  // Nothing of ours has such an id.
  if (cluster === null) return;
  const command = new StopTaskCommand({ cluster, task: taskId, reason: reason.slice(0, stopReasonCharsMax) });
  try {
    await ecs.call('stop', (client) => client.send(command));
  } catch (error) {
    if (error instanceof ECSServiceException && /task was not found/i.test(error.message)) return;
    throw error instanceof ECSServiceException ? ecsRefused(`stop ${taskId}`, error) : error;
  }
}

async function listCell(ecs: Ecs, platform: EcsPlatform, cluster: string): Promise<readonly ObservedTask[]> {
  const [live, ended] = await Promise.all([listArns(ecs, cluster, 'RUNNING'), listArns(ecs, cluster, 'STOPPED')]);
  const arns = [...new Set([...live, ...ended])];
  const pages: string[][] = [];
  for (let at = 0; at < arns.length; at += describeTasksMax) pages.push(arns.slice(at, at + describeTasksMax));
  const tasks = (await Promise.all(pages.map((page) => describe(ecs, cluster, page)))).flat();
  const since = Date.now() - keptAfterStopMs;
  return tasks
    .filter((task) => tagsOf(task)[taskTags.platform] === platform.platform)
    .map((task) => observedTask(task, platform.logGroup))
    .filter((task) => task.state !== 'stopped' || (task.stoppedAt ?? 0) > since);
}

async function listArns(ecs: Ecs, cluster: string, desiredStatus: 'RUNNING' | 'STOPPED'): Promise<readonly string[]> {
  const arns: string[] = [];
  let nextToken: string | undefined;
  do {
    const command = new ListTasksCommand({
      ...{ cluster, desiredStatus, maxResults: listPageMax },
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    const answer = await read(ecs, 'list tasks', (client) => client.send(command));
    arns.push(...(answer.taskArns ?? []));
    nextToken = answer.nextToken;
  } while (nextToken !== undefined);
  return arns;
}

/** A task that is gone meanwhile comes back among the failures, as MISSING: it is unknown, as a task that is not listed. */
async function describe(ecs: Ecs, cluster: string, arns: readonly string[]): Promise<readonly Task[]> {
  const command = new DescribeTasksCommand({ cluster, tasks: [...arns], include: ['TAGS'] });
  return (await read(ecs, 'describe tasks', (client) => client.send(command))).tasks ?? [];
}

async function read<Answer>(ecs: Ecs, what: string, send: (client: Ecs['client']) => Promise<Answer>): Promise<Answer> {
  try {
    return await ecs.call('read', send);
  } catch (error) {
    throw error instanceof ECSServiceException ? ecsRefused(what, error) : error;
  }
}
