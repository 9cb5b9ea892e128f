// What is done to the platform during a soak: workers and the broker are killed, workers are stopped and wake up again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPlatform } from '#test/support/test-platform.ts';

export type FaultKind = 'killWorker' | 'stopWorker' | 'killBroker';

export type FaultCounts = Record<FaultKind, number>;

export interface FaultOptions {
  readonly platform: TestPlatform;
  readonly job: string;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** Faults come with rests of this length between them. */
const restMs = { min: 2_000, max: 6_000 };
/** From a hiccup to several leases: whoever wakes after the longest has been replaced. */
const stopMs = { min: 200, max: 14_000 };
/** One broker's restart takes about 5 s, and nothing else can be tried during it. */
const brokerEveryMs = 25_000;

const between = ({ min, max }: { min: number; max: number }, random: () => number): number =>
  Math.round(min + (max - min) * random());

export class Faults {
  readonly counts: FaultCounts = { killWorker: 0, stopWorker: 0, killBroker: 0 };
  readonly #options: FaultOptions;
  readonly #stopped = new Set<number>();
  #brokerMs = performance.now();

  constructor(options: FaultOptions) {
    this.#options = options;
  }

  get count(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Until the signal is given; whoever is stopped then is woken. */
  async run(): Promise<void> {
    const { random, signal, tell } = this.#options;
    while (!signal.aborted) {
      await sleep(between(restMs, random), undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      await this.#one().catch((error: unknown) => tell(`no fault this time: ${String(error)}`));
    }
    for (const pid of this.#stopped) this.#wake(pid);
  }

  async #one(): Promise<void> {
    const { platform, random, tell } = this.#options;
    if (performance.now() - this.#brokerMs > brokerEveryMs && random() < 0.3) {
      this.#brokerMs = performance.now();
      platform.kill('kafka');
      this.counts.killBroker++;
      tell('kill -9 of the broker');
      return;
    }
    const pid = await this.#anyWorker();
    if (pid === null) return;
    if (random() < 0.6) {
      process.kill(pid, 'SIGKILL');
      this.counts.killWorker++;
      tell(`kill -9 of worker ${pid}`);
    } else this.#stop(pid);
  }

  #stop(pid: number): void {
    const { random, signal, tell } = this.#options;
    const ms = between(stopMs, random);
    process.kill(pid, 'SIGSTOP');
    this.counts.stopWorker++;
    this.#stopped.add(pid);
    tell(`worker ${pid} stands still for ${ms} ms`);
    void sleep(ms, undefined, { signal })
      .catch(() => {})
      .then(() => this.#wake(pid));
  }

  #wake(pid: number): void {
    if (!this.#stopped.delete(pid)) return;
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It was killed meanwhile.
    }
  }

  /** One that works: who is killed at each start is no worker that dies, but one that cannot start, and is given pauses. */
  async #anyWorker(): Promise<number | null> {
    const { platform, job, random } = this.#options;
    const { workers } = (await platform.job(job)).status;
    const pids = workers.flatMap(({ pid, state }) => (pid !== null && state === 'running' ? [pid] : []));
    const awake = pids.filter((pid) => !this.#stopped.has(pid));
    return awake[Math.floor(random() * awake.length)] ?? null;
  }
}
