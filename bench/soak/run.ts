// A whole platform under load for minutes while its workers and its broker are killed and stopped; then every event is looked for.
// Usage: npm run soak -- --minutes N --mode at-least-once|exactly-once [--rate EVENTS_PER_SECOND] [--seed N]

import type { JobView } from '#core/api/wire.ts';
import { deadLetterTopic } from '#core/names.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { seededRandom } from '#test/support/seeded-random.ts';
import { TestPlatform } from '#test/support/test-platform.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { agrees, waitForEnd } from './catch-up.ts';
import { Faults } from './faults.ts';
import { startLoad } from './load.ts';
import { judge, type Verdict } from './oracle.ts';

const { values: flags } = toolArguments(import.meta.filename, {
  options: {
    minutes: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'exactly-once' },
    rate: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
  },
});
const minutes = Number(flags.minutes);
const rate = Number(flags.rate);
const { mode } = flags;
const tell = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`);

const job = 'soak.out';
const topics = { source: 'soak-in', sink: 'soak-out', deadLetters: deadLetterTopic('default', job) };
/** After the faults are over: the last replacement, its lease, and the backlog. */
const catchUpMs = 360_000;
/** Besides the faults: start, catching up, reading back. Whoever takes longer is stuck, and that is a failure. */
const besidesMs = 300_000 + catchUpMs + 300_000;
const reportMs = 15_000;

const documents = [
  aDeclaration('Stream', topics.source, { partitions: 4 }),
  aDeclaration('Route', 'soak', {
    from: topics.source,
    where: "parity = 'even'",
    to: [{ name: 'out', stream: topics.sink }],
    delivery: { guarantee: mode },
    resources: { workers: 2 },
    // So that there is always somebody to kill: by default workers that are cut off again and again wait before they start.
    health: { restartBudget: { count: 100, per: '1m' } },
  }),
];

/** Every wait ends when the signal is given; the platform is stopped in any case. */
async function main(signal: AbortSignal): Promise<boolean> {
  if (!(minutes > 0) || !(rate > 0) || !['at-least-once', 'exactly-once'].includes(mode))
    throw new Error('expected --minutes and --rate above 0, and --mode at-least-once or exactly-once');
  tell(`starting a platform; seed ${flags.seed}`);
  const platform = TestPlatform.make();
  try {
    await platform.up();
    signal.throwIfAborted();
    await platform.apply(documents);
    return await soak(platform, signal);
  } finally {
    tell('stopping the platform');
    await platform.stop();
  }
}

async function soak(platform: TestPlatform, signal: AbortSignal): Promise<boolean> {
  const load = await startLoad(platform.kafka, topics.source, rate);
  const watch = new Watch(platform, () => `acknowledged ${load.acknowledged.count}`);
  try {
    const { next: random } = seededRandom(Number(flags.seed));
    const over = AbortSignal.any([signal, AbortSignal.timeout(minutes * 60_000)]);
    const faults = new Faults({ platform, job, random, signal: over, tell });
    await faults.run();
    signal.throwIfAborted();
    await load.stop();
    tell(`${load.acknowledged.count} events acknowledged, ${faults.count} faults; waiting for the job to catch up`);
    const caughtUp = await waitForEnd({ platform, job, withinMs: catchUpMs, signal, tell });
    const verdict = await judge({
      broker: platform.kafka,
      topics,
      acknowledged: load.acknowledged.numbers,
      signal,
      tell,
    });
    return report(verdict, caughtUp, faults, watch);
  } finally {
    watch.stop();
  }
}

/** Tells how far the job is, and remembers the longest time in which its account did not grow. */
class Watch {
  standstillMs = 0;
  #accounted = -1;
  #grewMs = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(platform: TestPlatform, more: () => string) {
    this.#timer = setInterval(() => {
      void platform
        .job(job)
        .then(({ status }) => {
          this.#note(status.accounting.in);
          return `accounted ${status.accounting.in}, ${status.phase}: ${status.message}`;
        })
        .catch((error: unknown) => String(error))
        .then((state) => tell(`${more()}, ${state}`));
    }, reportMs);
  }

  #note(accounted: number): void {
    const nowMs = performance.now();
    if (accounted !== this.#accounted) this.#grewMs = nowMs;
    this.#accounted = accounted;
    this.standstillMs = Math.max(this.standstillMs, Math.round(nowMs - this.#grewMs));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function report(verdict: Verdict, end: JobView | null, faults: Faults, { standstillMs }: Watch): boolean {
  const { records, vanished, lost, duplicated, disordered } = verdict;
  const accounting = end?.status.accounting ?? null;
  const balanced = end !== null && agrees(end, verdict);
  const isExact = mode === 'at-least-once' || (duplicated === 0 && disordered === 0);
  const ok = end !== null && records > 0 && faults.count > 0 && lost === 0 && isExact && balanced && vanished === 0;
  const line = { minutes, faults: faults.count, records, lost, duplicated, mode, ok };
  const more = { disordered, vanished, balanced, accounting, kinds: faults.counts, standstillMs };
  process.stdout.write(`${JSON.stringify({ ...line, ...more, rate, seed: Number(flags.seed) })}\n`);
  return ok;
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
const tooLate = new AbortController();
setTimeout(() => tooLate.abort(new Error('took too long')), minutes * 60_000 + besidesMs).unref();

main(AbortSignal.any([interrupted.signal, tooLate.signal])).then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.stdout.write(`${JSON.stringify({ minutes, mode, ok: false })}\n`);
    process.exit(1);
  },
);
