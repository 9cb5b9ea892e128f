// Reads a topic's records without a consumer group: all partitions, committed records only, as fast as they are taken.
import { isPlatformError, PlatformError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { LogRecord, ReadRequest } from '#core/ports/record-log.ts';
import { attributeBits } from '#core/record-batch/batch-format.ts';
import { callMsDefault, keepTrying, topicMissing } from './attempts.ts';
import { type Batch, holdsBatch, UnreadableBatch } from './batches.ts';
import { committedRecords } from './committed-records.ts';
import { KafkaConnections, type KafkaOptions, type TopicMetadata } from './connections.ts';
import { type FetchedPartition, fetchFrom } from './fetch.ts';
import { byLeader, earliestOffset, isolationLevels, latestOffset, listOffsets } from './offsets.ts';

/** How long the broker holds a fetch that has nothing to give. */
const fetchWaitMs = 500;
/** How often new partitions are looked for while following. */
const refreshMs = 5_000;
const clientIsClosed = 'kafka-client-closed';

interface ReadPartition {
  readonly partition: number;
  leader: number;
  /** The next offset to read. */
  position: bigint;
  /** Where reading ends; null where it does not. */
  readonly end: bigint | null;
}

interface Fetched {
  readonly state: ReadPartition;
  readonly answer: FetchedPartition;
}

export async function* readTopic(options: KafkaOptions, request: ReadRequest): AsyncGenerator<LogRecord, void> {
  const { signal } = request;
  // A connection of its own: a fetch that waits at the broker would hold up other requests.
  const reader = new TopicReader(options, request);
  const stop = () => void reader.close();
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) return;
    await reader.begin();
    while (!reader.isAtEnd()) {
      for (const fetched of await reader.fetch()) {
        for (const record of reader.take(fetched)) {
          yield record;
          if (signal.aborted) return;
        }
      }
    }
  } catch (error) {
    if (!(signal.aborted && isPlatformError(error) && error.code === clientIsClosed)) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await reader.close();
  }
}

function firstOf(
  from: ReadRequest['from'],
  partition: number,
  { earliest, end, found }: { readonly earliest: bigint; readonly end: bigint; readonly found: bigint },
): bigint {
  if (from === 'earliest') return earliest;
  if (typeof from === 'string' || 'time' in from) return found;
  if ('offsets' in from) {
    const offset = from.offsets[partition];
    const wanted = offset === undefined ? end : BigInt(offset);
    return wanted < earliest ? earliest : wanted > end ? end : wanted;
  }
  const first = end - BigInt(from.newest);
  return first > earliest ? first : earliest;
}

/** Owns the connections of one reading. At most one fetch is in memory: the next is asked for when it has been taken. */
class TopicReader {
  readonly #request: ReadRequest;
  readonly #callMs: number;
  readonly #connections: KafkaConnections;
  #topic: TopicMetadata | null = null;
  #partitions: ReadPartition[] = [];
  #refreshAt = 0;
  #turn = 0;
  /** Since when all answers were empty; null while records come. */
  #emptySinceMs: number | null = null;
  #closed = false;

  constructor(options: KafkaOptions, request: ReadRequest) {
    this.#request = request;
    this.#callMs = options.callMs ?? callMsDefault;
    this.#connections = new KafkaConnections(options);
  }

  async begin(): Promise<void> {
    await this.#keepTrying(async () => {
      const topic = await this.#metadata();
      const [earliest, latest, from] = await Promise.all([
        listOffsets(this.#connections, topic, earliestOffset, 'committed'),
        listOffsets(this.#connections, topic, latestOffset, 'committed'),
        this.#listFrom(topic),
      ]);
      this.#topic = topic;
      this.#partitions = topic.partitions.map(({ partition, leader }) => {
        const end = latest.get(partition) ?? 0n;
        const found = from?.get(partition) ?? -1n;
        const first = firstOf(this.#request.from, partition, { earliest: earliest.get(partition) ?? 0n, end, found });
        return { partition, leader, position: first < 0n ? end : first, end: this.#request.follow ? null : end };
      });
      this.#refreshAt = performance.now() + refreshMs;
    });
  }

