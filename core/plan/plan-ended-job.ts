// A job whose life is over by somebody's explicit wish: workers stop, then what they left in the tables goes.
import { isReplay, readJobId } from '#core/names.ts';
import type { Decision } from '#core/plan/action.ts';
import { freshControl } from '#core/plan/control.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { taskIncarnation } from '#core/plan/task-tags.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';

export function planEndedJob(job: string, observed: ObservedJob, leaseMs: number): Decision {
  const alive = observed.tasks.filter((task) => task.state !== 'stopped');
  const reporting = observed.heartbeats.some(
    (heartbeat) => observed.at - heartbeat.at <= leaseMs && !isOver(heartbeat.incarnation, observed),
  );
  const id = readJobId(job);
  const subject = { tenant: id?.tenant ?? 'default', name: id?.name ?? job };
  if (alive.length === 0 && !reporting) {
    if (observed.control && isBeingCleared(observed.control)) return goOnClearing(observed.control);
    const control = markCleared(observed.control ?? freshControl(job, id?.uid ?? ''));
    const event = jobEvent(
      subject,
      observed.at,
      'info',
      'JobRemoved',
      'All workers have ended; what they left in the tables is removed.',
    );
    // A replay is no job for people: its receipt told the end.
    return { ...goOnClearing(control), control, events: isReplay(job) ? [] : [event] };
  }
  const toStop = alive.filter((task) => task.state !== 'stopping');
  return {
    target: job,
    // Remembered until it is cleared: a worker that nobody expected may leave items behind and be gone before the next pass.
    control: observed.control ? null : { ...freshControl(job, id?.uid ?? ''), version: 1 },
    actions: toStop.map((task) => ({
      kind: 'stop-worker',
      job,
      taskId: task.taskId,
      why: isReplay(job) ? 'the replay is over' : 'its route or sink was deleted',
    })),
    events:
      toStop.length > 0 && !isReplay(job)
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

/**
 * The mark is written by compare-and-set before anything is cleared. A pass that meanwhile took the job up again has won
 * then, and nothing is cleared; one that comes later finds the mark, and clears before it starts anything anew.
 */
const markCleared = (control: ControlRecord): ControlRecord => ({
  ...control,
  version: control.version + 1,
  slots: {},
  announced: { ...control.announced, clearing: 'begun' },
});

export const isBeingCleared = (control: ControlRecord): boolean => control.announced['clearing'] !== undefined;

/** What a cut-off clearing left is cleared again: all of it is idempotent, and the control record goes last. */
export const goOnClearing = ({ job, version }: ControlRecord): Decision => ({
  target: job,
  control: null,
  actions: [{ kind: 'clear-job', job, controlVersion: version }],
  events: [],
  settled: false,
});

const isOver = (incarnation: number, observed: ObservedJob): boolean =>
  observed.tasks.some((task) => task.state === 'stopped' && taskIncarnation(task) === incarnation);
