// A control record made anew from what can be seen of the job.
import { freshControl } from '#core/plan/control.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { taskIncarnation, taskRender, taskSlot } from '#core/plan/task-tags.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';

/** More than any job's workers that may be on their way at once. */
const unseenMax = 1_000;

/**
 * The control record was lost (it is only a cache): what runs is adopted, and incarnations go on well above any that can
 * still be seen, since workers that were asked for last may have come to no listing yet.
 */
export function adoptControl(job: string, uid: string, observed: ObservedJob): ControlRecord {
  const seen = [
    ...observed.tasks.map(taskIncarnation),
    ...observed.heartbeats.map((heartbeat) => heartbeat.incarnation),
  ];
  const slots: Record<string, SlotRecord> = {};
  const alive = observed.tasks.filter((task) => task.state === 'running' || task.state === 'starting');
  for (const task of [...alive].sort((a, b) => taskIncarnation(a) - taskIncarnation(b)))
    slots[taskSlot(task)] = {
      incarnation: taskIncarnation(task),
      render: taskRender(task),
      startedAt: task.createdAt,
      failureCount: 0,
      nextStartAt: task.createdAt,
    };
  return { ...freshControl(job, uid), incarnationLast: seen.length === 0 ? 0 : Math.max(...seen) + unseenMax, slots };
}