  async #listFrom(topic: TopicMetadata): Promise<ReadonlyMap<number, bigint> | null> {
    const { from } = this.#request;
    return typeof from === 'string' || !('time' in from)
      ? null
      : await listOffsets(this.#connections, topic, BigInt(Math.trunc(from.time)), 'committed');
  }

  isAtEnd(): boolean {
    return this.#partitions.every(hasEnded);
  }

  /** One round over all leaders. */
  async fetch(): Promise<readonly Fetched[]> {
    return await this.#keepTrying(async () => {
      if (performance.now() >= this.#refreshAt) await this.#refresh();
      const open = this.#partitions.filter((partition) => !hasEnded(partition));
      // Another partition comes first each time, so that none is starved where an answer does not hold them all.
      const first = this.#turn++ % open.length;
      const inTurn = [...open.slice(first), ...open.slice(0, first)];
      try {
        const leaders = [...byLeader(inTurn)];
        const rounds = await Promise.all(leaders.map(([leader, partitions]) => this.#fetchFrom(leader, partitions)));
        const fetched = rounds.flat();
        this.#mindEmptiness(fetched, open);
        return fetched;
      } catch (error) {
        this.#refreshAt = 0;
        throw error;
      }
    });
  }

  /**
   * What was there when the reading began may be gone: a broker that came back without its newest records. An end that is
   * never reached must not be waited for. For a moment it may be so without any loss: a new leader learns late what is committed.
   */
  #mindEmptiness(fetched: readonly Fetched[], open: readonly ReadPartition[]): void {
    const nowMs = performance.now();
    if (this.#request.follow || !fetched.every(isEmpty) || open.some(hasEnded)) this.#emptySinceMs = null;
    else this.#emptySinceMs ??= nowMs;
    if (this.#emptySinceMs === null || nowMs - this.#emptySinceMs < this.#callMs) return;
    const { partition, position, end } = open[0]!;
    throw new PlatformError(
      'topic-truncated',
      `partition ${partition} of ${this.#request.topic} ended at ${end} when the reading began, and there is nothing from ${position} on now: ` +
        'its newest records are gone from the broker. Read again for what is left',
      { fault: 'external', retry: 'no-retry' },
    );
  }

  async #fetchFrom(leader: number, partitions: readonly ReadPartition[]): Promise<readonly Fetched[]> {
    const topics = [
      {
        topicId: this.#topic!.topicId,
        partitions: partitions.map(({ partition, position }) => ({
          partition,
          currentLeaderEpoch: -1,
          fetchOffset: position,
          lastFetchedEpoch: -1,
          partitionMaxBytes: limits.fetchPartitionBytesMax,
        })),
      },
    ];
    const { fetchBytesMax } = limits;
    const answer = await this.#connections.askNode(leader, (connection) =>
      fetchFrom(connection, fetchWaitMs, 1, fetchBytesMax, isolationLevels.committed, 0, -1, topics, [], ''),
    );
    if (answer.errorCode !== 0) throw new Error(`fetch from node ${leader}: code ${answer.errorCode}`);
    const states = new Map(partitions.map((state) => [state.partition, state]));
    const fetched = answer.partitions.map((each) => ({ state: states.get(each.partition)!, answer: each }));
    for (const each of fetched) await this.#handleError(each);
    const good = fetched.filter((each) => each.answer.errorCode === 0);
    if (good.every(isEmpty)) good.forEach(endWhereNothingIsLeft);
    return good;
  }

