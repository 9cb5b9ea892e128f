// Runs one program over a filled topic and measures it from outside: time, processor time, memory, first output, correctness.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Content } from './content.ts';
import { Watcher } from './topics.ts';

export interface Figures {
  /** From the start of the process to the last output. */
  readonly eventsPerSecond: number;
  /** From the first output to the last. */
  readonly eventsPerSecondSteady: number;
  /** Of the whole process, its start included. */
  readonly cpuSecondsPerMillion: number;
  /** From the first output to the last. */
  readonly cpuSecondsPerMillionSteady: number;
  readonly rssMiB: number;
  readonly firstOutputMs: number;
}

const ticksPerSecond = 100;
const givesUpMs = 180_000;
const endsWithinMs = 10_000;

/** User and system time of a process, in seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function peakMiB(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(line?.[1] ?? 0) / 1024);
}

export interface Expected {
  readonly broker: string;
  readonly sink: string;
  /** In the source. */
  readonly events: number;
  readonly content: Content;
}

/** Starts a program, waits until all that passes has arrived, looks at it and ends it. Throws when the output is wrong. */
export async function measure(
  start: () => ChildProcess,
  { broker, sink, events, content }: Expected,
): Promise<Figures> {
  const watcher = await Watcher.open(broker, sink);
  const expected = content.count;
  const startedMs = performance.now();
  const child = start();
  const pid = child.pid!;
  const exited = new Promise((resolve) => child.once('close', resolve));
  let first: { readonly atMs: number; readonly cpu: number; readonly count: number } | null = null;
  try {
    for (;;) {
      const count = await watcher.count();
      const atMs = performance.now();
      if (count > 0) first ??= { atMs, cpu: cpuSeconds(pid), count };
      if (count >= expected) break;
      if (child.exitCode !== null)
        throw new Error(`the program ended with code ${child.exitCode} after ${count} of ${expected}`);
      if (atMs - startedMs > givesUpMs) throw new Error(`${count} of ${expected} arrived in ${givesUpMs} ms`);
      await wait(first === null ? 10 : 50);
    }
    const doneMs = performance.now();
    const cpu = cpuSeconds(pid);
    const rssMiB = peakMiB(pid);
    await check(watcher, content);
    const { atMs, cpu: cpuAtFirst, count } = first!;
    const steadyEvents = events * (1 - count / expected);
    return {
      eventsPerSecond: Math.round((events / (doneMs - startedMs)) * 1000),
      eventsPerSecondSteady: Math.round((steadyEvents / (doneMs - atMs)) * 1000),
      cpuSecondsPerMillion: round((cpu / events) * 1e6),
      cpuSecondsPerMillionSteady: round(((cpu - cpuAtFirst) / steadyEvents) * 1e6),
      rssMiB,
      firstOutputMs: Math.round(atMs - startedMs),
    };
  } finally {
    child.kill('SIGTERM');
    await Promise.race([exited, wait(endsWithinMs)]);
    child.kill('SIGKILL');
    await exited;
    await watcher.close();
  }
}

const round = (value: number): number => Number(value.toFixed(2));

/** Each record that the route has to write is there once, to the byte, and no other. */
async function check(watcher: Watcher, expected: Content): Promise<void> {
  const found = new Content();
  let sample = '';
  await watcher.each((value) => {
    found.add(value);
    if (found.count === 1) sample = value.toString();
  });
  if (found.count === expected.count && found.hash === expected.hash) return;
  throw new Error(
    `the output is wrong: ${found.count} records, content ${found.hash}; expected ${expected.count}, ${expected.hash}. ` +
      `The first record: ${sample}`,
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : round((sorted[middle - 1]! + sorted[middle]!) / 2);
}

const figureNames = (runs: readonly Figures[]): readonly (keyof Figures)[] =>
  Object.keys(runs[0]!) as (keyof Figures)[];

export function medianFigures(runs: readonly Figures[]): Figures {
  const medians = figureNames(runs).map((name) => [name, median(runs.map((run) => run[name]))]);
  return Object.fromEntries(medians) as Figures;
}

/** Least and greatest of each figure. */
export function spreadOf(runs: readonly Figures[]): Readonly<Record<keyof Figures, readonly [number, number]>> {
  const spreads = figureNames(runs).map((name) => {
    const values = runs.map((run) => run[name]);
    return [name, [Math.min(...values), Math.max(...values)]];
  });
  return Object.fromEntries(spreads) as Readonly<Record<keyof Figures, readonly [number, number]>>;
}
