// A control record made anew from what can be seen of the job.
import { freshControl } from '#core/plan/control.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { taskIncarnation, taskRender, taskSlot } from '#core/plan/task-tags.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';

/** The control record was lost (it is only a cache): what runs is adopted, and incarnations go on above any that can still be seen. */
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
  return { ...freshControl(job, uid), incarnationLast: Math.max(0, ...seen), slots };
}
