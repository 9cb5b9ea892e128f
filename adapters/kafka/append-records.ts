// Appends records with an outcome for each: batches per partition, in order, idempotent, split when refused.
import { initProducerIdV4, NumericMap, produceV9 } from '@platformatic/kafka';
import { isPlatformError, unavailable } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { partitionOfKey } from '#core/partition-of-key.ts';
import type { AppendOutcome, RecordLog } from '#core/ports/record-log.ts';
import type { Durability } from '#core/spec/stream-spec.ts';
import { callMsDefault, explanationOf, hasCode, kafkaCodes, keepTrying, topicMissing } from './attempts.ts';
import { KafkaConnections, type KafkaOptions, type TopicMetadata } from './connections.ts';

type AppendRecord = Parameters<RecordLog['append']>[1][number];

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly durability: Durability;
}

/** A record with its place in the caller's list. */
interface Pending {
  readonly index: number;
  readonly key: Buffer | undefined;
  readonly value: Buffer | null;
  readonly bytes: number;
}

/**
 * An idempotent producer's id; the broker drops a batch that it has seen under the same number. A cluster that starts
 * empty gives the same ids out again, so a session is not carried over to it: its batches could be taken for another's.
 */
interface Session {
  readonly clusterId: string | null;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** `<topic id>:<partition>` → number of the next record. */
  readonly sequences: Map<string, number>;
}

type BatchOutcome =
  | { readonly kind: 'appended'; readonly first: bigint }
  | Extract<AppendOutcome, { readonly kind: 'refused' }>;

const acks: Readonly<Record<Durability, number>> = { durable: -1, available: 1 };
const brokerWaitMs = 5_000;
const transactionTimeoutMs = 60_000;
/** A session is given up well before its 31-bit numbers end. */
const sequenceMax = 2 ** 30;
const recordOverheadBytes = 32;
const batchRefusals = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP'];
const lostSession = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH'];

/** Owns its connections and its producer id. Batches of one partition go one after the other, also across calls. */
export class RecordAppender {
  readonly #connections: KafkaConnections;
  readonly #callMs: number;
  readonly #queues = new Map<string, Promise<unknown>>();
  #session: Promise<Session> | null = null;
  #turn = 0;

  constructor(options: KafkaOptions) {
    this.#connections = new KafkaConnections(options);
    this.#callMs = options.callMs ?? callMsDefault;
  }

  async append(
    topic: string,
    records: readonly AppendRecord[],
    durability: Durability = 'durable',
  ): Promise<readonly AppendOutcome[]> {
    if (records.length === 0) return [];
    const metadata = await keepTrying(this.#callMs, `append to ${topic}`, () => this.#metadata(topic));
    const outcomes: AppendOutcome[] = new Array(records.length);
    const byPartition = new Map<number, Pending[]>();
    for (const [index, record] of records.entries()) {
      const refused = refusalOf(record);
      if (refused !== null) outcomes[index] = refused;
      else pushTo(byPartition, this.#partitionOf(record, metadata.partitions.length), pendingOf(record, index));
    }
    await Promise.all(
      [...byPartition].map(([partition, pending]) =>
        this.#inTurn(`${topic}:${partition}`, () =>
          this.#appendAll({ topic, partition, durability }, pending, outcomes),
        ),
      ),
    );
    return outcomes;
  }

  #partitionOf({ key }: AppendRecord, partitionCount: number): number {
    return key === null ? this.#turn++ % partitionCount : partitionOfKey(key, 0, key.length, partitionCount);
  }

  async #inTurn(queue: string, work: () => Promise<void>): Promise<void> {
    const mine = (this.#queues.get(queue) ?? Promise.resolve()).then(work);
    this.#queues.set(queue, mine);
    try {
      await mine;
    } finally {
      if (this.#queues.get(queue) === mine) this.#queues.delete(queue);
    }
  }

  async #appendAll(place: Place, pending: Pending[], outcomes: AppendOutcome[]): Promise<void> {
    const { partition } = place;
    const left = batchesOf(pending);
    for (let batch = left.shift(); batch !== undefined; batch = left.shift()) {
      const settle = (records: readonly Pending[], outcomeAt: (at: number) => AppendOutcome) => {
        for (const [at, { index }] of records.entries()) outcomes[index] = outcomeAt(at);
      };
      try {
        const outcome = await this.#appendBatch(place, batch);
        if (outcome.kind === 'appended') {
          const { first } = outcome;
          settle(batch, (at) => ({ kind: 'appended', partition, offset: String(first + BigInt(at)) }));
        } else if (batch.length > 1) left.unshift(...halvesOf(batch));
        else settle(batch, () => outcome);
      } catch (error) {
        // What follows in the partition is not tried: it would wait as long, and for nothing.
        settle([...batch, ...left.splice(0).flat()], () => refusedBy(error));
      }
    }
  }

