// Makes a failing run small: steps and kinds of trouble are left out while the same invariant still breaks; what is left is told as a timeline.
import { type CallFault, callFaults } from './network.ts';
import { type RunOptions, type RunResult, runSeed } from './run-seed.ts';

const triesMax = 400;

interface Smaller {
  readonly without: ReadonlySet<number>;
  readonly faults: ReadonlySet<CallFault>;
}

/** Greedy: each step and each kind of trouble is left out for good if the breach stays the same without it. */
export async function shrink(result: RunResult, stepCount: number | undefined): Promise<Smaller> {
  const { seed, violation } = result;
  let smaller: Smaller = { without: new Set(), faults: new Set(callFaults) };
  let tries = 0;
  const stillBreaks = async (candidate: Smaller): Promise<boolean> =>
    tries++ < triesMax &&
    (await runSeed({ seed, stepCount, ...candidate })).violation?.invariant === violation?.invariant;
  for (let changed = true; changed && tries < triesMax; ) {
    changed = false;
    for (const fault of smaller.faults) {
      const candidate = { ...smaller, faults: new Set([...smaller.faults].filter((each) => each !== fault)) };
      if (await stillBreaks(candidate)) [smaller, changed] = [candidate, true];
    }
    for (const { index } of result.steps) {
      if (smaller.without.has(index)) continue;
      const candidate = { ...smaller, without: new Set([...smaller.without, index]) };
      if (await stillBreaks(candidate)) [smaller, changed] = [candidate, true];
    }
  }
  return smaller;
}

/** `stepCount`: as the run was asked for. */
export async function explain(result: RunResult, stepCount?: number): Promise<void> {
  const smaller = await shrink(result, stepCount);
  const lines: string[] = [];
  const options: RunOptions = {
    ...{ seed: result.seed, stepCount, ...smaller },
    tell: (at, actor, line) => lines.push(`${(at / 1_000).toFixed(3).padStart(9)}  ${actor.padEnd(34)} ${line}`),
  };
  const run = await runSeed(options);
  const steps = run.steps.map(({ index, kind, at }) => `${index} ${kind} at ${(at / 1_000).toFixed(1)} s`);
  console.error(`smallest found: steps [${steps.join(', ')}], trouble [${[...smaller.faults].join(', ')}]`);
  for (const line of lines) console.error(line);
  console.error(`${run.violation?.invariant ?? 'holds'}: ${run.violation?.message ?? ''}`);
}
