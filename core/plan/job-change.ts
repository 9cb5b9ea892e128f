// What another goal means for a job that runs: judged once, shown by the plan beforehand and carried out by the passes (D9).
import type { ChangeClass } from '#core/api/wire.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';

export type JobChangeKind =
  | 'none'
  | 'start'
  | 'live'
  | 'pause'
  | 'resume'
  | 'rolling'
  | 'stop-start'
  | 'replace'
  | 'end';

/** What becomes of positions and books: `new` where there are none yet, `none` where no worker is touched by it. */
export type StateFate = 'none' | 'new' | 'kept' | 'lost';

/** How heavy each kind is; those that restart nobody are `live`. */
const classes: Readonly<Record<JobChangeKind, ChangeClass>> = {
  none: 'none',
  start: 'live',
  live: 'live',
  pause: 'live',
  resume: 'live',
  rolling: 'rolling',
  'stop-start': 'stop-start',
  replace: 'replace',
  end: 'replace',
};

const fates: Readonly<Record<JobChangeKind, StateFate>> = {
  none: 'none',
  start: 'new',
  live: 'kept',
  pause: 'kept',
  resume: 'kept',
  rolling: 'kept',
  'stop-start': 'kept',
  replace: 'lost',
  end: 'lost',
};

export const classOfJobChange = (kind: JobChangeKind): ChangeClass => classes[kind];
export const fateOfState = (kind: JobChangeKind): StateFate => fates[kind];

/** Whether a worker that runs one goal has to make room for one of another: the only reason for which passes replace a healthy worker. */
export const needsSuccessor = (runs: Pick<JobEntry, 'render'>, wanted: Pick<JobEntry, 'render'>): boolean =>
  runs.render !== wanted.render;

/** Null stands for a job that is not there: before it is made, or after it has ended. */
export function judgeJobChange(before: JobEntry | null, after: JobEntry | null): JobChangeKind {
  if (before === null) return after === null ? 'none' : 'start';
  if (after === null) return 'end';
  if (!before.paused && after.paused) return 'pause';
  if (before.paused && !after.paused) return 'resume';
  if (needsSuccessor(before, after)) {
    if (before.goal.source.topic !== after.goal.source.topic) return 'replace';
    if (after.paused) return 'none';
    return after.onRedeploy === 'fewer-duplicates' ? 'stop-start' : 'rolling';
  }
  return before.live === after.live || after.paused ? 'none' : 'live';
}