  /** A batch is refused whole for something in it. What this throws leaves open whether the batch was appended. */
  async #appendBatch({ topic, partition, durability }: Place, batch: readonly Pending[]): Promise<BatchOutcome> {
    // The library's type knows no null value; its code writes one.
    const messages = batch.map(({ key, value }) => ({ topic, partition, ...(key && { key }), value: value as Buffer }));
    let session: Session | null = null;
    try {
      return await keepTrying(this.#callMs, `append to ${topic}`, async () => {
        const { topicId, partitions } = await this.#metadata(topic);
        if (session === null || session.clusterId !== this.#connections.clusterId) session = await this.#openSession();
        const { producerId, producerEpoch, sequences } = session;
        const next = sequences.get(`${topicId}:${partition}`) ?? 0;
        const numbers = new NumericMap([[`${topic}:${partition}`, next]]);
        try {
          const leader = partitions.find((each) => each.partition === partition)?.leader ?? -1;
          const options = { producerId, producerEpoch, sequences: numbers };
          const first = await this.#produce(leader, acks[durability], messages, options);
          sequences.set(`${topicId}:${partition}`, next + batch.length);
          return { kind: 'appended', first };
        } catch (error) {
          if (hasCode(error, ...lostSession)) session = this.#dropSession();
          const refused = batchRefusal(error);
          if (refused === null) throw error;
          return refused;
        }
      });
    } catch (error) {
      // Whether the broker has counted the batch is not known: the next one starts under a new id.
      this.#dropSession();
      throw error;
    }
  }

  async #produce(
    leader: number,
    acknowledgements: number,
    messages: produceV9.ProduceRequest[2],
    options: NonNullable<produceV9.ProduceRequest[3]>,
  ): Promise<bigint> {
    const answer = await this.#connections.askNode(leader, (connection) =>
      produceV9.api.async(connection, acknowledgements, brokerWaitMs, messages, options),
    );
    if (typeof answer === 'boolean') throw new Error('no answer was asked for');
    return answer.responses[0]!.partitionResponses[0]!.baseOffset;
  }

  async #metadata(topic: string): Promise<TopicMetadata> {
    const metadata = await this.#connections.topic(topic);
    if (metadata === null) throw topicMissing(topic, 'user');
    return metadata;
  }

  /** The current one, or a new one where there is none, or none for this cluster, or where its numbers come to an end. */
  async #openSession(): Promise<Session> {
    const current = await this.#session?.catch(() => null);
    const { clusterId } = this.#connections;
    const isUsable =
      current?.clusterId === clusterId && [...current.sequences.values()].every((next) => next < sequenceMax);
    if (current && isUsable) return current;
    this.#session = this.#initSession(clusterId);
    return await this.#session;
  }

  async #initSession(clusterId: string | null): Promise<Session> {
    const { producerId, producerEpoch } = await this.#connections.askAny((connection) =>
      initProducerIdV4.api.async(connection, null, transactionTimeoutMs, -1n, -1),
    );
    return { clusterId, producerId, producerEpoch, sequences: new Map() };
  }

  #dropSession(): null {
    this.#session = null;
    return null;
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }
}

const bytesOf = ({ key, value }: AppendRecord): number => (key?.length ?? 0) + (value?.length ?? 0);

const pendingOf = (record: AppendRecord, index: number): Pending => ({
  index,
  key: record.key === null ? undefined : asBuffer(record.key),
  value: record.value === null ? null : asBuffer(record.value),
  bytes: bytesOf(record) + recordOverheadBytes,
});

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function refusalOf(record: AppendRecord): AppendOutcome | null {
  const keyBytes = record.key?.length ?? 0;
  if (keyBytes > limits.recordKeyBytesMax) return tooLarge('key', keyBytes, limits.recordKeyBytesMax);
  if (bytesOf(record) > limits.recordBytesMax) return tooLarge('record', bytesOf(record), limits.recordBytesMax);
  return null;
}

const tooLarge = (what: 'key' | 'record', bytes: number, bytesMax: number): AppendOutcome => ({
  kind: 'refused',
  code: `${what}-too-large`,
  message: `the ${what} has ${bytes} bytes; at most ${bytesMax} are taken. Make it smaller, or send a reference to it.`,
});

function refusedBy(error: unknown): AppendOutcome {
  const { code, message } = isPlatformError(error) ? error : unavailable('kafka', error);
  const unsure = code === 'kafka-unavailable' ? ' The record may or may not have been appended.' : '';
  return { kind: 'refused', code, message: message + unsure };
}

function batchRefusal(error: unknown): Extract<AppendOutcome, { readonly kind: 'refused' }> | null {
  const code = kafkaCodes(error).find((each) => batchRefusals.includes(each));
  if (code === undefined) return null;
  return code.endsWith('TOO_LARGE')
    ? {
        kind: 'refused',
        code: 'record-too-large',
        message: 'the record is larger than the topic takes (max.message.bytes)',
      }
    : {
        kind: 'refused',
        code: 'record-refused',
        message: `kafka refused the record (${code}): ${explanationOf(error)}`,
      };
}

function pushTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function batchesOf(pending: readonly Pending[]): Pending[][] {
  const batches: Pending[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const record of pending) {
    bytes += record.bytes;
    if (bytes > limits.produceBatchBytesMax) {
      batches.push([]);
      bytes = record.bytes;
    }
    batches.at(-1)!.push(record);
  }
  return batches;
}

function halvesOf(batch: readonly Pending[]): [Pending[], Pending[]] {
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
}
