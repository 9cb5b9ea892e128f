// The API's Lambda function: composed once an instance, before its first request; what was changed is told to the reconciler.
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { createLambdaLogger } from '#adapters/logging/lambda-logger.ts';
import { traced } from '#adapters/tracing/lambda-tracer.ts';
import { readAwsAccess, readLogLevel, readSetting } from '#core/environment.ts';
import { messageOf } from '#core/errors.ts';
import { environment } from '#core/names.ts';
import { changesGoals } from '#functions/api/changes-goals.ts';
import { createLambda } from '#functions/api/handler.ts';
import { composeApi } from '#functions/compose.ts';

const logger = createLambdaLogger({ service: 'api', level: readLogLevel(process.env) });
const { parts } = await composeApi(process.env, logger);
const api = createLambda(parts);
const nudges = {
  region: readAwsAccess(process.env).region,
  queueUrl: readSetting(process.env, environment.nudgeQueue, 'the deployment sets it'),
};
let opened: Promise<(cause: string) => Promise<void>> | null = null;

/** The queue's client is loaded with the first change. */
async function nudge(cause: string): Promise<void> {
  opened ??= import('#adapters/sqs/nudges.ts').then(({ createNudges }) => createNudges(nudges));
  const tell = await opened;
  await tell(cause);
}

async function handle(event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyStructuredResultV2> {
  logger.enter(context);
  const answer = await api(event, context);
  const { method, path } = event.requestContext.http;
  // A nudge that is lost costs what the sweep takes to come round, so it fails no request.
  if (changesGoals(event, answer.statusCode ?? 500))
    await nudge(`${method} ${path.slice(0, 200)}`).catch((error: unknown) => {
      logger.warn('the reconciler could not be told of a change; its sweep will see it', {
        error: messageOf(error),
      });
    });
  return answer;
}

export const handler = traced('api', handle);
