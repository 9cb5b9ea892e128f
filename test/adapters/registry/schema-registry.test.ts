// What the client makes of a registry's answers: which are about a schema, which about the registry, and what of them is told.
import { afterEach, describe, expect, test } from '@jest/globals';
import { openRegistryWith } from '#adapters/registry/schema-registry.ts';
import type { SchemaRegistry } from '#core/ports/schema-registry.ts';
import type { AuthSpec } from '#core/spec/sinks/auth.ts';
import { type ReceivedRequest, type Receiver, type Reply, startReceiver } from '#test/support/receiver.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

const subject = 'plays-value';
const schema = { kind: 'avro', text: '"string"' } as const;
const json = (status: number, body: unknown): Reply => ({ status, body: JSON.stringify(body) });

interface Rig {
  readonly registry: SchemaRegistry;
  readonly receiver: Receiver;
}

async function aRegistry(
  answer: Reply | ((request: ReceivedRequest) => Reply),
  auth: AuthSpec | null = null,
  secrets: readonly string[] = [],
): Promise<Rig> {
  const receiver = await startReceiver();
  receiver.behave(typeof answer === 'function' ? answer : () => answer);
  const left = [...secrets];
  const read = async () => (left.length > 1 ? left.shift()! : left[0]!);
  const registry = openRegistryWith({ read })({ url: receiver.url, networks: ['loopback'], tenant: 't', auth });
  opened.push(registry, receiver);
  return { registry, receiver };
}

describe('what nobody registered', () => {
  test.each([
    ['a schema', 40403],
    ['a subject', 40401],
    ['a version', 40402],
    ['what some registries do not tell further', 404],
  ])('is not there where the registry says so: %s', async (_what, error_code) => {
    const { registry } = await aRegistry(json(404, { error_code, message: 'not found' }));
    expect(await registry.byId(1)).toBeNull();
    expect(await registry.latest(subject)).toBeNull();
    expect(await registry.find(subject, schema)).toBeNull();
  });

  test.each<readonly [string, Reply]>([
    ['an ingress', { status: 404, body: '<html>default backend - 404</html>' }],
    ['nobody', { status: 404, body: '' }],
    ['another service', json(404, { error: 'no such route' })],
    [
      'Confluent’s registry, of a path that it does not serve',
      json(404, { error_code: 404, message: 'HTTP 404 Not Found' }),
    ],
  ])('may be there where the one who says that it is not is %s', async (_what, reply) => {
    const { registry } = await aRegistry(reply);
    const isUnknown = {
      code: 'registry-unavailable',
      retry: 'retry',
      message: expect.stringContaining('answers with 404'),
    };
    await expect(registry.byId(1)).rejects.toMatchObject(isUnknown);
    await expect(registry.latest(subject)).rejects.toMatchObject(isUnknown);
    await expect(registry.find(subject, schema)).rejects.toMatchObject(isUnknown);
  });
});

describe('a schema that can never be used', () => {
  test('is one of a kind that nobody here reads', async () => {
    const { registry } = await aRegistry(json(200, { schema: '<x/>', schemaType: 'XML' }));
    await expect(registry.byId(1)).rejects.toMatchObject({
      ...{ code: 'schema-unusable', fault: 'user', retry: 'no-retry' },
      message: expect.stringContaining('it is in XML, expected AVRO, PROTOBUF, JSON'),
    });
  });

  test('is one that uses others without end', async () => {
    const { registry } = await aRegistry(({ path }) => {
      const number = Number(/(\d+)$/.exec(path)![1]);
      const references = [{ name: `r${number + 1}`, subject: 'r', version: number + 1 }];
      return json(200, { schema: '"string"', references });
    });
    await expect(registry.byId(1)).rejects.toMatchObject({ code: 'schema-unusable', retry: 'no-retry' });
  });
});
