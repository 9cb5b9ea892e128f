// A job's phase, and whether its books balance, told once when they change: the event log is the story, the status is the state.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { isSame } from '#core/hash.ts';
import { judgeAlerts, type RaisedAlert } from '#core/health/judge-alerts.ts';
import type { Decision } from '#core/plan/action.ts';
import { freshControl } from '#core/plan/control.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { isBeingCleared } from '#core/plan/plan-ended-job.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import { assessJob, raisedBefore } from '#core/status/assess-job.ts';
import { alertValues } from '#core/status/job-measures.ts';
import type { JobPhase, JobStatus } from '#core/status/job-status.ts';

const severities: Readonly<Record<JobPhase, 'info' | 'warning' | 'error'>> = {
  Pending: 'info',
  Deploying: 'info',
  Running: 'info',
  Paused: 'info',
  Stopped: 'info',
  Degraded: 'warning',
  Stalled: 'warning',
  Quarantined: 'error',
  Failed: 'error',
};

/** Adds to the decision what changed in the job's status since it was last announced. */
export function announceStatus(entry: JobEntry, decision: Decision, observed: ObservedJob): Decision {
  const stored = observed.control;
  if (stored && isBeingCleared(stored)) return decision;
  // Nothing is told of workers that nobody is sure of: a lease's length of watching decides, another look at least.
  if (observed.heartbeats.some(({ certainty = 'seen' }) => certainty !== 'seen')) return decision;
  const control: ControlRecord = decision.control ?? stored ?? freshControl(entry.goal.id, entry.goal.uid);
  const { heartbeats, at: now } = observed;
  const partitions = observed.partitions?.get(entry.goal.source.topic);
  const status = assessJob({ entry, control, heartbeats, splits: null, partitions, now });
  const before = raisedBefore(control);
  const raised = judgeAlerts(entry.alerts, alertValues(status), before);
  const books = booksOf(status, control);
  const { alerts: _before, books: _told, ...others } = control.announced;
  const alerts = raised.map(({ name }) => name).join(',');
  const announced = {
    ...{ ...others, phase: status.phase },
    ...(alerts === '' ? {} : { alerts }),
    ...(books === null ? {} : { books: 'unbalanced' }),
  };
  const settled = decision.settled && status.phase !== 'Deploying';
  if (isSame(control.announced, announced)) return { ...decision, settled };
  const version = decision.control ? decision.control.version : control.version + 1;
  return {
    ...decision,
    settled,
    control: { ...control, version, announced },
    events: [
      ...decision.events,
      ...(control.announced['phase'] === status.phase
        ? []
        : [phaseEvent(entry, status, control.announced['phase'], observed.at)]),
      ...alertEvents(entry, raised, before, observed.at),
      ...booksEvents(entry, books, control, observed.at),
    ],
  };
}

function alertEvents(entry: JobEntry, raised: readonly RaisedAlert[], before: readonly string[], now: number) {
  const cleared = before.filter((name) => !raised.some((alert) => alert.name === name));
  return [
    ...raised
      .filter(({ name }) => !before.includes(name))
      .map(({ name, message }) => jobEvent(entry.goal, now, 'warning', 'AlertRaised', `${name}: ${message}`)),
    ...cleared.map((name) => jobEvent(entry.goal, now, 'info', 'AlertCleared', `${name}: below its threshold again`)),
  ];
}

/** What is wrong with the books; null: nothing. While nobody reports, what was told stands. */
function booksOf({ conditions }: JobStatus, { announced }: ControlRecord): string | null {
  const balanced = conditions.find(({ type }) => type === 'Balanced')!;
  if (balanced.status === 'false') return balanced.message;
  return balanced.status === 'unknown' && announced['books'] !== undefined ? 'no worker reports' : null;
}

/** An alarm of its own, whatever phase the job is in: a record that is not accounted for may be a record that is lost. */
function booksEvents({ goal }: JobEntry, books: string | null, { announced }: ControlRecord, now: number) {
  const wasTold = announced['books'] !== undefined;
  if (books !== null && !wasTold)
    return [jobEvent(goal, now, 'error', 'BooksUnbalanced', `Records are not accounted for: ${books}.`)];
  return books === null && wasTold
    ? [jobEvent(goal, now, 'info', 'BooksBalanced', 'Every record is accounted for again.')]
    : [];
}

function phaseEvent(entry: JobEntry, status: JobStatus, before: string | undefined, now: number) {
  const evidence = Object.fromEntries(
    status.conditions.map((condition) => [condition.type, `${condition.status}: ${condition.message}`]),
  );
  const change = before ? `${before} → ${status.phase}` : status.phase;
  return jobEvent(entry.goal, now, severities[status.phase], status.phase, `${change}: ${status.message}`, evidence);
}
