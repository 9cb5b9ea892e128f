// What one event costs: our processor over its bytes, and JSON.parse + filter + JSON.stringify for the same work, in one run.
import { spawnSync } from 'node:child_process';
import { createByteSink, createProcessor, loadParser, planRoute, type RowType } from '#core/expression/index.ts';

const eventCount = 20_000;
const rounds = Number(process.argv[2] ?? 9);

const where = `type IN ('play','stop') AND device.os LIKE 'i%'`;
const select = 'id, ts, country, device.os AS os, "durationMs"';
const computedSelect = `${select}, upper(country) AS cc, "durationMs" / 1000.0 AS seconds`;

const scalar = (type: 'text' | 'bigint' | 'timestamptz' | 'boolean' | 'double precision') =>
  ({ kind: 'scalar', type }) as const;
const row: RowType = [
  { name: 'id', type: scalar('text') },
  { name: 'ts', type: scalar('timestamptz') },
  { name: 'type', type: scalar('text') },
  { name: 'country', type: scalar('text') },
  { name: 'device', type: { kind: 'object', fields: [{ name: 'os', type: scalar('text') }] } },
  { name: 'durationMs', type: scalar('bigint') },
];

/** About 500 bytes and 15 fields; half of them pass the filter. */
function makeEvent(index: number): string {
  const passes = index % 2 === 0;
  return JSON.stringify({
    id: `evt-${String(index).padStart(12, '0')}-4c1f-9a77`,
    ts: new Date(1_767_225_600_000 + index * 37).toISOString(),
    type: passes ? (index % 4 === 0 ? 'play' : 'stop') : index % 4 === 1 ? 'browse' : 'play',
    profile: `profile-${index % 977}`,
    country: ['US', 'DE', 'BR', 'JP'][index % 4],
    device: {
      os: passes ? 'ios' : 'android',
      model: 'Pixel 9 Pro',
      version: `17.${index % 10}.1`,
      screen: '1179x2556',
    },
    durationMs: 1_000 + (index % 600_000),
    titleId: 80_000_000 + (index % 10_000),
    bitrate: 5_800.25,
    session: `s-${(index * 7919) % 1_000_003}-${index % 31}`,
    live: index % 3 === 0,
    tags: ['autoplay', 'row-3', 'kids'],
    url: 'https://cdn.example.net/v/80012345/segments/000123.m4s?quality=1080p',
    agent: 'Millrace-Player/9.4 (build 20260101)',
    seq: index,
  });
}

interface Batch {
  readonly bytes: Uint8Array;
  readonly ends: Int32Array;
}

function makeBatch(): Batch {
  const encoder = new TextEncoder();
  const events = Array.from({ length: eventCount }, (_, index) => encoder.encode(makeEvent(index)));
  const bytes = new Uint8Array(events.reduce((sum, event) => sum + event.length, 0));
  const ends = new Int32Array(eventCount);
  let at = 0;
  for (const [index, event] of events.entries()) {
    bytes.set(event, at);
    at += event.length;
    ends[index] = at;
  }
  return { bytes, ends };
}

type Run = (batch: Batch) => { readonly passedCount: number; readonly outBytes: number };

function ours(selected: string | null, declared: RowType | null): Run {
  const planned = planRoute(selected === null ? { where } : { where, select: selected }, declared);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problem));
  const processor = createProcessor(planned.value);
  const out = createByteSink(1 << 20);
  return ({ bytes, ends }) => {
    let start = 0;
    let passedCount = 0;
    let outBytes = 0;
    for (let index = 0; index < ends.length; index++) {
      const end = ends[index]!;
      if (processor.process(bytes, start, end, out) === 0) passedCount++;
      outBytes += out.length;
      out.length = 0;
      start = end;
    }
    return { passedCount, outBytes };
  };
}

interface Event {
  readonly id: string;
  readonly ts: string;
  readonly type: string;
  readonly country: string;
  readonly device: { readonly os: string };
  readonly durationMs: number;
}

const parseFilterStringify: Run = ({ bytes, ends }) => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let start = 0;
  let passedCount = 0;
  let outBytes = 0;
  for (let index = 0; index < ends.length; index++) {
    const event = JSON.parse(buffer.toString('utf8', start, ends[index]!)) as Event;
    start = ends[index]!;
    if ((event.type !== 'play' && event.type !== 'stop') || !event.device.os.startsWith('i')) continue;
    passedCount++;
    const { id, ts, country, durationMs } = event;
    outBytes += Buffer.from(JSON.stringify({ id, ts, country, os: event.device.os, durationMs })).length;
  }
  return { passedCount, outBytes };
};

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)]!;
}

type Name = 'project' | 'projectTyped' | 'projectComputed' | 'filterOnly' | 'parseFilterStringify';
const makers: Readonly<Record<Name, () => Run>> = {
  project: () => ours(select, null),
  projectTyped: () => ours(select, row),
  projectComputed: () => ours(computedSelect, row),
  filterOnly: () => ours(null, null),
  parseFilterStringify: () => parseFilterStringify,
};

function measure(run: Run, batch: Batch): number {
  const times: number[] = [];
  for (let round = 0; round < rounds + 3; round++) {
    const startedAt = process.hrtime.bigint();
    run(batch);
    times.push(Number(process.hrtime.bigint() - startedAt) / eventCount);
  }
  return median(times.slice(3));
}

interface Measured {
  readonly nanos: number;
  readonly passedCount: number;
  readonly outBytes: number;
}

/** Each in a process of its own, because a worker runs one program and nothing else. */
function measureApart(name: Name): Measured {
  const child = spawnSync(process.execPath, [import.meta.filename, String(rounds), name], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as Measured;
}

await loadParser();
const only = process.argv[3] as Name | undefined;
if (only !== undefined) {
  const [run, batch] = [makers[only](), makeBatch()];
  process.stdout.write(JSON.stringify({ ...run(batch), nanos: measure(run, batch) }));
} else {
  const passes = Array.from({ length: 3 }, () =>
    Object.fromEntries((Object.keys(makers) as Name[]).map((name) => [name, measureApart(name)])),
  );
  const names = Object.keys(makers) as Name[];
  const nanosPerEvent = Object.fromEntries(
    names.map((name) => [name, Math.round(median(passes.map((pass) => pass[name]!.nanos)))]),
  ) as Record<Name, number>;
  for (const name of names) process.stderr.write(`${name.padEnd(24)} ${nanosPerEvent[name]} ns/event\n`);
  const [first] = passes as [Record<Name, Measured>];
  const ok =
    first.project.outBytes === first.parseFilterStringify.outBytes &&
    names.every((name) => first[name].passedCount === eventCount / 2);
  const ratio = Number((nanosPerEvent.parseFilterStringify / nanosPerEvent.project).toFixed(2));
  const eventBytes = Math.round(makeBatch().bytes.length / eventCount);
  const settings = { eventCount, rounds, passes: passes.length, eventBytes, node: process.version };
  process.stdout.write(`${JSON.stringify({ ok, nanosPerEvent, ratio, ...settings })}\n`);
  process.exitCode = ok ? 0 : 1;
}
