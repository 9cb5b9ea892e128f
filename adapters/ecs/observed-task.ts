// An ECS task as the reconciler sees it.
import type { Task } from '@aws-sdk/client-ecs';
import { taskTags } from '#core/names.ts';
import type { ObservedTask, TaskState } from '#core/ports/task-runner.ts';

/** Name of the one container in a worker's task definition. */
export const workerContainer = 'worker';
export const logStreamPrefix = 'worker';

/** The states of "Amazon ECS task lifecycle", by what they mean to us. */
const starting = ['PROVISIONING', 'PENDING', 'ACTIVATING'];
const ending = ['DEACTIVATING', 'STOPPING', 'DEPROVISIONING'];
const ended = ['STOPPED', 'DELETED'];

function stateOf({ lastStatus = '', desiredStatus }: Task): TaskState {
  if (ended.includes(lastStatus)) return 'stopped';
  if (ending.includes(lastStatus) || desiredStatus === 'STOPPED') return 'stopping';
  return starting.includes(lastStatus) ? 'starting' : 'running';
}

export const tagsOf = (task: Task): Readonly<Record<string, string>> =>
  Object.fromEntries((task.tags ?? []).map(({ key, value }) => [key ?? '', value ?? '']));

const taskIdOf = (taskArn: string): string => taskArn.slice(taskArn.lastIndexOf('/') + 1);

/** The cluster that a task's ARN names; null for what is no task's ARN. */
export function clusterOf(taskArn: string): string | null {
  const match = /^(arn:[a-z-]+:ecs:[a-z0-9-]+:\d{12}:)task\/([A-Za-z0-9_-]+)\/[A-Za-z0-9]+$/.exec(taskArn);
  return match ? `${match[1]}cluster/${match[2]}` : null;
}

/** `logGroup` is where the task definition sends its container's output. */
export function observedTask(task: Task, logGroup: string): ObservedTask {
  const taskArn = task.taskArn ?? '';
  const tags = tagsOf(task);
  const state = stateOf(task);
  const container = task.containers?.find(({ name }) => name === workerContainer) ?? task.containers?.[0];
  const reason = [task.stoppedReason, container?.reason].filter((part) => part).join('; ');
  const stoppedAt = task.stoppedAt ?? task.stoppingAt ?? task.executionStoppedAt;
  return {
    taskId: taskArn,
    job: tags[taskTags.job] ?? '',
    tags,
    state,
    createdAt: task.createdAt?.getTime() ?? 0,
    ...(state === 'stopped' && stoppedAt ? { stoppedAt: stoppedAt.getTime() } : {}),
    ...(reason === '' ? {} : { stopReason: reason }),
    ...(state === 'stopped' && container?.exitCode !== undefined ? { exitCode: container.exitCode } : {}),
    log: `${logGroup}:${logStreamPrefix}/${workerContainer}/${taskIdOf(taskArn)}`,
  };
}
