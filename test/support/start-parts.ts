// Jest's globalSetup of the integration project: a real Kafka, Postgres, DynamoDB and S3 for all suites of a run.
import { bundleWorker } from '#adapters/local/bundle-worker.ts';
import { fetchJars, jarSets } from '#adapters/local/jars.ts';
import { type OwnPart, ownDynamodb, ownKafka, ownPostgres, ownS3, sweepHomes, testAccessKey } from './own-parts.ts';

/** The variables that tests read; the AWS clients' own ones are set too, so that they need no credentials. */
export const testEnvironment = {
  kafka: 'MILLRACE_TEST_KAFKA',
  postgresUrl: 'MILLRACE_TEST_POSTGRES_URL',
  dynamodb: 'MILLRACE_TEST_DYNAMODB',
  s3: 'MILLRACE_TEST_S3',
  /** The worker's program as one file, as the local platform runs it. */
  worker: 'MILLRACE_TEST_WORKER',
} as const;

declare global {
  var millraceTestParts: readonly OwnPart[] | undefined;
}

// biome-ignore lint/style/noDefaultExport: jest takes the default export.
export default async function startParts(): Promise<void> {
  await sweepHomes();
  await fetchJars(jarSets, { tell: (line) => process.stderr.write(`${line}\n`) });
  const [kafka, postgres, dynamodb, s3, worker] = await Promise.all([
    ownKafka(),
    ownPostgres(),
    ownDynamodb(),
    ownS3(),
    bundleWorker(),
  ]);
  globalThis.millraceTestParts = [kafka, postgres, dynamodb, s3];
  Object.assign(process.env, {
    [testEnvironment.kafka]: kafka.address,
    [testEnvironment.postgresUrl]: postgres.address,
    [testEnvironment.dynamodb]: dynamodb.address,
    [testEnvironment.s3]: s3.address,
    [testEnvironment.worker]: worker,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: testAccessKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: testAccessKey.secretAccessKey,
  });
}
