// A service of AWS that takes the connection and then says nothing, or stops in the middle: every client tells it in its time.
import { createServer, type Server, type Socket } from 'node:net';
import { ListTasksCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createJobWatches } from '#adapters/cloudwatch/job-watches.ts';
import { Ecs } from '#adapters/ecs/client.ts';
import { openGlue } from '#adapters/glue/client.ts';
import { createMessageAuthenticator } from '#adapters/kms/message-authenticator.ts';
import { apiFunction } from '#adapters/lambda/api-function.ts';
import { jobCredentials } from '#adapters/lambda/job-credentials.ts';
import { readLogin } from '#adapters/secretsmanager/login-secret.ts';
import { createSecretStore } from '#adapters/secretsmanager/secret-store.ts';
import { createNudges } from '#adapters/sqs/nudges.ts';
import { createExecutions } from '#adapters/stepfunctions/executions.ts';
import { createJobRole } from '#adapters/sts/job-role.ts';

/** Takes connections and what comes on them; says `words` to each request, and nothing more. */
async function silentServer(words: string): Promise<Server & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('data', () => void (words === '' || socket.write(words))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
}

const region = 'us-east-1';
const roleArn = 'arn:aws:iam::123456789012:role/millrace-job';
const stateMachineArn = 'arn:aws:states:us-east-1:123456789012:stateMachine:millrace-reconcile';
type Place = { readonly region: string; readonly endpoint: string; readonly requestMs: number };

const calls: Readonly<Record<string, (at: Place) => Promise<unknown>>> = {
  cloudwatch: (at) => createJobWatches({ ...at, topicArn: 'alarms', shards: 1 }).list(),
  kms: (at) => createMessageAuthenticator({ ...at, keyId: 'key' }).sign('text'),
  sqs: ({ endpoint, requestMs }) =>
    createNudges({ region, endpoint, queueUrl: `${endpoint}/queue`, withinMs: requestMs * 2 })('a change'),
  sts: (at) => createJobRole({ ...at, roleArn })('session', {}),
  stepfunctions: (at) => createExecutions({ ...at, stateMachineArn })('nudge-1', 'a nudge'),
  secretsmanager: (at) => createSecretStore(at).read('default', 'token'),
  'secretsmanager (a login)': (at) => readLogin({ ...at, secretArn: 'arn:login' }),
  api: (at) =>
    apiFunction({ ...at, functionName: 'api' })({ method: 'GET', path: '/v1/routes', headers: {} }, 'arn:me'),
  credentials: (at) => jobCredentials({ ...at, functionName: 'credentials', identity: 'signed' })(),
  ecs: (at) => new Ecs(at).call('read', (client) => client.send(new ListTasksCommand({}))),
  glue: (at) => openGlue(at).getTable('database', 'table'),
};

const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
const silences = {
  'says nothing': '',
  'stops in the middle of its answer':
    'HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: 100\r\n\r\n{',
};

describe.each(Object.entries(silences))('a service that takes the connection and %s', (_, words) => {
  let server: Awaited<ReturnType<typeof silentServer>>;
  beforeAll(async () => {
    Object.assign(process.env, keys);
    server = await silentServer(words);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(Object.entries(calls))('is told as away: %s', async (name, call) => {
    const { port } = server.address() as { port: number };
    const asked = call({ region, endpoint: `http://127.0.0.1:${port}`, requestMs: 100 });
    await expect(asked).rejects.toMatchObject({ code: `${name.split(' ')[0]}-unavailable`, retry: 'retry' });
  });
});
