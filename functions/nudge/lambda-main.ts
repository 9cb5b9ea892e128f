// The function behind the queue of nudges: what the API changed, and tasks that stopped.
import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSEvent } from 'aws-lambda';
import { createExecutions } from '#adapters/stepfunctions/executions.ts';
import { traced } from '#adapters/tracing/lambda-tracer.ts';
import { readAwsAccess, readSetting } from '#core/environment.ts';
import { environment } from '#core/names.ts';
import { createNudgeHandler } from '#functions/nudge/start-passes.ts';

const nudge = createNudgeHandler({
  start: createExecutions({
    region: readAwsAccess(process.env).region,
    stateMachineArn: readSetting(process.env, environment.stateMachine, 'the deployment sets it'),
  }),
  now: Date.now,
  sleep: (ms) => sleep(ms),
});

async function handle(event: SQSEvent): Promise<void> {
  await nudge(`${event.Records.length} nudges`);
}

export const handler = traced('nudge', handle);
