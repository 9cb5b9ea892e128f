// A control record made anew from what can be seen of the job.
import { freshControl } from '#core/plan/control.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { taskIncarnation, taskRender, taskSlot } from '#core/plan/task-tags.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';

/** More than any job's workers that may be on their way at once. */
const unseenMax = 1_000;

/** A job's first pass comes sooner after it was declared. */
const firstPassMs = 5_000;

/** Keeps a worker's name as short as others are, which order by it. */
const unseenFirstMax = 50_000_000;

/**
 * The control record was lost (it is only a cache), or there was none yet: what runs is adopted, and incarnations go on well
 * above any that can still be seen, since workers that were asked for last may have come to no listing yet. Nor below what
 * the time since the job was declared allows for: where none can be seen, or where the record is lost once more meanwhile.
 * `declaredAt` null: none is to be started.
 */
export function adoptControl(
  job: string,
  uid: string,
  observed: ObservedJob,
  declaredAt: number | null = null,
): ControlRecord {
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
  const incarnationLast = Math.max(
    declaredAt === null ? 0 : firstUnseen(observed.at - declaredAt),
    seen.length === 0 ? 0 : Math.max(...seen) + unseenMax,
  );
  return { ...freshControl(job, uid), incarnationLast, slots };
}

const firstUnseen = (ageMs: number): number =>
  Math.min(unseenFirstMax, unseenMax * Math.max(0, Math.floor(ageMs / firstPassMs)));
