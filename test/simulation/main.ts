// Simulates the platform under chaos, seed by seed. Usage: npm run sim -- --seeds N [--from N] | --seed N [--explain]; each with M steps: --steps M
// A long range by several processes, going on where it was cut off: npm run sim -- --from N --seeds N --processes N [--resume FILE]
// Or compares worlds after sequences of declarations with fresh ones: npm run sim -- --differential [--runs N] [--seed N]
// One line of JSON on standard output; progress, and with --explain the timeline, on standard error. Exit code 0 only without violations.

import { loadParser } from '#core/expression/index.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { explain } from './explain.ts';
import { howToSee, runLong } from './many-processes.ts';
import { runDifferential } from './run-differential.ts';
import { runSeed } from './run-seed.ts';

const { values } = toolArguments(import.meta.filename, {
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    explain: { type: 'boolean', default: false },
    'stop-at': { type: 'string', default: '20' },
    processes: { type: 'string' },
    resume: { type: 'string' },
    differential: { type: 'boolean', default: false },
    runs: { type: 'string', default: '1000' },
  },
});

const whole = (text: string, name: string): number => {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name}: got ${JSON.stringify(text)}, expected a whole number`);
  process.exit(2);
};

const stepCount = values.steps === undefined ? undefined : whole(values.steps, 'steps');

if (values.processes !== undefined)
  process.exit(
    await runLong({
      ...{ from: whole(values.from, 'from'), seeds: whole(values.seeds, 'seeds'), stepCount, resume: values.resume },
      ...{ processes: Math.max(1, whole(values.processes, 'processes')), stopAt: whole(values['stop-at'], 'stop-at') },
    }),
  );
await loadParser();
if (values.differential)
  process.exit(await runDifferential(whole(values.runs, 'runs'), whole(values.seed ?? '1', 'seed')));
const first = whole(values.seed ?? values.from, values.seed === undefined ? 'from' : 'seed');
const count = values.seed === undefined ? whole(values.seeds, 'seeds') : 1;
const stopAt = whole(values['stop-at'], 'stop-at');
const startedMs = performance.now();
const violations: number[] = [];
let events = 0;
let trials = 0;
let replays = 0;
let done = 0;
let virtualMs = 0;

let current = first;
process.on('unhandledRejection', (error) => {
  console.error(`seed ${current}: an error that nobody handled`, error);
  process.exit(1);
});

for (let seed = first; seed < first + count && violations.length < stopAt; seed++) {
  current = seed;
  const result = await runSeed({ seed, stepCount }).catch((error: unknown) => {
    console.error(`seed ${seed}: the run itself broke`, error);
    return null;
  });
  if (result === null) {
    violations.push(seed);
    continue;
  }
  done++;
  events += result.events;
  trials += result.trials;
  replays += result.replays;
  virtualMs += result.virtualMs;
  if (result.violation) {
    violations.push(seed);
    console.error(`seed ${seed}: ${result.violation.invariant}: ${result.violation.message}`);
    console.error(`  ${howToSee(seed, stepCount)}`);
    if (values.explain) await explain(result, stepCount);
  }
  if (done % 1_000 === 0) console.error(`${done} seeds, ${Math.round(performance.now() - startedMs)} ms`);
}
if (values.explain && violations.length === 0 && count === 1) console.error(`seed ${first} holds`);
const seconds = Number(((performance.now() - startedMs) / 1_000).toFixed(1));
const virtualDays = Number((virtualMs / 86_400_000).toFixed(2));
const ok = violations.length === 0;
console.log(
  JSON.stringify({ seeds: done, from: first, events, trials, replays, violations, ok, seconds, virtualDays }),
);
process.exit(ok ? 0 : 1);
