// The examples do what their READMEs say: checked as an apply would check them, and run over their own events.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadDocuments } from '#cli/input/documents.ts';
import { createByteSink, createProcessor, loadParser, PASSED, planRoute } from '#core/expression/index.ts';
import { RecordDecoder } from '#core/formats/record-decoder.ts';
import { RecordEncoder } from '#core/formats/record-encoder.ts';
import { checkDocuments } from '#core/graph/check-documents.ts';
import { planTable } from '#core/graph/check-warehouse.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { StreamNode, World } from '#core/graph/world.ts';
import type { HttpSinkGoal } from '#core/job/sink-goal.ts';
import { Chain } from '#core/operators/run/chain.ts';
import { trialSalts } from '#core/operators/trial-salts.ts';
import { runRouteTests } from '#core/plan/route-tests.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { partsOf } from '#test/contract/sinks-under-test.ts';
import { aRevision, aSnapshot } from '#test/support/documents.ts';
import { runEvents } from '#test/support/run-chain.ts';
import { until } from '#test/support/until.ts';
import { SinkRig } from '#test/workers/sinks/sink-rig.ts';
import { httpSink } from '#workers/sinks/http-sink.ts';

const examples = join(import.meta.dirname, '../../examples');
beforeAll(loadParser);

/** As `millrace up --with registry` has them. */
const settings = { ...localSettings, sinks: { ...localSettings.sinks, registryUrl: 'http://127.0.0.1:8081' } };

/** The documents of an example, as an apply to an empty platform sees them. */
async function resolve(name: string): Promise<World> {
  const documents = (await loadDocuments([join(examples, name)])).map((source) => {
    const parsed = parseDocument(source.json);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
    return parsed.value;
  });
  const { after, problems } = checkDocuments([], documents, planRoute, settings.sinks);
  expect([...problems]).toEqual([]);
  return after;
}

/** What comes out of `route`, in the order of the file. */
async function runOver(name: string, route: string, file: string): Promise<readonly string[]> {
  const program = (await resolve(name)).routes.get(route)!.programs.values().next().value!;
  const processor = createProcessor(program);
  const out: string[] = [];
  for (const line of readFileSync(join(examples, name, file))
    .toString()
    .trimEnd()
    .split('\n')) {
    const sink = createByteSink(1024);
    const bytes = Buffer.from(line);
    const verdict = processor.process(bytes, 0, bytes.length, sink);
    expect(processor.fault).toBeNull();
    if (verdict === PASSED) out.push(Buffer.from(sink.bytes.subarray(0, sink.length)).toString());
  }
  return out;
}

/** The JSON lines in a README's ```json blocks. */
const linesIn = (name: string): readonly string[] =>
  [...readFileSync(join(examples, name, 'README.md'), 'utf8').matchAll(/```json\n([\s\S]*?)```/g)].flatMap((block) =>
    block[1]!.trimEnd().split('\n'),
  );

/** What a worker of the webhook example is told of its sink. */
async function webhookGoal(): Promise<HttpSinkGoal> {
  const world = await resolve('webhook');
  const documents = [world.streams.get('shop-orders')!.document!, world.routes.get('paid-orders')!.document];
  const snapshot = aSnapshot(documents.map((document) => aRevision(document)));
  const { sink } = compilePlatform(snapshot, localSettings, planRoute).jobs[0]!.goal;
  if (sink.kind !== 'http') throw new Error(`got a sink of kind ${sink.kind}`);
  return sink;
}

/** An event as it comes back when it was written in the stream's format. */
function throughFormat({ document }: StreamNode, line: string): string {
  const { kind, schema, message } = document!.spec.format!;
  const declared = { kind, schema: schema!, message };
  const encoder = new RecordEncoder(declared, 7);
  const bytes = Buffer.from(line);
  expect(encoder.encode(bytes, 0, bytes.length)).toBeNull();
  const decoder = new RecordDecoder(declared);
  decoder.learn(7, { kind, text: schema!, references: [] });
  expect(decoder.decode(encoder.out.bytes, 0, encoder.out.length)).toBe('decoded');
  return Buffer.from(decoder.out.bytes.subarray(0, decoder.out.length)).toString();
}

