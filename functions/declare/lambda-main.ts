// The function behind the custom resource of CDK's `Stream` and `Route`.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { apiFunction } from '#adapters/lambda/api-function.ts';
import { createLambdaLogger } from '#adapters/logging/lambda-logger.ts';
import { traced } from '#adapters/tracing/lambda-tracer.ts';
import { readAwsAccess, readLogLevel, readSetting } from '#core/environment.ts';
import { environment } from '#core/names.ts';
import { createDeclarer, type DeclareAnswer, type DeclareEvent } from '#functions/declare/declare.ts';

const logger = createLambdaLogger({ service: 'declare', level: readLogLevel(process.env) });

const declare = createDeclarer({
  call: apiFunction({
    region: readAwsAccess(process.env).region,
    functionName: readSetting(process.env, environment.apiFunction, 'the deployment sets it'),
  }),
  logger,
  sleep: (ms) => sleep(ms),
});

async function handle(event: DeclareEvent, context: Context): Promise<DeclareAnswer> {
  logger.enter(context);
  return await declare(event);
}

export const handler = traced('declare', handle);
