// The soak's events: numbered, most pass the route, some are filtered, some are no JSON; and what each became.
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners, type Producer } from '#adapters/kafka/kafkajs.ts';

export type Fate = 'passes' | 'filtered' | 'broken';

const keys = 97;
const batchEvents = 100;

const fateOf = (n: number): Fate => (n % 101 === 0 ? 'broken' : n % 2 === 0 ? 'passes' : 'filtered');

export const keyOf = (n: number): string => `k${n % keys}`;

const textOf = (n: number): string =>
  fateOf(n) === 'broken'
    ? `broken ${n}`
    : JSON.stringify({ n, parity: n % 2 === 0 ? 'even' : 'odd', text: `event number ${n}` });

/** The number and the fate of a source's record, from its bytes alone. */
export function readEvent(value: Uint8Array): { readonly n: number; readonly fate: Fate } {
  const text = Buffer.from(value).toString();
  const n = text.startsWith('broken ') ? Number(text.slice(7)) : (JSON.parse(text) as { n: number }).n;
  return { n, fate: fateOf(n) };
}

export interface SoakLoad {
  readonly acknowledged: { readonly count: number; readonly numbers: readonly number[] };
  stop(): Promise<void>;
}

/** acks=all. A batch that failed may be in the source all the same: what is there decides, not what was sent. */
export async function startLoad(broker: string, topic: string, perSecond: number): Promise<SoakLoad> {
  const kafka = new Kafka({
    clientId: 'soak-load',
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 },
  });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const stopping = new AbortController();
  const acknowledged = { count: 0, numbers: [] as number[] };
  const running = produce(producer, topic, perSecond, acknowledged, stopping.signal);
  return {
    acknowledged,
    stop: async () => {
      stopping.abort();
      await running;
      await producer.disconnect();
    },
  };
}

async function produce(
  producer: Producer,
  topic: string,
  perSecond: number,
  acknowledged: { count: number; numbers: number[] },
  signal: AbortSignal,
): Promise<void> {
  const startedMs = performance.now();
  for (let next = 0; !signal.aborted; ) {
    const batch = Array.from({ length: batchEvents }, () => next++);
    const messages = batch.map((n) => ({ key: keyOf(n), value: textOf(n) }));
    const sent = await producer.send({ topic, acks: -1, messages }).then(
      () => true,
      () => false,
    );
    if (sent) {
      acknowledged.count += batch.length;
      acknowledged.numbers.push(...batch);
    }
    const dueMs = (next / perSecond) * 1_000 - (performance.now() - startedMs);
    if (dueMs > 0) await sleep(dueMs, undefined, { signal }).catch(() => {});
  }
}
