// A job's workers as people are told of them.
import { canarySlot } from '#core/canary/canary-slot.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { WorkerStatus } from '#core/status/job-status.ts';
import type { Situation } from '#core/status/situation.ts';

/** Tasks as the last pass saw them, in the state that their workers report since; and workers that report but were not listed yet. */
export function workerStatuses({ control, heartbeats, live, entry }: Situation): readonly WorkerStatus[] {
  const tasks = control?.tasks ?? [];
  const listed = tasks.map((task): WorkerStatus => {
    const heartbeat = heartbeats.find((candidate) => candidate.incarnation === task.incarnation);
    const reports = heartbeat !== undefined && live.includes(heartbeat) && task.state !== 'stopping';
    return {
      worker: task.worker,
      taskId: task.taskId,
      incarnation: task.incarnation,
      slot: task.slot,
      state: reports ? reportedState(heartbeat, entry) : task.state,
      since: task.since,
      log: task.log ?? null,
      ...reported(heartbeat, task.pid),
    };
  });
  const unlisted = live.filter((heartbeat) => !tasks.some((task) => task.incarnation === heartbeat.incarnation));
  return [...listed, ...unlisted.map((heartbeat) => unlistedWorker(heartbeat, entry))];
}

function reportedState({ render, slot, state }: Heartbeat, entry: JobEntry): string {
  if (render === entry.render) return state;
  return slot === canarySlot ? 'canary' : 'outdated';
}

const reported = (heartbeat: Heartbeat | undefined, pid: number | undefined) => ({
  pid: heartbeat?.pid ?? pid ?? null,
  splits: heartbeat?.splits.length ?? 0,
  rssMiB: heartbeat?.rssMiB ?? null,
});

const unlistedWorker = (heartbeat: Heartbeat, entry: JobEntry): WorkerStatus => ({
  worker: heartbeat.worker,
  taskId: null,
  incarnation: heartbeat.incarnation,
  slot: heartbeat.slot,
  state: reportedState(heartbeat, entry),
  since: heartbeat.startedAt,
  log: null,
  ...reported(heartbeat, undefined),
});
