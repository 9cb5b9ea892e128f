// Avro and Protobuf on the real parts: a real schema registry, a real broker, workers as processes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import avsc from 'avsc';
import { openRegistryWith } from '#adapters/registry/schema-registry.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import { deadLetterHeaders } from '#core/names.ts';
import type { SchemaRegistry } from '#core/ports/schema-registry.ts';
import { type RegistryUnderTest, schemaRegistryContract } from '#test/contract/schema-registry.contract.ts';
import { MemorySchemaRegistry } from '#test/support/memory-schema-registry.ts';
import { type OwnPart, ownRegistry } from '#test/support/own-parts.ts';
import { startReceiver } from '#test/support/receiver.ts';
import { addressesFromEnvironment, WorkerRig } from '#test/workers/worker-rig.ts';

let part: OwnPart;
let registry: SchemaRegistry;
let rig: WorkerRig;
const networks = ['loopback'];
const openRegistry = openRegistryWith({ read: async () => 'user:secret' });

beforeAll(async () => {
  [part, rig] = await Promise.all([ownRegistry(), WorkerRig.open(addressesFromEnvironment())]);
  registry = openRegistry({ url: part.address, networks, tenant: 'default', auth: null });
}, 300_000);
afterAll(async () => {
  registry?.close();
  await rig?.close();
  await part?.[Symbol.asyncDispose]();
});

schemaRegistryContract('Apicurio Registry', () => ({
  registry,
  requireBackward: async (subject) => {
    const answer = await fetch(`${part.address}/config/${subject}`, {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"compatibility":"BACKWARD"}' },
    });
    expect(answer.status).toBe(200);
  },
}));

schemaRegistryContract('in memory', (): RegistryUnderTest => {
  const memory = new MemorySchemaRegistry();
  return { registry: memory, requireBackward: async (subject) => memory.requireBackward(subject) };
});

describe('the client', () => {
  test('connects to no address that the platform does not open', async () => {
    const closed = openRegistry({ url: part.address, networks: [], tenant: 'default', auth: null });
    await expect(closed.byId(1)).rejects.toMatchObject({ code: 'registry-address-refused', fault: 'user' });
  });

  test('says that a registry is down as what it is', async () => {
    const nobody = openRegistry({ url: 'http://127.0.0.1:1/', networks, tenant: 'default', auth: null });
    await expect(nobody.byId(1)).rejects.toMatchObject({ code: 'registry-unavailable', retry: 'retry' });
  });
});

const playSchema = (fields: readonly object[]): string =>
  JSON.stringify({ type: 'record', name: 'Play', namespace: 'com.acme', fields });
const id = { name: 'id', type: 'string' };
const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
const big = { name: 'big', type: 'long' };

const formatOf = (subject: string, schema: string): FormatGoal => ({
  ...{ kind: 'avro', subject, schema, register: true, message: null },
  registry: { url: part.address, networks, auth: null },
});

function framed(schemaId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, body]);
}