  async #handleError({ state, answer }: Fetched): Promise<void> {
    if (answer.errorCode === 0) return;
    if (answer.errorCode !== offsetOutOfRange)
      throw new Error(`fetch from ${state.partition}: code ${answer.errorCode}`);
    // Retention went past us: go on with what is left. A log that is now shorter than our position: go on at its end.
    const earliest = (await listOffsets(this.#connections, this.#topic!, earliestOffset, 'committed')).get(
      state.partition,
    );
    const latest = (await listOffsets(this.#connections, this.#topic!, latestOffset, 'committed')).get(state.partition);
    state.position = state.position < (earliest ?? 0n) ? (earliest ?? 0n) : (latest ?? 0n);
  }

  /** Yields what was fetched, and moves the position past it. What was read before is not unpacked. */
  *take({ state, answer }: Fetched): Generator<LogRecord> {
    try {
      for (const { batch, isVisible } of committedRecords(answer)) {
        if (isVisible && batch.lastOffset >= state.position) yield* this.#recordsOf(state, batch);
        if (batch.lastOffset >= state.position) state.position = batch.lastOffset + 1n;
      }
    } catch (error) {
      if (!(error instanceof UnreadableBatch)) throw error;
      throw recordsUnreadable(this.#request.topic, state.partition, error);
    }
  }

  *#recordsOf(state: ReadPartition, batch: Batch): Generator<LogRecord> {
    const isLogAppendTime = (batch.attributes & attributeBits.logAppendTime) !== 0;
    for (const record of batch.records()) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta);
      if (offset < state.position) continue;
      if (state.end !== null && offset >= state.end) return;
      const timestamp = isLogAppendTime ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta;
      yield {
        partition: state.partition,
        offset: String(offset),
        timestamp: Number(timestamp),
        key: record.key,
        value: record.value,
        headers: record.headers.map(([name, value]) => ({ name: name?.toString() ?? '', value })),
      };
    }
  }

  /** Finds new leaders and, while following, new partitions, which are read from their beginning. */
  async #refresh(): Promise<void> {
    const topic = await this.#metadata();
    if (topic.topicId !== this.#topic!.topicId) throw topicMissing(`${topic.topic} any more: it was made anew`, 'user');
    const known = new Map(this.#partitions.map((state) => [state.partition, state]));
    for (const { partition, leader } of topic.partitions) {
      const state = known.get(partition);
      if (state !== undefined) state.leader = leader;
      else if (this.#request.follow) this.#partitions.push({ partition, leader, position: 0n, end: null });
    }
    this.#refreshAt = performance.now() + refreshMs;
  }

  async #metadata(): Promise<TopicMetadata> {
    const topic = await this.#connections.topic(this.#request.topic);
    if (topic === null) throw topicMissing(this.#request.topic, 'user');
    return topic;
  }

  async #keepTrying<Answer>(attempt: () => Promise<Answer>): Promise<Answer> {
    return await keepTrying(this.#callMs, `read ${this.#request.topic}`, async () => {
      if (this.#closed) {
        throw new PlatformError(clientIsClosed, 'the reading was ended', { fault: 'internal', retry: 'no-retry' });
      }
      return await attempt();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connections.close();
  }
}

const offsetOutOfRange = 1;

const hasEnded = ({ position, end }: ReadPartition): boolean => end !== null && position >= end;

const isEmpty = ({ answer }: Fetched): boolean => !holdsBatch(answer.records);

/** A broker that has anything below the end gives at least one batch of it: what is missing there was compacted away. */
function endWhereNothingIsLeft({ state, answer }: Fetched): void {
  if (state.end !== null && answer.lastStableOffset >= state.end) state.position = state.end;
}

const recordsUnreadable = (topic: string, partition: number, error: UnreadableBatch): PlatformError =>
  new PlatformError(
    'records-unreadable',
    `partition ${partition} of ${topic} cannot be read from offset ${error.firstOffset} to ${error.lastOffset}: ${error.message}. ` +
      'Read from a time behind them, or wait until the topic’s retention has taken them',
    { fault: 'user', retry: 'no-retry', cause: error },
  );
