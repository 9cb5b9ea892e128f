// Brings the goal store to this version of the code, as a step of the deployment: before the new functions, while the old ones run.
import type { CdkCustomResourceEvent, CdkCustomResourceResponse, Context } from 'aws-lambda';
import { createLambdaLogger } from '#adapters/logging/lambda-logger.ts';
import { grantAccess } from '#adapters/postgres/access.ts';
import { openDatabase } from '#adapters/postgres/database.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { readLogin } from '#adapters/secretsmanager/login-secret.ts';
import { traced } from '#adapters/tracing/lambda-tracer.ts';
import { readAwsAccess, readLogLevel, readSetting } from '#core/environment.ts';
import { environment, goalDatabase } from '#core/names.ts';

const setting = (name: string): string => readSetting(process.env, name, 'the deployment sets it');
const logger = createLambdaLogger({ service: 'migrate', level: readLogLevel(process.env) });
/** A migration may take its time; the function has fifteen minutes. */
const statementTimeoutMs = 10 * 60_000;
const physicalId = 'millrace-goal-store';

/** Deleting the stack deletes nothing in the database. */
async function handle(event: CdkCustomResourceEvent, context: Context): Promise<CdkCustomResourceResponse> {
  logger.enter(context);
  if (event.RequestType === 'Delete') return { PhysicalResourceId: physicalId };
  const { region } = readAwsAccess(process.env);
  const secret = await readLogin({ region, secretArn: setting(environment.databaseSecret) });
  const database = openDatabase({
    url: `postgres://${encodeURIComponent(secret.username)}@${setting(environment.databaseHost)}/${goalDatabase.name}`,
    password: async () => secret.password,
    applicationName: 'millrace-migrate',
    connectionsMax: 1,
    statementTimeoutMs,
  });
  try {
    await migrate(database);
    await grantAccess(database);
    logger.info('the goal store is up to date');
  } finally {
    await database.close();
  }
  return { PhysicalResourceId: physicalId };
}

export const handler = traced('migrate', handle);
