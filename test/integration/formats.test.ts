// Avro and Protobuf on the real parts: a real schema registry, a real broker, workers as processes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import avsc from 'avsc';
import protobuf from 'protobufjs';
import { openRegistryWith } from '#adapters/registry/schema-registry.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import { deadLetterHeaders, environment } from '#core/names.ts';
import type { SchemaRegistry } from '#core/ports/schema-registry.ts';
import { type RegistryUnderTest, schemaRegistryContract } from '#test/contract/schema-registry.contract.ts';
import { type ApiRig, startApi } from '#test/support/api-rig.ts';
import { MemorySchemaRegistry } from '#test/support/memory-schema-registry.ts';
import { type OwnPart, ownRegistry } from '#test/support/own-parts.ts';
import { startReceiver } from '#test/support/receiver.ts';
import { addressesFromEnvironment, WorkerRig } from '#test/workers/worker-rig.ts';

let part: OwnPart;
let registry: SchemaRegistry;
let rig: WorkerRig;
const networks = ['loopback'];
/** For what takes a moment, unless the machine is very busy. */
const patienceMs = 120_000;
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
    const nobody = openRegistry({ url: 'http://127.0.0.1:59999/', networks, tenant: 'default', auth: null });
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
    expect(await rig.accounted(withFormats, 9, patienceMs)).toMatchObject({
      in: 9,
      out: 3,
      filtered: 2,
      deadLettered: 4,
    });

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

  test('waits while the registry is down, sets nothing aside, and goes on when it is back [fault 102]', async () => {
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
    await rig.heartbeatWith(
      withFormat,
      worker.name,
      ({ errors }) => errors.some(({ code }) => code === 'registry-unavailable'),
      patienceMs,
    );
    proxy.behave('forward');
    expect(await rig.accounted(withFormat, 1, patienceMs)).toMatchObject({ in: 1, out: 1, deadLettered: 0 });
    const [record] = await rig.read(goal.sink.topic);
    expect(String(record!.value)).toBe('{"id":"a"}');
    await proxy.close();
  });
});

describe('a route from Protobuf to JSON', () => {
  test('reads each record by the message that it names, written by a schema of its own', async () => {
    const goal = await rig.job({ where: 'n > 1', select: 'id, n, at' });
    const { topic } = goal.source;
    const time = 'import "google/protobuf/timestamp.proto";';
    const play = (more: string): string =>
      `message Play { string id = 1; int64 n = 2; google.protobuf.Timestamp at = 3; ${more} }`;
    const written = `syntax = "proto3"; ${time} message Other { int32 x = 1; } ${play('')}`;
    const declared = `syntax = "proto3"; ${time} ${play('sint64 later = 9;')}`;
    const schemaId = await registry.register(`${topic}-value`, { kind: 'protobuf', text: written });
    const root = protobuf.parse(written.replace(/import [^;]*;/, '').replace('google.protobuf.Timestamp', 'bytes'), {
      keepCase: true,
    }).root;
    const aPlay = (value: object): Buffer =>
      framed(schemaId, Buffer.concat([Buffer.of(2, 2), root.lookupType('Play').encode(value).finish()]));
    await rig.produce(topic, [
      { value: aPlay({ id: 'a', n: 1, at: Buffer.alloc(0) }), partition: 0 },
      { value: aPlay({ id: 'b', n: 9_007_199_254_740_991, at: Buffer.of(8, 1) }), partition: 0 },
      { value: framed(schemaId, Buffer.of(0, 8, 1)), partition: 0 },
    ]);
    const format: FormatGoal = { ...formatOf(`${topic}-value`, declared), kind: 'protobuf' };
    const withFormat = { ...goal, formatVersion: 3 as const, source: { ...goal.source, format } };
    await rig.start(withFormat);
    expect(await rig.accounted(withFormat, 3, patienceMs)).toMatchObject({
      in: 3,
      out: 1,
      filtered: 1,
      deadLettered: 1,
    });
    const [record] = await rig.read(goal.sink.topic);
    expect(String(record!.value)).toBe('{"id":"b","n":9007199254740991,"at":"1970-01-01T00:00:01Z"}');
    const [letter] = await rig.read(goal.deadLetterTopic);
    expect(String(letter!.headers[deadLetterHeaders.errorCode])).toBe('other_message');
  });
});

