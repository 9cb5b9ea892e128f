// Days as CloudWatch Logs takes them.
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { StageConfig } from './config.ts';

export function logRetention(days: StageConfig['logDays']): RetentionDays {
  switch (days) {
    case 7:
      return RetentionDays.ONE_WEEK;
    case 30:
      return RetentionDays.ONE_MONTH;
    case 90:
      return RetentionDays.THREE_MONTHS;
  }
}