describe('examples', () => {
  test('quickstart: the route passes its own test, and lets through what the README shows', async () => {
    const world = await resolve('quickstart');
    const route = world.routes.get('plays')!;
    expect(runRouteTests(route.document.spec.tests, route)).toEqual([expect.objectContaining({ passed: true })]);
    expect(await runOver('quickstart', 'plays', 'events.ndjson')).toEqual(linesIn('quickstart'));
  });

  test('personal-data: the route passes its test; two items of one order go to Europe, one of another elsewhere', async () => {
    const route = (await resolve('personal-data')).routes.get('sold')!;
    expect(runRouteTests(route.document.spec.tests, route)).toEqual([
      expect.objectContaining({ passed: true }),
      expect.objectContaining({ passed: true }),
    ]);
    const lines = readFileSync(join(examples, 'personal-data/orders.ndjson'), 'utf8').trimEnd().split('\n');
    const salts = trialSalts(route.operators);
    const [eu, rest] = [...route.programs.values()].map((program) =>
      runEvents(new Chain(route.operators, program, salts), lines).flat(),
    );
    expect(eu).toEqual(linesIn('personal-data'));
    expect(rest).toEqual([expect.stringContaining('"sku":"tea","revenue":4.50')]);
  });

  test.each([
    ['webhook', 'paid-orders', 'orders.ndjson'],
    ['search', 'article-search', 'articles.ndjson'],
    ['exactly-once', 'bookings', 'payments.ndjson'],
  ])('%s: the route passes its own test, and puts out what the README shows', async (name, routeName, file) => {
    const route = (await resolve(name)).routes.get(routeName)!;
    expect(runRouteTests(route.document.spec.tests, route)).toEqual([expect.objectContaining({ passed: true })]);
    expect(await runOver(name, routeName, file)).toEqual(linesIn(name));
  });

  test('avro: what is sent is written and read back in Avro, masked, and comes out in Protobuf as the README shows', async () => {
    const { streams, routes } = await resolve('avro');
    const route = routes.get('large-payments')!;
    expect(runRouteTests(route.document.spec.tests, route)).toEqual([expect.objectContaining({ passed: true })]);
    const lines = readFileSync(join(examples, 'avro/payments.ndjson'), 'utf8').trimEnd().split('\n');
    const read = lines.map((line) => throughFormat(streams.get('payments')!, line));
    const chain = new Chain(route.operators, route.programs.get('out')!, trialSalts(route.operators));
    const out = runEvents(chain, read).flat();
    expect(out.map((line) => throughFormat(streams.get('large-payments')!, line))).toEqual(linesIn('avro'));
  });

  test('busy-service: what is slow passes both routes, and the service is told what the README shows', async () => {
    const world = await resolve('busy-service');
    const alerts = world.routes.get('slow-alerts')!;
    expect(runRouteTests(alerts.document.spec.tests, alerts)).toEqual([expect.objectContaining({ passed: true })]);
    expect(alerts.document.spec.onRedeploy).toBe('canary');
    const programs = [world.routes.get('slow')!.programs.get('out')!, alerts.programs.get('pager')!];
    const [slow, pager] = programs.map((program) => createProcessor(program));
    const told: string[] = [];
    for (const line of readFileSync(join(examples, 'busy-service/clicks.ndjson'), 'utf8').trimEnd().split('\n')) {
      const [sink, bytes] = [createByteSink(256), Buffer.from(line)];
      // Without `select` what passes goes on as it is.
      if (slow!.process(bytes, 0, bytes.length, sink) !== PASSED) continue;
      expect(pager!.process(bytes, 0, bytes.length, sink)).toBe(PASSED);
      told.push(Buffer.from(sink.bytes.subarray(0, sink.length)).toString());
    }
    expect(told).toEqual(linesIn('busy-service'));
  });

  test('autoscale: one route is scaled between bounds that its partitions share evenly, the other is advised', async () => {
    const { routes, streams } = await resolve('autoscale');
    const large = routes.get('large-orders')!;
    expect(runRouteTests(large.document.spec.tests, large)).toEqual([expect.objectContaining({ passed: true })]);
    expect(large.document.spec.autoscale).toEqual({ mode: 'on', min: 1, max: 3, drainMs: 30_000 });
    expect(routes.get('foreign-orders')!.document.spec.autoscale.mode).toBe('advise');
    expect(streams.get('checkout-orders')!.partitions % large.document.spec.autoscale.max).toBe(0);
  });

  test('webhook: the service prints each event once, although all are sent to it twice', async () => {
    const service = spawn(process.execPath, [join(examples, 'webhook/receiver.mjs')], { env: { PORT: '0' } });
    try {
      const said = String((await once(service.stderr, 'data'))[0]);
      const printed: string[] = [];
      createInterface({ input: service.stdout }).on('line', (line) => printed.push(line));
      const events = linesIn('webhook').map((line) => JSON.parse(line) as object);
      for (const incarnation of [1, 2]) {
        const rig = new SinkRig();
        const url = `http://127.0.0.1:${/:(\d+)/.exec(said.replace('http:', ''))![1]}/paid`;
        const sink = httpSink({ ...(await webhookGoal()), url }, partsOf(rig));
        await sink.open();
        for (const event of events) rig.take(sink, event);
        sink.flush();
        await until(() => (rig.position() === events.length ? true : null), `worker ${incarnation} to have sent all`);
        await sink.close();
      }
      expect(printed.map((line) => JSON.parse(line) as object)).toEqual(events);
    } finally {
      service.kill('SIGKILL');
    }
  });

  test('warehouse: the route passes its own test, and its events have the columns that the table has', async () => {
    const world = await resolve('warehouse');
    const route = world.routes.get('order-table')!;
    expect(runRouteTests(route.document.spec.tests, route)).toEqual([expect.objectContaining({ passed: true })]);
    const sink = route.document.spec.sinks[0]!;
    if (sink.kind !== 'warehouse') throw new Error('no table');
    const planned = planTable(sink, route.programs.get('lake')!, '');
    expect(planned.ok && planned.value.partitions.map(({ name }) => name)).toEqual(['placed_date', 'country']);
  });

  test('nginx-status: 284 of the 500 reports pass, such as the one the README shows', async () => {
    const out = await runOver('nginx-status', 'nginx-errors', 'nginx-status.ndjson');
    expect(out).toHaveLength(284);
    expect(out).toContain(linesIn('nginx-status')[0]);
  });
});
