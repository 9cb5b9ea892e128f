// The function behind the custom resource of CDK's `Stream` and `Route`.
import { setTimeout as sleep } from 'node:timers/promises';
import { apiFunction } from '#adapters/lambda/api-function.ts';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { readAwsAccess, readLogLevel, readSetting } from '#core/environment.ts';
import { environment } from '#core/names.ts';
import { createDeclarer } from '#functions/declare/declare.ts';

export const handler = createDeclarer({
  call: apiFunction({
    region: readAwsAccess(process.env).region,
    functionName: readSetting(process.env, environment.apiFunction, 'the deployment sets it'),
  }),
  logger: createLogger({ level: readLogLevel(process.env), fields: { program: 'declare' } }),
  sleep: (ms) => sleep(ms),
});
