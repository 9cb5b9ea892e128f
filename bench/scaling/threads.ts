// Does a worker use the processors it is given? Its data threads over a broker inside each of them: all of a worker but sockets.

import { readdirSync, readFileSync } from 'node:fs';
import { loadParser } from '#core/expression/index.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { openHere } from '#workers/path-host.ts';
import type { SplitReport } from '#workers/path-messages.ts';
import { Paths } from '#workers/paths.ts';
import { openThreads } from '#workers/threads.ts';
import { endlessLease, goalOf, partsOf, splitRecordsOf } from './run-path.ts';
import { brokerOf, recordSet, threadLoad } from './thread-load.ts';
import '#workers/tune-runtime.ts';

const { values: flags } = toolArguments(import.meta.filename, {
  options: {
    events: { type: 'string', default: '1000000' },
    threads: { type: 'string', default: '0,1,2' },
    runs: { type: 'string', default: '3' },
  },
});
const lookMs = 20;
const ticksPerSecond = 100;

interface Line {
  /** 0: everything in the main thread, as with one processor. */
  readonly threads: number;
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  /** Of the data thread that had the most to do. Where each had a processor to itself, it would have taken so long. */
  readonly busiestThreadCpuSecondsPerMillion: number;
}

/** Processor seconds by thread of this process, as the kernel counts them. */
function cpuByThread(): ReadonlyMap<string, number> {
  const of = (id: string): number => {
    const fields = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  };
  return new Map(readdirSync('/proc/self/task').map((id) => [id, of(id)]));
}

function die(number: number, reason: unknown): never {
  process.stderr.write(`thread ${number} died: ${String(reason)}\n`);
  process.exit(1);
}

const set = recordSet();

async function measure(threads: number): Promise<Line> {
  const { partitions } = threadLoad;
  const sets = Math.ceil(Number(flags.events) / (set.records * partitions));
  const end = set.records * sets;
  process.env['BENCH_SETS'] = String(sets);
  const goal = { ...goalOf(threadLoad), resources: { workers: 1, cpu: Math.max(1, threads), memoryMiB: 2_048 } };
  const lease = endlessLease();
  const splits = new Map<string, SplitReport>();
  const entry = new URL('./data-thread-main.ts', import.meta.url);
  const open =
    threads === 0
      ? [openHere(partsOf(goal, brokerOf(set, sets)), lease)]
      : openThreads(threads, { entry, goal, lease, onDeath: die });
  const paths = new Paths(open, {
    onSplits: (_path, reports) => {
      for (const report of reports) splits.set(report.name, report);
    },
    onLeft: () => {},
    onFenced: () => {},
  });
  paths.postAll({ kind: 'open' });
  await paths.look();
  const [beforeMs, beforeCpu] = [performance.now(), cpuByThread()];
  for (const [index, record] of splitRecordsOf(threadLoad).entries())
    paths.post(index % paths.count, { kind: 'take', record });
  const isDone = (): boolean =>
    splits.size === partitions && [...splits.values()].every(({ durable }) => durable.position === end);
  for (; !isDone(); await paths.look()) await new Promise((resolve) => setTimeout(resolve, lookMs));
  const seconds = (performance.now() - beforeMs) / 1_000;
  const spent = [...cpuByThread()].map(([id, cpu]) => cpu - (beforeCpu.get(id) ?? 0));
  await paths.close();
  const events = end * partitions;
  const perMillion = (value: number): number => Number(((value / events) * 1e6).toFixed(3));
  return {
    ...{ threads, events, eventsPerSecond: Math.round(events / seconds) },
    cpuSecondsPerMillion: perMillion(spent.reduce((sum, cpu) => sum + cpu, 0)),
    busiestThreadCpuSecondsPerMillion: perMillion(Math.max(...spent)),
  };
}

await loadParser();
const lines: Line[] = [];
for (const threads of flags.threads.split(',').map(Number))
  for (let run = 0; run < Number(flags.runs); run++) {
    lines.push(await measure(threads));
    process.stderr.write(`${JSON.stringify(lines.at(-1))}\n`);
  }
process.stdout.write(`${JSON.stringify({ lines, partitions: threadLoad.partitions, ok: true })}\n`);
process.exit(0);
