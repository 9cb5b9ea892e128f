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

test.each([409, 422])('a schema that is refused where it is looked for is told as that (%i)', async (status) => {
  const { registry } = await aRegistry(json(status, { error_code: 42201, message: 'Invalid schema' }));
  await expect(registry.find(subject, schema)).rejects.toMatchObject({
    ...{ code: 'schema-refused', fault: 'user', retry: 'no-retry' },
    message: expect.stringContaining('Invalid schema'),
  });
});

describe('a registry that repeats the secret that it was sent', () => {
  const secret = 'swordfish-"12"-marlin';
  const bearer: AuthSpec = { scheme: 'bearer', secret: 'k' };
  const told = async (answer: (request: ReceivedRequest) => Reply, secrets: readonly string[] = [secret]) => {
    const { registry } = await aRegistry(answer, bearer, secrets);
    const error: unknown = await registry.byId(1).catch((thrown: unknown) => thrown);
    return (error as Error).message;
  };

  test('is told without it where its answer is not understood', async () => {
    const message = await told(({ headers }) => json(200, { sent: headers['authorization'] }));
    expect(message).toContain('its answer is not understood: {"sent":"***"}');
  });

  test('is told without any part of it where the answer is cut in its middle', async () => {
    const message = await told(({ headers }) =>
      json(500, { message: `${'x'.repeat(485)} ${headers['authorization']}` }),
    );
    expect(message).toMatch(/x \*\*\*$/);
  });

  test('is told without the one of before where it was changed meanwhile', async () => {
    const repeated: string[] = [];
    const message = await told(
      ({ headers }) => {
        repeated.push(headers['authorization']!);
        return json(repeated.length === 1 ? 401 : 500, { message: repeated.join(' and ') });
      },
      [secret, 'another-secret'],
    );
    expect(message).toContain('it answers with 500: *** and ***');
  });
});
