// The figures of a job's status that alerts and alarms stand on.
import type { AlertValues } from '#core/health/judge-alerts.ts';
import type { JobMeasure } from '#core/ports/job-measures.ts';
import type { JobPhase, JobStatus } from '#core/status/job-status.ts';

export const alertValues = ({ lag, deadLetterShare }: Pick<JobStatus, 'lag' | 'deadLetterShare'>): AlertValues => ({
  lag: lagMs(lag),
  deadLetterRate: deadLetterShare,
});

/** Without an event time, how long the backlog takes is the next best thing to how old it is. */
function lagMs({ records, freshnessMs, drainMs }: JobStatus['lag']): number | null {
  if (records === null) return null;
  return records === 0 ? 0 : (freshnessMs ?? drainMs);
}

const unhealthyPhases: readonly JobPhase[] = ['Stalled', 'Failed', 'Quarantined', 'Degraded'];

export const measureOf = (tenant: string, job: string, status: JobStatus): JobMeasure => {
  const { lag, deadLetterRate } = alertValues(status);
  const unhealthy = unhealthyPhases.includes(status.phase) ? 1 : 0;
  return { tenant, job, unhealthy, lagMs: lag, deadLetterShare: deadLetterRate };
};
