// One finding about a job, put together.
import type { Condition } from '#core/status/job-status.ts';

export const condition = (
  type: Condition['type'],
  status: Condition['status'],
  reason: string,
  message: string,
): Condition => ({ type, status, reason, message });
