// What the sinks cost beside a stream: a worker's data path into each, over a broker inside the process, to the real other end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { createTableCatalog } from '#adapters/s3/table-catalog.ts';
import { createEvents, route, schema } from '#bench/routing/events.ts';
import { type Cost, type Load, runPaths } from '#bench/scaling/run-path.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compileSink } from '#core/graph/compile-sink.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { buildWorld } from '#core/graph/world.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { defaultBucket } from '#core/names.ts';
import { completeHttp } from '#core/spec/sinks/http.ts';
import { completeOpenSearch } from '#core/spec/sinks/opensearch.ts';
import type { SinkSpec } from '#core/spec/sinks/sink-spec.ts';
import { completeWarehouseSink } from '#core/spec/sinks/warehouse.ts';
import { ownOpenSearch, ownS3, testAccessKey } from '#test/support/own-parts.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import type { WorkerParts } from '#workers/parts.ts';
import { bulkPayload } from '#workers/sinks/opensearch-bulk.ts';
import { duckTable, post, type Spent, spentOn } from './limits.ts';
import '#workers/tune-runtime.ts';

const { values: flags } = toolArguments(import.meta.filename, {
  options: {
    events: { type: 'string', default: '200000' },
    only: { type: 'string', default: 'stream,http,opensearch,warehouse' },
  },
});
const wanted = new Set(flags.only.split(','));
const eventCount = 1_024;
const seed = 20_260_101;
const partitions = 4;
const next = createEvents(seed);
const generated = Array.from({ length: eventCount }, (_, id) => next(id));
const events = generated.map(({ text }) => text);
const outputs = generated.flatMap(({ output }) => (output === null ? [] : [output]));

interface Line {
  readonly sink: string;
  /** Read; about half of them pass. */
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
}
const lines: Line[] = [];

function tell(sink: string, { records, seconds, cpuSeconds }: Spent & { readonly records: number }): void {
  const line = {
    ...{ sink, events: records, eventsPerSecond: Math.round(records / seconds) },
    cpuSecondsPerMillion: Number(((cpuSeconds / records) * 1e6).toFixed(2)),
  };
  lines.push(line);
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

const identity = { job: 'bench', worker: 'w', incarnation: 1, slot: 0, render: '', pid: process.pid };
const secrets = { read: async () => null };
const signer = { sign: async () => ({}) };

async function through(
  sink: SinkGoal | null,
  worker: Partial<WorkerParts> = {},
  recordsMin = Number(flags.events),
): Promise<Cost> {
  const load: Load = {
    ...{ expressions: route, row: schema, events, partitions, routes: 1, recordsMin, compression: 'none' },
    ...(sink === null ? {} : { sink, worker: { identity, secrets, signer, ...worker } }),
  };
  return await runPaths(load);
}

function goalOf(sink: SinkSpec): SinkGoal {
  const planned = planRoute(route, schema, { validate: 'declared' });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problem));
  const settings = { ...localSettings, sinks: { ...localSettings.sinks, networks: ['loopback'] } };
  const goal = compileSink(sink, {
    ...{ tenant: 'bench', program: planned.value, settings },
    ...{ plan: planRoute, world: buildWorld([], planRoute) },
  });
  if (goal === null) throw new Error('no such sink');
  return goal;
}

/** So many bodies as the outputs of `records` events make, `each` outputs in one. */
function bodiesOf(records: number, each: number, encode: (texts: readonly string[]) => Buffer): readonly Buffer[] {
  const body = encode(Array.from({ length: each }, (_, index) => outputs[index % outputs.length]!));
  const count = Math.ceil((records * outputs.length) / events.length / each);
  return Array.from({ length: count }, () => body);
}

async function benchHttp(): Promise<void> {
  const service = spawn(process.execPath, [join(import.meta.dirname, 'receiver.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = `http://127.0.0.1:${String((await once(service.stdout, 'data'))[0]).trim()}/events`;
  const batch = 100;
  for (const compression of ['none', 'gzip'] as const) {
    const declared: Parameters<typeof completeHttp>[1] = { url, batch: { maxRecords: batch }, compression };
    tell(`http, ${compression}`, await through(goalOf(completeHttp('out', declared, '', []))));
  }
  const records = Number(flags.events);
  const bodies = bodiesOf(records, batch, (texts) => Buffer.from(`[${texts.join(',')}]`));
  const headers = { 'content-type': 'application/json' };
  tell('http, limit: ready bodies', { ...(await spentOn(() => post(url, headers, bodies, partitions))), records });
  service.kill();
}

async function benchOpenSearch(): Promise<void> {
  await using node = await ownOpenSearch();
  const goal = goalOf(completeOpenSearch('out', { url: node.address, index: 'plays' }, '', []));
  tell('opensearch', await through(goal));
  const records = Number(flags.events);
  const encode = (texts: readonly string[]): Buffer =>
    gzipSync(Buffer.concat(texts.map((text, index) => bulkPayload('limit', `${index}`, Buffer.from(text)))), {
      level: 1,
    });
  const bodies = bodiesOf(records, 1_000, encode);
  const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
  const spent = await spentOn(() => post(`${node.address}/_bulk?filter_path=errors`, headers, bodies, 4));
  tell('opensearch, limit: ready bodies', { ...spent, records });
}

async function benchWarehouse(): Promise<void> {
  await using server = await ownS3();
  const objects = createObjectStore({
    ...{ bucket: defaultBucket, region: 'us-east-1', endpoint: server.address, credentials: testAccessKey },
    requestMs: 120_000,
  });
  await objects.ensureBucket();
  const goal = goalOf(completeWarehouseSink('out', { table: 'plays' }));
  if (goal.kind !== 'warehouse') throw new Error('no table');
  // Small files, so that the run ends.
  const rolled = { ...goal, roll: { bytes: 16 * 1024 * 1024, everyMs: 2_000 } };
  tell(
    'warehouse',
    await through(rolled, { objects, warehouse: { files: objects, catalog: createTableCatalog(objects) } }),
  );
  objects.close();
  const times = Math.ceil(Number(flags.events) / events.length);
  const spent = await duckTable(
    events,
    times,
    'id, ts, kind, country, device.os AS os',
    "kind IN ('play','stop') AND duration_ms >= 0",
  );
  tell('warehouse, peer: DuckDB, one thread', { ...spent, records: times * events.length });
}

await loadParser();
// Once for nothing: the compiler warms up.
await through(null);
if (wanted.has('stream')) tell('stream', await through(null));
if (wanted.has('http')) await benchHttp();
if (wanted.has('opensearch')) await benchOpenSearch();
if (wanted.has('warehouse')) await benchWarehouse();
process.stdout.write(`${JSON.stringify({ lines, partitions, ok: true })}\n`);
process.exit(0);
