// What one event costs in each format: to JSON bytes, through a route, and into the format; CPU microseconds, in one run.
import { createByteSink, createProcessor, loadParser, planRoute } from '#core/expression/index.ts';
import { compileReader, compileWriter, type DeclaredSchema, type Transcode } from '#core/formats/codec.ts';
import { rowOfSchema } from '#core/formats/schema-row.ts';

const eventCount = 5_000;
const rounds = Number(process.argv[2] ?? 9);

const text = (name: string) => ({ name, type: 'string' });
const avro = JSON.stringify({
  type: 'record',
  name: 'Play',
  fields: [
    text('id'),
    { name: 'ts', type: { type: 'long', logicalType: 'timestamp-millis' } },
    ...['kind', 'country', 'user', 'session', 'title'].map(text),
    { name: 'device', type: { type: 'record', name: 'Device', fields: ['os', 'model', 'version'].map(text) } },
    ...['duration_ms', 'position_ms', 'bitrate'].map((name) => ({ name, type: 'long' })),
    { name: 'buffering', type: 'double' },
    ...['url', 'agent'].map(text),
    { name: 'live', type: 'boolean' },
  ],
});
const protobuf = `syntax = "proto3"; import "google/protobuf/timestamp.proto";
message Play {
  string id = 1; google.protobuf.Timestamp ts = 2; string kind = 3; string country = 4; string user = 5; string session = 6;
  string title = 7; Device device = 8; int64 duration_ms = 9; int64 position_ms = 10; int64 bitrate = 11; double buffering = 12;
  string url = 13; string agent = 14; bool live = 15;
  message Device { string os = 1; string model = 2; string version = 3; }
}`;

/** About 500 bytes and 15 fields; half of them pass the filter. */
const eventOf = (index: number): Buffer =>
  Buffer.from(
    JSON.stringify({
      id: `evt-${String(index).padStart(12, '0')}-4c1f-9a77`,
      ts: new Date(1_767_225_600_000 + index * 37).toISOString(),
      kind: ['play', 'pause', 'stop', 'seek'][index % 4],
      country: ['US', 'DE', 'BR', 'JP'][index % 4],
      user: `user-${index % 977}`,
      session: `s-${(index * 7919) % 1_000_003}-${index % 31}`,
      title: `title ${80_000_000 + (index % 10_000)}`,
      device: { os: 'ios', model: 'Pixel 9 Pro', version: `17.${index % 10}.1` },
      duration_ms: 1_000 + (index % 600_000),
      position_ms: index * 17,
      bitrate: 5_800_000,
      buffering: (index % 100) / 8,
      url: 'https://cdn.example.net/v/80012345/segments/000123.m4s?quality=1080p',
      agent: 'Millrace-Player/9.4 (build 20260101)',
      live: index % 3 === 0,
    }),
  );

const select = 'id, ts, kind, country, device.os AS os';
const where = "kind IN ('play', 'stop') AND duration_ms >= 0";

/** CPU microseconds an event: the median of the rounds, after two that warm up. */
function measure(work: (index: number) => void): number {
  const costs: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let index = 0; index < eventCount; index++) work(index);
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) costs.push((user + system) / eventCount);
  }
  return costs.sort((a, b) => a - b)[Math.floor(costs.length / 2)]!;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

await loadParser();
const events = Array.from({ length: eventCount }, (_, index) => eventOf(index));
const out = createByteSink(4_096);
const planned = planRoute({ where, select }, rowOfSchema('avro', avro, null), { validate: 'declared' });
if (!planned.ok) throw new Error(JSON.stringify(planned.problem));
const processor = createProcessor(planned.value);
const route = measure((index) => {
  out.length = 0;
  processor.process(events[index]!, 0, events[index]!.length, out);
});
const objects = measure((index) => void JSON.stringify(JSON.parse(events[index]!.toString())));

function costsOf(declared: DeclaredSchema & { readonly schema: string }): object {
  const write: Transcode = compileWriter(declared);
  const read: Transcode = compileReader(declared, { kind: declared.kind, text: declared.schema, references: [] });
  const written = events.map((event) => {
    out.length = 0;
    write(event, 0, event.length, out);
    return out.bytes.slice(0, out.length);
  });
  const decode = measure((index) => {
    out.length = 0;
    read(written[index]!, 0, written[index]!.length, out);
  });
  const encode = measure((index) => {
    out.length = 0;
    write(events[index]!, 0, events[index]!.length, out);
  });
  const bytes = written.reduce((sum, { length }) => sum + length, 0) / eventCount;
  return { bytes: Math.round(bytes), decode: rounded(decode), encode: rounded(encode) };
}

const json = {
  bytes: Math.round(events.reduce((sum, { length }) => sum + length, 0) / eventCount),
  route: rounded(route),
};
const figures = {
  json: { ...json, parseAndStringify: rounded(objects) },
  avro: costsOf({ kind: 'avro', schema: avro, message: null }),
  protobuf: costsOf({ kind: 'protobuf', schema: protobuf, message: null }),
};
process.stdout.write(`${JSON.stringify({ ok: true, eventCount, rounds, unit: 'CPU µs an event', ...figures })}\n`);
