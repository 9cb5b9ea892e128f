// The function that workers ask for their credentials; how many it refuses goes out as a CloudWatch metric.
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import { createMessageAuthenticator } from '#adapters/kms/message-authenticator.ts';
import { createLambdaLogger } from '#adapters/logging/lambda-logger.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { createJobRole } from '#adapters/sts/job-role.ts';
import { traced } from '#adapters/tracing/lambda-tracer.ts';
import { readAwsAccess, readLogLevel, readSetting } from '#core/environment.ts';
import { environment, metricNamespace } from '#core/names.ts';
import { createIssuer, type IssueAnswer } from '#functions/credentials/issue-credentials.ts';

const setting = (name: string): string => readSetting(process.env, name, 'the deployment sets it');
const { region } = readAwsAccess(process.env);

const metrics = new Metrics({ namespace: metricNamespace, serviceName: 'credentials' });
const logger = createLambdaLogger({ service: 'credentials', level: readLogLevel(process.env) });

const issue = createIssuer({
  verify: createMessageAuthenticator({ region, keyId: setting(environment.identityKey) }).verify,
  objects: createObjectStore({ region, bucket: setting(environment.bucket) }),
  assume: createJobRole({ region, roleArn: setting(environment.jobRole) }),
  logger,
});

async function handle(asked: unknown, context: Context): Promise<IssueAnswer> {
  logger.enter(context);
  const answer = await issue(asked);
  if ('refused' in answer) countRefusal();
  return answer;
}

/** To Lambda an answer that refuses is a success: its own metrics do not tell. */
function countRefusal(): void {
  metrics.addMetric('CredentialsRefused', MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
}

export const handler = traced('credentials', handle);
