// What CloudFormation asks of the custom resource, carried out by the real API: made, changed, renamed, taken away, and each of it twice.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { type GatewayAnswer, gatewayEvent, readAnswer } from '#adapters/lambda/api-function.ts';
import { stackLabel } from '#core/names.ts';
import type { ApiCaller } from '#core/ports/api-caller.ts';
import { createLambda } from '#functions/api/handler.ts';
import { createDeclarer, type DeclareAnswer, type DeclareEvent } from '#functions/declare/declare.ts';
import { type ApiRig, startApi } from '#test/support/api-rig.ts';

let rig: ApiRig;
let declare: (event: DeclareEvent) => Promise<DeclareAnswer>;
/** The next so many calls are lost on the way there. */
let lost = 0;
beforeAll(async () => {
  rig = await startApi();
  const lambda = createLambda({ ...rig.parts, identity: 'authorizer' });
  const context = { getRemainingTimeInMillis: () => 20_000 } as Context;
  const call: ApiCaller = async (ask, caller) => {
    if (lost-- > 0) return { status: 503, headers: {}, body: null };
    return readAnswer((await lambda(gatewayEvent(ask, caller) as never, context)) as GatewayAnswer);
  };
  declare = createDeclarer({ call, logger: rig.parts.logger, sleep: async () => {} });
});
afterAll(async () => await rig.close());

const stackId = (name: string): string => `arn:aws:cloudformation:us-east-1:111122223333:stack/${name}/0a1b-${name}`;
const ask = (
  RequestType: DeclareEvent['RequestType'],
  document: object,
  more: Partial<DeclareEvent> & { readonly stack?: string; readonly adopt?: boolean } = {},
): DeclareEvent => {
  const { stack = 'app', adopt = false, ...rest } = more;
  const ResourceProperties = { Declaration: JSON.stringify(document), Adopt: String(adopt) };
  return { RequestType, StackId: stackId(stack), LogicalResourceId: 'Events', ResourceProperties, ...rest };
};
const aName = (): string => `s${randomBytes(4).toString('hex')}`;
const aStream = (name: string, spec: object = {}, owner = 'playback') => ({
  ...{ apiVersion: 'millrace/v1', kind: 'Stream', metadata: { name, owner }, spec: { partitions: 1, ...spec } },
});
const read = async (name: string) => (await rig.call('GET', `/v1/streams/${name}`)).json;

test('a stream is created once however often it is asked for, and bears the stack that owns it', async () => {
  const name = aName();
  const first = await declare(ask('Create', aStream(name)));
  expect(first).toEqual({ PhysicalResourceId: `streams/${name}`, Data: expect.objectContaining({ Name: name }) });
  expect(await declare(ask('Create', aStream(name)))).toEqual(first);
  const found = await read(name);
  expect(found.metadata.labels).toEqual({ [stackLabel]: 'app/Events' });
  expect(found.author).toBe(stackId('app'));
  expect(found.revision).toBe(1);
});

test('a change is the next revision under the same id; the same change again is none', async () => {
  const name = aName();
  const id = (await declare(ask('Create', aStream(name)))).PhysicalResourceId;
  const update = ask('Update', aStream(name, { description: 'played' }), { PhysicalResourceId: id });
  for (const _ of [1, 2]) {
    const { PhysicalResourceId, Data } = await declare(update);
    expect([PhysicalResourceId, Data?.Revision]).toEqual([id, 2]);
  }
});

test('another name is another id, so that CloudFormation takes the old one away afterwards', async () => {
  const [before, after] = [aName(), aName()];
  const old = (await declare(ask('Create', aStream(before)))).PhysicalResourceId;
  const renamed = await declare(ask('Update', aStream(after), { PhysicalResourceId: old }));
  expect(renamed.PhysicalResourceId).toBe(`streams/${after}`);
  await declare(ask('Delete', aStream(before), { PhysicalResourceId: old }));
  expect(await read(before)).toMatchObject({ status: 404 });
  expect(await read(after)).toMatchObject({ revision: 1 });
});

test('it is taken away once, and a second request for it finds nothing to do', async () => {
  const name = aName();
  const id = (await declare(ask('Create', aStream(name)))).PhysicalResourceId;
  for (const _ of [1, 2]) await declare(ask('Delete', aStream(name), { PhysicalResourceId: id }));
  expect(await read(name)).toMatchObject({ status: 404 });
});

test('what somebody else declared is neither taken over nor deleted, unless the stack says that it adopts it', async () => {
  const name = aName();
  await rig.call('PUT', `/v1/streams/${name}`, { json: aStream(name) });
  await expect(declare(ask('Create', aStream(name)))).rejects.toThrow(
    /declared already.*outside of CloudFormation.*adopt/,
  );
  const marker = 'AWSCDK::CustomResourceProviderFramework::CREATE_FAILED';
  await declare(ask('Delete', aStream(name), { PhysicalResourceId: marker }));
  await declare(ask('Delete', aStream(name), { PhysicalResourceId: `streams/${name}` }));
  expect(await read(name)).toMatchObject({ revision: 1 });

  await declare(ask('Create', aStream(name), { adopt: true }));
  await expect(declare(ask('Create', aStream(name), { stack: 'other' }))).rejects.toThrow(
    /the stack resource app\/Events/,
  );
  await declare(ask('Delete', aStream(name), { stack: 'other', PhysicalResourceId: `streams/${name}` }));
  expect(await read(name)).toMatchObject({ metadata: { labels: { [stackLabel]: 'app/Events' } } });
});

test('the reason of a failure is what the API says: every problem, where it is, and what to do', async () => {
  const wrong = aStream(aName(), { partitionz: 3, retention: '1 parsec' });
  await expect(declare(ask('Create', wrong))).rejects.toThrow(/spec\.retention.*spec\.partitionz: unknown field/s);
  const [from, route] = [aName(), aName()];
  await declare(ask('Create', aStream(from, { schema: { fields: { id: 'text' } } })));
  const plays = {
    ...{ apiVersion: 'millrace/v1', kind: 'Route', metadata: { name: route, owner: 'playback' } },
    spec: { from, where: "idd = 'a'", to: [{ name: 'out', stream: `${route}-out` }] },
  };
  await expect(declare(ask('Create', plays))).rejects.toThrow(/spec\.where \(line 1, column 1\).*id/);
  plays.spec.where = "id = 'a'";
  const id = (await declare(ask('Create', plays, { LogicalResourceId: 'Plays' }))).PhysicalResourceId;
  await expect(declare(ask('Delete', aStream(from), { PhysicalResourceId: `streams/${from}` }))).rejects.toThrow(
    new RegExp(`is read by route "${route}"; delete or change ${route} first`),
  );
  await declare(ask('Delete', plays, { LogicalResourceId: 'Plays', PhysicalResourceId: id }));
  await declare(ask('Delete', aStream(from), { PhysicalResourceId: `streams/${from}` }));
});

test('an API that is away for a moment is asked again, one that stays away fails the request', async () => {
  lost = 3;
  expect(await declare(ask('Create', aStream(aName())))).toHaveProperty('Data');
  lost = 100;
  await expect(declare(ask('Create', aStream(aName())))).rejects.toThrow(/answered 503/);
  lost = 0;
});
