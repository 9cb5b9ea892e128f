// Every route of the API × who asks: generated from the table of endpoints, against the real stores, as behind the gateway.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { deadLetterTopic, topicOfStream } from '#core/names.ts';
import { createLambda } from '#functions/api/handler.ts';
import { roleNeeded } from '#functions/api/roles.ts';
import { endpoints } from '#functions/api/routes.ts';
import { type ApiRig, startApi } from '#test/support/api-rig.ts';

const suffix = randomBytes(3).toString('hex');
/** The owner's; nobody else may know of them. */
const [tenant, stream, route] = [`acme-${suffix}`, `events-${suffix}`, `plays-${suffix}`];
const job = `${route}.out`;
const nowhere = { stream: `none-${suffix}`, route: `none-${suffix}`, job: `none-${suffix}.out` };

interface Asked {
  readonly status: number;
  readonly body: string;
}
interface Asks {
  readonly authorizer?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

let rig: ApiRig;
let lambda: ReturnType<typeof createLambda>;
beforeAll(async () => {
  rig = await startApi();
  lambda = createLambda({ ...rig.parts, identity: 'authorizer' });
  for (const [method, path, document] of [
    ['PUT', `/v1/streams/${stream}`, aStream(stream)],
    ['PUT', `/v1/routes/${route}`, aRoute(route, stream)],
  ] as const)
    expect((await ask(method, path, owner, document)).status).toBe(201);
  for (const topic of [topicOfStream(tenant, stream), deadLetterTopic(tenant, job)])
    await rig.parts.broker.create(topic, 1, {});
  const asked = await ask('POST', `/v1/jobs/${job}/operations`, owner, { kind: 'restart' });
  operation = JSON.parse(asked.body).id as string;
});
afterAll(async () => await rig.close());

let operation = '';

const claims = (more: object): Asks => ({
  authorizer: { jwt: { claims: { sub: 'user-1', email: 'ana@example.com', ...more } } },
});
const owner = claims({ 'custom:tenant': tenant });
const stranger = claims({ 'custom:tenant': `umbrella-${suffix}` });

const aStream = (name: string) => ({
  ...{ apiVersion: 'millrace/v1', kind: 'Stream', metadata: { name, owner: 'playback' } },
  spec: { partitions: 1, schema: { fields: { id: 'text', type: 'text' } } },
});
const aRoute = (name: string, from: string) => ({
  ...{ apiVersion: 'millrace/v1', kind: 'Route', metadata: { name, owner: 'playback' } },
  spec: { from, where: "type = 'play'", to: [{ name: 'out', stream: `${name}-out` }] },
});

/** What a valid request of each endpoint says; an endpoint with a body that is missing here fails the test. */
const bodies: Readonly<Record<string, () => unknown>> = {
  putStream: () => aStream(stream),
  putRoute: () => aRoute(route, stream),
  appendRecords: () => [{ id: 'a', type: 'play' }],
  requestOperation: () => ({ kind: 'restart' }),
  plan: () => ({ documents: [aStream(stream)] }),
  applyDocuments: () => ({ documents: [aStream(stream)] }),
  tryRoute: () => ({ document: aRoute(route, stream) }),
  sql: () => ({ expression: '1 + 1' }),
  rollbackRoute: () => ({}),
  restoreTime: () => ({ to: '2026-01-01T00:00:00Z' }),
  approveHeld: () => ({ jobs: ['default/a.out@u1'] }),
  setJobConfig: () => ({ value: 100, reason: 'a test', expiresIn: '1h' }),
  setTeamConfig: () => ({ value: 100, reason: 'a test' }),
};

/** What a valid request of each endpoint has to say in its address. */
const queries: Readonly<Record<string, string>> = {
  readRecords: '?limit=1',
  readDeadLetters: '?limit=1',
  diffTimes: '?from=2026-01-01T00:00:00Z',
};

/** Refused to the owner too, for what is declared: a stream that is read, nothing to go back to, nothing deleted, frozen or held. */
const conditional = ['deleteStream', 'rollbackRoute', 'restoreTime', 'undeleteRoute', 'undeleteStream', 'approveHeld'];

/** Deletes last, declarations behind all else: the others need what they delete. */
const turnOf = ({ method, operationId }: (typeof endpoints)[number]): number =>
  method !== 'DELETE' ? 0 : operationId.startsWith('delete') ? 2 : 1;
const table = [...endpoints].sort((a, b) => turnOf(a) - turnOf(b));
const isOpen = (operationId: string): boolean => operationId === 'getOpenapi';
const named = table.filter(({ path }) => path.includes('{name}'));

function pathOf(template: string, things: { stream: string; route: string; job: string }): string {
  const name = template.startsWith('/v1/streams')
    ? things.stream
    : template.startsWith('/v1/jobs') || template.startsWith('/v1/freezes/job')
      ? things.job
      : template.startsWith('/v1/freezes/team')
        ? 'playback'
        : things.route;
  return template.replace('{name}', name).replace('{id}', operation).replace('{key}', 'throttle.recordsPerSecond');
}

async function ask(method: string, path: string, { authorizer, headers = {} }: Asks, body?: unknown): Promise<Asked> {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  const event = {
    ...{ version: '2.0', routeKey: '$default', rawPath, rawQueryString, isBase64Encoded: false },
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    requestContext: { requestId: 'r', http: { method, path: rawPath }, ...(authorizer ? { authorizer } : {}) },
  };
  const context = { getRemainingTimeInMillis: () => 20_000 } as Context;
  const { statusCode = 0, body: encoded = '' } = await lambda(event as unknown as APIGatewayProxyEventV2, context);
  return { status: statusCode, body: Buffer.from(encoded, 'base64').toString() };
}

const askEndpoint = (endpoint: (typeof table)[number], who: Asks, things = { stream, route, job }): Promise<Asked> => {
  const { operationId, method, path } = endpoint;
  const body = endpoint.body === undefined ? undefined : bodies[operationId]?.();
  if (endpoint.body !== undefined && body === undefined)
    throw new Error(`${operationId}: say in this test what a valid body is`);
  return ask(method, `${pathOf(path, things)}${queries[operationId] ?? ''}`, who, body);
};

const nobodies: Readonly<Record<string, Asks>> = {
  'nobody, past the gateway': {},
  'a token without a name': { authorizer: { jwt: { claims: {} } } },
  'nobody who says in headers who they are': {
    headers: { 'millrace-author': 'ana', 'x-tenant': tenant, authorization: 'Bearer x' },
  },
  'a role that is none': claims({ 'custom:tenant': tenant, 'custom:role': 'root' }),
  'a tenant that is a path': claims({ 'custom:tenant': '../acme' }),
  'a tenant with another’s topics for a name': claims({ 'custom:tenant': `${tenant}.${stream}` }),
  'a tenant in capitals': claims({ 'custom:tenant': tenant.toUpperCase() }),
  'a tenant that is a list': claims({ 'custom:tenant': [tenant] }),
  'a tenant of 41 characters': claims({ 'custom:tenant': 'a'.repeat(41) }),
};

describe.each(Object.keys(nobodies))('%s', (who) => {
  test.each(table.map((endpoint) => [endpoint.operationId, endpoint] as const))('%s', async (operationId, endpoint) => {
    const { status } = await askEndpoint(endpoint, nobodies[who]!);
    expect(status).toBe(isOpen(operationId) ? 200 : 403);
  });
});

describe('a stranger with a tenant of their own', () => {
  const spoofs = { 'x-tenant': tenant, 'millrace-tenant': tenant, 'custom:tenant': tenant };

  test.each(
    named.filter(({ method }) => method !== 'PUT').map((endpoint) => [endpoint.operationId, endpoint] as const),
  )('%s of what is another’s is answered as of what never was', async (_, endpoint) => {
    const theirs = await askEndpoint(endpoint, { ...stranger, headers: spoofs });
    const never = await askEndpoint(endpoint, stranger, nowhere);
    expect(theirs.status).toBe(404);
    const blank = ({ body }: Asked): string =>
      [job, nowhere.job, stream, route, nowhere.route].reduce((text, name) => text.replaceAll(name, '…'), body);
    expect(blank(theirs)).toBe(blank(never));
  });

  test.each(['listStreams', 'listRoutes', 'listJobs'])('%s holds nothing of another’s', async (operationId) => {
    const { status, body } = await askEndpoint(
      table.find((endpoint) => endpoint.operationId === operationId)!,
      stranger,
    );
    expect(status).toBe(200);
    expect(body).not.toContain(suffix);
  });

  test('may declare the same names, which are then other things: another revision, another topic', async () => {
    const before = await ask('GET', `/v1/streams/${stream}`, owner);
    expect((await ask('PUT', `/v1/streams/${stream}`, stranger, aStream(stream))).status).toBe(201);
    const own = JSON.parse((await ask('GET', `/v1/streams/${stream}`, stranger)).body);
    const after = await ask('GET', `/v1/streams/${stream}`, owner);
    expect(JSON.parse(after.body).revision).toBe(JSON.parse(before.body).revision);
    expect(own.status.topic).not.toBe(JSON.parse(after.body).status.topic);
    expect(own.uid).not.toBe(JSON.parse(after.body).uid);
    expect((await ask('DELETE', `/v1/streams/${stream}`, stranger)).status).toBe(204);
    expect((await ask('GET', `/v1/streams/${stream}`, owner)).status).toBe(200);
  });

  test.each(['tenant', 'query'])('a %s beside the token is refused, not believed', async (where) => {
    const document =
      where === 'tenant' ? { ...aStream('own'), metadata: { name: 'own', owner: 'x', tenant } } : aStream('own');
    const path = where === 'query' ? `/v1/streams/own?tenant=${tenant}` : '/v1/streams/own';
    expect([400, 422]).toContain((await ask('PUT', path, stranger, document)).status);
  });
});

describe.each(['viewer', 'editor'] as const)('a %s of the tenant', (role) => {
  test.each(
    table
      .filter((endpoint) => !isOpen(endpoint.operationId) && turnOf(endpoint) === 0)
      // What an editor freezes or restarts would refuse the owner's requests, who come last.
      .filter(
        (endpoint) => role === 'viewer' || roleNeeded(endpoint) !== 'editor' || endpoint.operationId === 'putStream',
      )
      .map((endpoint) => [endpoint.operationId, endpoint] as const),
  )('%s is refused where the role is too low, and only there', async (_, endpoint) => {
    const who = claims({ 'custom:tenant': tenant, 'custom:role': role });
    const { body } = await askEndpoint(endpoint, who);
    const needs = roleNeeded(endpoint);
    const isLow = needs === 'admin' || (needs === 'editor' && role === 'viewer');
    expect(body.includes('role-insufficient')).toBe(isLow);
  });
});

describe('the owner', () => {
  test.each(table.map((endpoint) => [endpoint.operationId, endpoint] as const))(
    '%s is carried out',
    async (_, endpoint) => {
      const { status, body } = await askEndpoint(endpoint, owner);
      // What refuses the others is who they are, and not what they say.
      const isFine = status < 400 || conditional.includes(endpoint.operationId);
      expect([isFine, status === 403 ? body : '']).toEqual([true, '']);
    },
  );
});
