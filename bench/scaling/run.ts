// Does cost grow linearly? Processor time of a worker's data path over record size, fields, partitions and routes.
import { toolArguments } from '#test/support/tool-arguments.ts';
import { type Cost, type Load, runPaths } from './run-path.ts';
import '#workers/tune-runtime.ts';

const { values: flags } = toolArguments(import.meta.filename, {
  options: { megabytes: { type: 'string', default: '200' }, rounds: { type: 'string', default: '3' } },
});
const bytesPerCase = Number(flags.megabytes) * 1024 * 1024;
const rounds = Number(flags.rounds);

/** Of about so many bytes: thirty fields at most, the rest in values that grow. */
function eventsOf(bytes: number, fields = 10): readonly string[] {
  const filler = Math.max(4, Math.floor(bytes / fields) - 10);
  return Array.from({ length: 64 }, (_, index) =>
    JSON.stringify(
      Object.fromEntries(
        Array.from({ length: fields }, (_each, field) => [
          `f${field}`,
          `${(index * 31 + field) % 10}`.padEnd(filler, 'abcdefghij'),
        ]),
      ),
    ),
  );
}

const base: Omit<Load, 'events' | 'recordsMin'> = {
  expressions: { where: "f0 < '5'", select: 'f0, f1' },
  row: null,
  partitions: 4,
  routes: 1,
  compression: 'none',
};

interface Case {
  readonly of: string;
  readonly value: number;
  readonly load: Load;
}

function aCase(of: string, value: number, bytes: number, change: Partial<Load> = {}): Case {
  const events = change.events ?? eventsOf(bytes);
  return { of, value, load: { ...base, events, recordsMin: Math.ceil(bytesPerCase / events[0]!.length), ...change } };
}

const names = (count: number): string => Array.from({ length: count }, (_, field) => `f${field}`).join(', ');

const cases: readonly Case[] = [
  ...[100, 500, 5_000, 100_000].map((bytes) => aCase('record bytes', bytes, bytes)),
  ...[1, 5, 10, 20, 30].map((count) =>
    aCase('fields used', count, 600, {
      events: eventsOf(600, 30),
      expressions: { where: "f0 < '5'", select: names(count) },
    }),
  ),
  ...[1, 4, 16, 64].map((partitions) => aCase('partitions', partitions, 500, { partitions })),
  ...[1, 2, 4, 8].map((routes) => aCase('routes', routes, 500, { routes })),
];

interface Line {
  readonly of: string;
  readonly value: number;
  readonly bytesPerRecord: number;
  /** A record that passes several routes counts once for each: a route is a job of its own. */
  readonly microsPerRecord: number;
  readonly nanosPerByte: number;
}

/** The least of several rounds: what disturbs a run only adds to it. */
async function measured({ of, value, load }: Case): Promise<Line> {
  const costs: Cost[] = [];
  for (let round = 0; round < rounds; round++) costs.push(await runPaths(load));
  const { records, bytes } = costs[0]!;
  const micros = Math.min(...costs.map(({ cpuSeconds }) => cpuSeconds)) * 1e6;
  const line = {
    of,
    value,
    bytesPerRecord: Math.round(bytes / records),
    microsPerRecord: Number((micros / records).toFixed(3)),
    nanosPerByte: Number(((micros / bytes) * 1e3).toFixed(2)),
  };
  process.stderr.write(`${JSON.stringify(line)}\n`);
  return line;
}

const lines: Line[] = [];
// The first case also warms the compiler up, so it is run once for nothing.
await runPaths(cases[0]!.load);
for (const each of cases) lines.push(await measured(each));
process.stdout.write(`${JSON.stringify({ lines, megabytes: Number(flags.megabytes), rounds, ok: true })}\n`);
process.exit(0);