describe('a route from Avro to Avro', () => {
  test('reads what two schemas wrote, types and all, and sets aside by reason what none did', async () => {
    const goal = await rig.job({
      where: "country = 'US' OR country IS NULL",
      select: 'id, at, big, upper(country) AS cc',
    });
    const { topic } = goal.source;
    const [older, newer] = [playSchema([id, big, at]), playSchema([id, big, at, { name: 'country', type: 'string' }])];
    const reader = playSchema([id, at, big, { name: 'country', type: ['null', 'string'], default: null }]);
    const written = playSchema([id, at, { name: 'cc', type: ['null', 'string'], default: null }, big]);
    const [olderId, newerId] = [
      await registry.register(`${topic}-a`, { kind: 'avro', text: older }),
      await registry.register(`${topic}-b`, { kind: 'avro', text: newer }),
    ];
    const strange = await registry.register(`${topic}-c`, {
      kind: 'avro',
      text: playSchema([{ name: 'id', type: 'int' }]),
    });
    const write = (schema: string, value: object): Buffer =>
      avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema).toBuffer(value);
    const event = { id: 'a', big: 4_503_599_627_370_495, at: 1_767_225_600_123 };
    await rig.produce(topic, [
      { key: 'k', value: framed(olderId, write(older, event)), partition: 0 },
      { value: framed(newerId, write(newer, { ...event, id: 'b', country: 'US' })), partition: 0 },
      { value: framed(newerId, write(newer, { ...event, id: 'c', country: 'DE' })), partition: 0 },
      { value: framed(newerId, write(newer, { ...event, id: 'd', country: 'US' }).subarray(0, 6)), partition: 0 },
      { value: framed(2_000_000_000, Buffer.from('?')), partition: 0 },
      { value: '{"id":"json"}', partition: 0 },
      { value: framed(strange, Buffer.of(2)), partition: 0 },
      { value: null, partition: 0 },
      { value: framed(newerId, write(newer, { ...event, id: 'z', country: 'US' })), partition: 0 },
    ]);
    const withFormats = {
      ...{ ...goal, formatVersion: 3 as const },
      source: { ...goal.source, format: formatOf(`${topic}-value`, reader) },
      sink: { ...goal.sink, format: formatOf(`${goal.sink.topic}-value`, written) },
    };
    await rig.start(withFormats);
    expect(await rig.accounted(withFormats, 9)).toMatchObject({ in: 9, out: 3, filtered: 2, deadLettered: 4 });

    const latest = await registry.latest(`${goal.sink.topic}-value`);
    const type = avsc.Type.forSchema(JSON.parse(written) as avsc.Schema);
    const records = await rig.read(goal.sink.topic);
    const events = records.map(({ value }) => {
      expect([value![0], value!.readUInt32BE(1)]).toEqual([0, latest!.id]);
      return { ...(type.fromBuffer(value!.subarray(5)) as object) };
    });
    expect(events).toEqual([
      { ...event, cc: null },
      { ...event, id: 'b', cc: 'US' },
      { ...event, id: 'z', cc: 'US' },
    ]);
    const letters = await rig.read(goal.deadLetterTopic);
    expect(
      letters.map(({ headers }) => [
        String(headers[deadLetterHeaders.errorClass]),
        String(headers[deadLetterHeaders.errorCode]),
      ]),
    ).toEqual([
      ['poison', 'truncated'],
      ['poison', 'unknown_schema'],
      ['poison', 'not_framed'],
      ['schema', 'incompatible_schema'],
    ]);
    // As they came, byte for byte.
    expect(letters[2]!.value).toEqual(Buffer.from('{"id":"json"}'));
  });

  test('waits while the registry is down, sets nothing aside, and goes on when it is back', async () => {
    const goal = await rig.job({ select: 'id' });
    const { topic } = goal.source;
    const schema = playSchema([id]);
    const schemaId = await registry.register(`${topic}-value`, { kind: 'avro', text: schema });
    const bytes = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema).toBuffer({ id: 'a' });
    await rig.produce(topic, [{ value: framed(schemaId, bytes) }]);
    const proxy = await startReceiver({ before: part.address });
    proxy.behave('cut');
    const format = formatOf(`${topic}-value`, schema);
    const withFormat = {
      ...{ ...goal, formatVersion: 3 as const },
      source: {
        ...goal.source,
        format: { ...format, registry: { ...format.registry, url: `${proxy.url}/apis/ccompat/v7` } },
      },
    };
    const worker = await rig.start(withFormat);
    await rig.heartbeatWith(withFormat, worker.name, ({ errors }) =>
      errors.some(({ code }) => code === 'registry-unavailable'),
    );
    proxy.behave('forward');
    expect(await rig.accounted(withFormat, 1, 60_000)).toMatchObject({ in: 1, out: 1, deadLettered: 0 });
    const [record] = await rig.read(goal.sink.topic);
    expect(String(record!.value)).toBe('{"id":"a"}');
    await proxy.close();
  });
});
