// A job whose life is over by somebody's explicit wish: workers stop, then what they left in the tables goes.
import { readJobId } from '#core/names.ts';
import type { Action, Decision } from '#core/plan/action.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { taskIncarnation } from '#core/plan/task-tags.ts';

export function planEndedJob(job: string, observed: ObservedJob, leaseMs: number): Decision {
  const alive = observed.tasks.filter((task) => task.state !== 'stopped');
  const reporting = observed.heartbeats.some(
    (heartbeat) => observed.at - heartbeat.at <= leaseMs && !isOver(heartbeat.incarnation, observed),
  );
  const id = readJobId(job);
  const subject = { tenant: id?.tenant ?? 'default', name: id?.name ?? job };
  if (alive.length === 0 && !reporting) {
    const clear: Action = { kind: 'clear-job', job, controlVersion: observed.control?.version ?? 0 };
    const event = jobEvent(
      subject,
      observed.at,
      'info',
      'JobRemoved',
      'All workers have ended; what they left in the tables is removed.',
    );
    return { target: job, control: null, actions: [clear], events: [event], settled: false };
  }
  const toStop = alive.filter((task) => task.state !== 'stopping');
  return {
    target: job,
    control: null,
    actions: toStop.map((task) => ({
      kind: 'stop-worker',
      job,
      taskId: task.taskId,
      why: 'its route or sink was deleted',
    })),
    events:
      toStop.length > 0
        ? [
            jobEvent(
              subject,
              observed.at,
              'info',
              'WorkerStopping',
              `${toStop.length} worker(s) drain and end: the route or sink was deleted.`,
            ),
          ]
        : [],
    settled: false,
  };
}

const isOver = (incarnation: number, observed: ObservedJob): boolean =>
  observed.tasks.some((task) => task.state === 'stopped' && taskIncarnation(task) === incarnation);
