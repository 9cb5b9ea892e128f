// What a task's tags say: written when it is started, read when it is seen again.
import { taskTags, workerName } from '#core/names.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';

/** 0 for a task without the tag: it belongs to no slot. */
export const taskIncarnation = (task: ObservedTask): number => Number(task.tags[taskTags.incarnation] ?? 0);

export const taskSlot = (task: ObservedTask): number => Number(task.tags[taskTags.slot] ?? 0);

/** Of the goal that it was started for. */
export const taskRevision = (task: ObservedTask): number => Number(task.tags[taskTags.revision] ?? 0);

export const taskRender = (task: ObservedTask): string => task.tags[taskTags.render] ?? '';

export const taskWorker = (task: ObservedTask): string => workerName(task.job, taskIncarnation(task), taskSlot(task));
