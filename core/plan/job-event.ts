// Events about a job, as the planner makes them.
import type { JobGoal } from '#core/job/job-goal.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import type { Json } from '#core/spec/json.ts';

export const jobEvent = (
  goal: Pick<JobGoal, 'tenant' | 'name'>,
  at: number,
  severity: PlatformEvent['severity'],
  reason: string,
  message: string,
  evidence?: Json,
): PlatformEvent => ({
  tenant: goal.tenant,
  subject: `job/${goal.name}`,
  at,
  severity,
  reason,
  message,
  ...(evidence === undefined ? {} : { evidence }),
});
