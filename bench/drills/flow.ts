// Whether records keep arriving: the longest time in which none did, of each topic, seen from the broker alone.
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from '#adapters/kafka/kafkajs.ts';

const lookEveryMs = 100;

/**
 * Reads the ends of topics again and again; works with API and goal store down. A transaction's records count when they are
 * written. What it cannot ask the broker counts as standing still.
 */
export class Flow {
  readonly #topics: readonly string[];
  readonly #seen = new Map<string, { end: number; grewMs: number }>();
  readonly #longest = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(broker: string, topics: readonly string[]) {
    this.#topics = topics;
    this.#running = this.#watch(broker);
  }

  /** In ms, by topic, since the last call; what a topic stands still for now counts as far as it has come. */
  takeLongest(): Readonly<Record<string, number>> {
    const now = performance.now();
    const taken = Object.fromEntries(
      this.#topics.map((topic) => {
        const standing = now - (this.#seen.get(topic)?.grewMs ?? now);
        return [topic, Math.round(Math.max(this.#longest.get(topic) ?? 0, standing))];
      }),
    );
    this.#longest.clear();
    return taken;
  }

  endOf(topic: string): number {
    return this.#seen.get(topic)?.end ?? 0;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #watch(broker: string): Promise<void> {
    const { signal } = this.#stopping;
    const retry = { retries: 1 };
    const kafka = new Kafka({ clientId: 'drill-flow', brokers: [broker], logLevel: logLevel.NOTHING, retry });
    const admin = kafka.admin();
    while (!signal.aborted) {
      const ends = await admin
        .connect()
        .then(() => Promise.all(this.#topics.map((topic) => admin.fetchTopicOffsets(topic))))
        .catch(() => []);
      for (const [index, partitions] of ends.entries()) {
        const end = partitions.reduce((sum, { high }) => sum + Number(high), 0);
        this.#note(this.#topics[index]!, end);
      }
      await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
    }
    await admin.disconnect().catch(() => {});
  }

  #note(topic: string, end: number): void {
    const now = performance.now();
    const seen = this.#seen.get(topic);
    if (seen !== undefined && seen.end === end) return;
    if (seen !== undefined) this.#longest.set(topic, Math.max(this.#longest.get(topic) ?? 0, now - seen.grewMs));
    this.#seen.set(topic, { end, grewMs: now });
  }
}