describe('people on a stream in Avro', () => {
  let api: ApiRig;
  beforeAll(async () => {
    api = await startApi({ [environment.registryUrl]: part.address });
  });
  afterAll(async () => await api?.close());

  const apply = (kind: 'Stream' | 'Route', name: string, spec: object, query = '') =>
    api.call('PUT', `/v1/${kind.toLowerCase()}s/${name}${query}`, {
      json: { apiVersion: 'millrace/v1', kind, metadata: { name, owner: 'team' }, spec },
    });
  const avro = (fields: readonly object[]) => ({ type: 'record', name: 'Play', fields });
  const country = { name: 'country', type: ['null', 'string'], default: null };
  const name = `f${process.pid}-plays`;
  const lines = (text: string): unknown[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);

  test('send JSON that is written by the schema, and read it back as JSON; what does not fit is told by its line', async () => {
    const spec = {
      format: 'avro',
      key: 'id',
      partitions: 1,
      schema: { avro: avro([id, at, country]), pii: { country: 'drop' } },
    };
    const declared = await apply('Stream', name, spec);
    expect([declared.status, declared.text]).toEqual([201, expect.anything()]);
    await api.parts.broker.create(name, 1, {});
    const sent = await api.call('POST', `/v1/streams/${name}/records`, {
      text: '{"id":"a","at":"2026-01-01T00:00:00Z","country":"US"}\n{"id":"b"}\n{"id":"c","at":1767225600123}\n{"id":"d","at":0,"city":"X"}',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(sent.json).toMatchObject({ acknowledged: 2, refused: 2 });
    expect(sent.json.results.map((one: { code?: string }) => one.code)).toEqual([
      undefined,
      'missing_field',
      undefined,
      'unknown_field',
    ]);
    const [first] = await rig.read(name);
    const { id: schemaId } = (await registry.latest(`${name}-value`))!;
    expect([first!.value![0], first!.value!.readUInt32BE(1), String(first!.key)]).toEqual([0, schemaId, 'a']);
    expect(lines((await api.call('GET', `/v1/streams/${name}/records?where=country IS NULL`)).text)).toEqual([
      { id: 'c', at: '2026-01-01T00:00:00.123Z', country: null },
    ]);
    const route = {
      from: name,
      where: "at > '2026-01-01'",
      select: 'id',
      to: [{ name: 'out', stream: `${name}-out` }],
    };
    const document = {
      apiVersion: 'millrace/v1',
      kind: 'Route',
      metadata: { name: `${name}-r`, owner: 'team' },
      spec: route,
    };
    const tried = await api.call('POST', '/v1/try', { json: { document } });
    expect(tried.json).toMatchObject({ read: 2, passed: 1, filtered: 1, failed: 0 });
  });

  test('a change that old events, the registry or a reader would not bear is refused by name', async () => {
    const reader = await apply('Route', `${name}-r`, {
      from: name,
      select: 'id, country',
      exposePii: ['country'],
      to: [{ name: 'out', stream: `${name}-out` }],
    });
    expect([reader.status, reader.text]).toEqual([201, expect.anything()]);
    const base = { format: 'avro', key: 'id', partitions: 1 };
    const without = await apply('Stream', name, { ...base, schema: { avro: avro([id, at]) } });
    expect([without.status, without.json.detail]).toEqual([422, expect.stringMatching(/breaks route/)]);
    const required = await apply('Stream', name, { ...base, schema: { avro: avro([id, at, country, big]) } });
    expect([required.status, required.json.detail]).toEqual([
      422,
      expect.stringMatching(/field big: it was written without/),
    ]);
    const asJson = await apply('Stream', name, { key: 'id', partitions: 1 });
    expect([asJson.status, asJson.json.detail]).toEqual([422, expect.stringMatching(/was avro and becomes json/)]);
    await registry.register(`${name}-other`, {
      kind: 'avro',
      text: JSON.stringify(avro([{ name: 'id', type: 'long' }])),
    });
    const clash = await apply('Stream', `${name}-2`, {
      ...base,
      registry: { subject: `${name}-other` },
      schema: { avro: avro([id]) },
    });
    expect([clash.status, clash.json.detail]).toEqual([
      422,
      expect.stringMatching(/registry’s newest schema wrote cannot be read/),
    ]);
    const grown = await apply('Stream', name, {
      ...base,
      schema: { avro: avro([id, at, country, { ...big, default: 0 }]), pii: { country: 'drop' } },
    });
    expect([grown.status, grown.text]).toEqual([200, expect.anything()]);
  });

  test('a route into it must fit its schema, and a stream without one cannot be written', async () => {
    const to = (stream: string) => [{ name: 'out', stream }];
    await apply('Stream', `${name}-raw`, {});
    const wrong = await apply('Route', `${name}-w`, { from: `${name}-raw`, select: 'id, 1 AS sum', to: to(name) });
    expect([wrong.status, wrong.json.detail]).toEqual([422, expect.stringMatching(/no field "sum"/)]);
    await apply('Stream', `${name}-bare`, { format: 'avro' });
    const bare = await apply('Route', `${name}-w`, { from: name, to: to(`${name}-bare`) });
    expect([bare.status, bare.json.detail]).toEqual([422, expect.stringMatching(/declares no schema/)]);
  });

  test('while the registry is down a new schema is not declared, and nothing is written blindly', async () => {
    const url = 'http://127.0.0.1:59999';
    const spec = { format: 'avro', registry: { url }, schema: { avro: avro([id]) } };
    expect(await apply('Stream', `${name}-3`, spec)).toMatchObject({
      status: 503,
      json: { code: 'registry-unavailable' },
    });
  });
});
