// Jest's globalSetup of the integration project: a real Kafka, Postgres, DynamoDB and S3 for all suites of a run, and what several runs of jest share.
import { bundleWorker } from '#adapters/local/bundle-worker.ts';
import { fetchJars, jarSets } from '#adapters/local/jars.ts';
import {
  type OwnPart,
  ownDynamodb,
  ownKafka,
  ownOpenSearch,
  ownPostgres,
  ownS3,
  sweepHomes,
  testAccessKey,
} from './own-parts.ts';

/** The variables that tests read; the AWS clients' own ones are set too, so that they need no credentials. */
export const testEnvironment = {
  kafka: 'MILLRACE_TEST_KAFKA',
  postgresUrl: 'MILLRACE_TEST_POSTGRES_URL',
  dynamodb: 'MILLRACE_TEST_DYNAMODB',
  s3: 'MILLRACE_TEST_S3',
  /** The worker's program as one file, as the local platform runs it. */
  worker: 'MILLRACE_TEST_WORKER',
  /** Of the whole suite; a run of some tests starts its own. */
  openSearch: 'MILLRACE_TEST_OPENSEARCH',
} as const;

declare global {
  var millraceTestParts: readonly OwnPart[] | undefined;
}

/** Whoever started jest may have started them, for several of its runs. */
// biome-ignore lint/style/noDefaultExport: jest takes the default export.
export default async function startPartsOfRun(): Promise<void> {
  if (process.env[testEnvironment.kafka] === undefined) globalThis.millraceTestParts = await startParts();
}

/** For this process and those that it starts from then on. */
export async function startParts(): Promise<readonly OwnPart[]> {
  await sweepHomes();
  await fetchJars(jarSets, { tell: (line) => process.stderr.write(`${line}\n`) });
  const [kafka, postgres, dynamodb, s3, worker] = await Promise.all([
    ownKafka(),
    ownPostgres(),
    ownDynamodb(),
    ownS3(),
    bundleWorker(),
  ]);
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
  return [kafka, postgres, dynamodb, s3];
}

/** As `startParts`; of whom two kinds of tests each look at indices of their own. To start it takes as long as four Kafkas. */
export async function startOpenSearch(): Promise<OwnPart> {
  const node = await ownOpenSearch();
  process.env[testEnvironment.openSearch] = node.address;
  return node;
}

export async function anOpenSearch(): Promise<AsyncDisposable & Pick<OwnPart, 'address'>> {
  const address = process.env[testEnvironment.openSearch];
  return address === undefined ? await ownOpenSearch() : { address, [Symbol.asyncDispose]: async () => {} };
}
