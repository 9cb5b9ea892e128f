// Writes records to Kafka: acks=all, idempotent, in order per partition, with bounded bytes in flight.
import { messageOf } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { batchFields } from '#core/record-batch/batch-format.ts';
import { backoffMs } from '#core/time/backoff.ts';
import { type Acks, encodeProduce, parseProduce, produceApi, transactionalProduceApi } from './apis.ts';
import type { Cluster } from './cluster.ts';
import { errorCodes, errorName, isAuthorization } from './error-codes.ts';
import type { Lane } from './lane.ts';
import {
  type Origin,
  OutputBatch,
  type OutputCompression,
  type ProducerIdentity,
  recordBytes,
  type Slice,
} from './output-batch.ts';
import { ProducerSession } from './producer-session.ts';
import type { Session, SessionHooks } from './session.ts';
import { followTopic, laneOf, openTopic, readBytesMax, type TopicWriter } from './topic-writer.ts';

export interface ProducerOptions {
  readonly compression: OutputCompression;
  readonly lingerMs: number;
  /** Bytes written but not acknowledged; above it `room` waits. */
  readonly pendingBytesMax: number;
  readonly monotonicMs: () => number;
  /** Nothing is sent while this is false: a worker that lost its lease falls silent. */
  readonly maySend: () => boolean;
  /** Something failed and will be tried again; `failingForMs`: since the partition last took something. */
  readonly onTrouble: (code: string, message: string, failingForMs: number) => void;
  /** What is pending cannot be delivered as it was written: the owner calls `startOver` and replays from its committed positions. */
  readonly onReplay: (reason: string) => void;
  /** Absent: an id of its own, without transactions. */
  readonly session?: (hooks: SessionHooks) => Session;
}

const produceTimeoutMs = 10_000;
const requestsPerBrokerMax = 5;
const requestBytesMax = 4 * 1024 * 1024;
const spareBuffersMax = 16;
const retry = { minMs: 50, maxMs: 1_000 };
/** How often is looked whether we may send again. */
const silentMs = 50;
/** The transaction before is being ended at the partition. */
const concurrentMs = 5;

/** Of a batch that is made to see how large it is. */
const nobody: Origin = { attach: () => {}, acknowledge: () => {} };

interface Sent {
  readonly lane: Lane;
  readonly batch: OutputBatch;
}

export class Producer {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #topics = new Map<string, TopicWriter>();
  readonly #lanes = new Set<Lane>();
  /** Those of all topics: a request asks for one kind. */
  readonly #acks = new Set<Acks>();
  readonly #requests = new Map<number, number>();
  /** Brokers that hold us to a quota, and until when nothing is sent to them. */
  readonly #pausedUntilMs = new Map<number, number>();
  readonly #session: Session;
  #pendingBytes = 0;
  #sentBytes = 0;
  #inFlightCount = 0;
  #startingOver = false;
  #replayAsked = false;
  #closed = false;
  #lingerTimer: NodeJS.Timeout | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  /** On the options' clock: when it is due. */
  #retryAtMs = Infinity;
  #waiters: (() => void)[] = [];
  /** Buffers that batches need no more, for the next ones. */
  readonly #spare: Buffer[] = [];

  constructor(cluster: Cluster, options: ProducerOptions) {
    this.#cluster = cluster;
    this.#options = options;
    const hooks = {
      idle: () => this.#idle(),
      onRenewed: () => this.#restart(),
      onTrouble: (code: string, message: string) => options.onTrouble(code, message, this.#failingForMs()),
    };
    this.#session = options.session?.(hooks) ?? new ProducerSession(cluster, retry, hooks);
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** All that was ever sent, repeats too. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Nothing is written, waiting or in flight. */
  get isIdle(): boolean {
    return this.#pendingBytes === 0 && this.#inFlightCount === 0;
  }

  /** True while some partition refuses what it is sent, or cannot be reached. */
  get isRefused(): boolean {
    for (const lane of this.#lanes) if (lane.failureCount > 0) return true;
    return false;
  }

  /** Gets a producer id and the topic's size limit; throws while the cluster cannot be reached or the topic is missing. */
  async prepare(topic: string, acks: Acks = -1): Promise<TopicWriter> {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const [writer] = await Promise.all([openTopic(this.#cluster, topic, acks), this.#session.ensure()]);
    this.#topics.set(topic, writer);
    this.#acks.add(acks);
    return writer;
  }

  get hasRoom(): boolean {
    return !this.#startingOver && this.#pendingBytes < this.#options.pendingBytesMax;
  }

  /** Null when there is room for more; else resolves when there may be. */
  room(): Promise<void> | null {
    if (this.hasRoom) return null;
    this.flush();
    return this.released();
  }

  /** Resolves with the next answer of a broker. */
  released(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Takes a record, or refuses it as larger than the topic takes. Never waits: ask `room` before. */
  append(
    writer: TopicWriter,
    partition: number,
    timestamp: number,
    key: Slice,
    value: Slice,
    headers: Slice,
    origin: Origin,
  ): boolean {
    const lane = laneOf(writer, partition);
    const size = recordBytes(key, value, headers) + batchFields.records;
    if (size > writer.bytesMax) return this.#appendAlone(writer, lane, timestamp, key, value, headers, origin);
    const target = Math.min(limits.produceBatchBytesMax, writer.bytesMax);
    if (lane.open !== null && lane.open.length + size > target) this.#seal(lane);
    lane.open ??= new OutputBatch(this.#spare.pop());
    const before = lane.open.count === 0 ? 0 : lane.open.length;
    lane.open.append(timestamp, key, value, headers, origin);
    this.#pendingBytes += lane.open.length - before;
    this.#lanes.add(lane);
    this.#lingerTimer ??= setTimeout(() => this.#linger(), this.#options.lingerMs);
    return true;
  }

  /** Whether `append` would take it. */
  fits(writer: TopicWriter, timestamp: number, key: Slice, value: Slice, headers: Slice): boolean {
    if (recordBytes(key, value, headers) + batchFields.records <= writer.bytesMax) return true;
    return this.#alone(writer, timestamp, key, value, headers, nobody) !== null;
  }

  /** Sends what is written, if nothing is under way: little traffic is passed on at once, much is gathered. */
  nudge(): void {
    if (this.#inFlightCount === 0) this.flush();
    else this.#pump();
  }

  flush(): void {
    for (const lane of this.#lanes) this.#seal(lane);
    this.#pump();
  }

  /** Forgets all that is not acknowledged and takes a new producer id; `room` waits until that is done. */
  async startOver(): Promise<void> {
    this.#startingOver = true;
    for (const lane of this.#lanes) this.#pendingBytes -= lane.discard();
    for (const writer of this.#topics.values()) void readBytesMax(writer, this.#cluster);
    await this.#session.renew();
    this.#startingOver = false;
    this.#release();
  }

  /** Whoever waits for it is let go: it may write through another that has room. */
  close(): void {
    this.#closed = true;
    this.#session.close();
    if (this.#lingerTimer) clearTimeout(this.#lingerTimer);
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    this.#release();
  }

  #appendAlone(
    writer: TopicWriter,
    lane: Lane,
    timestamp: number,
    key: Slice,
    value: Slice,
    headers: Slice,
    origin: Origin,
  ): boolean {
    const tried = { attach: () => {}, acknowledge: () => origin.acknowledge() };
    const batch = this.#alone(writer, timestamp, key, value, headers, tried);
    if (batch === null) return false;
    origin.attach();
    this.#seal(lane);
    lane.enqueue(batch);
    this.#pendingBytes += batch.length;
    this.#lanes.add(lane);
    return true;
  }

  /** A record over the topic's limit may still fit when compressed: only a batch of its own can tell. Null: it does not. */
  #alone(
    writer: TopicWriter,
    timestamp: number,
    key: Slice,
    value: Slice,
    headers: Slice,
    origin: Origin,
  ): OutputBatch | null {
    if (this.#options.compression === 'none') return null;
    const batch = new OutputBatch();
    batch.append(timestamp, key, value, headers, origin);
    batch.seal(this.#options.compression);
    return batch.length > writer.bytesMax ? null : batch;
  }

  #seal(lane: Lane): void {
    if (lane.open === null) return;
    const batch = lane.open;
    const before = batch.length;
    // What is compressed counts with its size on the wire: its plain bytes, many times that, are not kept beside it.
    this.#keepSpare(lane.seal(this.#options.compression));
    this.#pendingBytes += batch.length - before;
  }

  #keepSpare(buffer: Buffer | null): void {
    if (buffer !== null && this.#spare.length < spareBuffersMax) this.#spare.push(buffer);
  }

  #linger(): void {
    this.#lingerTimer = null;
    this.flush();
  }

  #pump(): void {
    if (this.#closed) return;
    if (!this.#options.maySend()) {
      this.#lookAgain();
      return;
    }
    const identity = this.#session.current();
    if (identity === null) return;
    for (const writer of this.#topics.values())
      if (followTopic(writer, this.#cluster))
        this.#askReplay(`${writer.topic} was made anew with ${writer.partitionCount} partitions`);
    const nowMs = this.#options.monotonicMs();
    for (let sent = true; sent; ) {
      sent = false;
      for (const acks of this.#acks)
        for (const [leader, batches] of this.#gather(identity, nowMs, acks)) {
          sent = true;
          void this.#send(leader, batches, acks);
        }
    }
    this.#armRetry(nowMs);
  }

  /** At most one batch a lane for each broker that takes one more request. */
  #gather(identity: ProducerIdentity, nowMs: number, acks: Acks): Map<number, Sent[]> {
    const gathered = new Map<number, Sent[]>();
    const sizes = new Map<number, number>();
    for (const lane of this.#lanes) {
      if (lane.acks !== acks || !lane.canSend(nowMs)) continue;
      const leader = this.#leaderOf(lane, nowMs);
      if (leader === null || (this.#requests.get(leader) ?? 0) >= requestsPerBrokerMax) continue;
      if ((this.#pausedUntilMs.get(leader) ?? 0) > nowMs) continue;
      const size = sizes.get(leader) ?? 0;
      if (size > requestBytesMax) continue;
      const batch = lane.take(identity);
      sizes.set(leader, size + batch.length);
      this.#sentBytes += batch.length;
      const batches = gathered.get(leader);
      if (batches === undefined) gathered.set(leader, [{ lane, batch }]);
      else batches.push({ lane, batch });
    }
    return gathered;
  }

  /** Later, since the owner then calls `startOver`: what is being sent now must be counted as in flight by then. */
  #askReplay(reason: string): void {
    if (this.#replayAsked || this.#startingOver) return;
    this.#replayAsked = true;
    queueMicrotask(() => {
      this.#replayAsked = false;
      this.#options.onReplay(reason);
    });
  }

  #leaderOf(lane: Lane, nowMs: number): number | null {
    const info = this.#cluster.topic(lane.topic);
    const leader = info?.leaders[lane.partition] ?? -1;
    if (this.#cluster.link(leader, 'produce') !== null) return leader;
    const why = info === undefined ? 'does not exist' : `has no leader for partition ${lane.partition}`;
    this.#holdBack(lane, nowMs, info === undefined ? 'sink-missing' : 'sink-unavailable', `topic ${lane.topic} ${why}`);
    void this.#refreshLeaders();
    return null;
  }

  async #send(leader: number, sent: readonly Sent[], acks: Acks): Promise<void> {
    this.#requests.set(leader, (this.#requests.get(leader) ?? 0) + 1);
    this.#inFlightCount++;
    const batches = sent.map(({ lane, batch }) => ({
      topic: lane.topic,
      partition: lane.partition,
      bytes: batch.bytes,
    }));
    try {
      const link = this.#cluster.link(leader, 'produce');
      if (link === null) throw new Error(`node ${leader} is gone`);
      const { transactionalId } = this.#session;
      const api = transactionalId === null ? produceApi : transactionalProduceApi;
      const request = encodeProduce(batches, produceTimeoutMs, transactionalId, acks);
      const answered = await link.request(api, request, parseProduce);
      this.#pause(leader, answered.throttleMs);
      for (const { lane, batch } of sent) {
        const answer = answered.partitions.find(
          (each) => each.topic === lane.topic && each.partition === lane.partition,
        );
        if (answer?.errorCode === errorCodes.none) this.#noteLost(lane, batch, answer.baseOffset);
        this.#settle(lane, batch, answer?.errorCode ?? -1, answer?.errorMessage ?? null);
      }
    } catch (error) {
      for (const { lane, batch } of sent) this.#settle(lane, batch, -1, messageOf(error));
    } finally {
      this.#requests.set(leader, (this.#requests.get(leader) ?? 1) - 1);
      this.#inFlightCount--;
      this.#release();
      this.#pump();
    }
  }

  #noteLost(lane: Lane, batch: OutputBatch, baseOffset: number): void {
    const { topic, partition } = lane;
    const count = lane.noteAcknowledged(batch, baseOffset, this.#cluster.topic(topic)?.topicId ?? '');
    if (count === 0) return;
    const message = `${topic}/${partition}: its leader acknowledged records that the next one does not have: at most ${count} are lost`;
    this.#options.onTrouble('sink-data-lost', message, 0);
  }

  #pause(leader: number, throttleMs: number): void {
    if (throttleMs <= 0) return;
    const untilMs = this.#options.monotonicMs() + Math.min(throttleMs, limits.throttleMsMax);
    this.#pausedUntilMs.set(leader, untilMs);
    const message = `node ${leader} asks for a pause of ${throttleMs} ms: a quota is used up`;
    this.#options.onTrouble('sink-throttled', message, 0);
  }

  #settle(lane: Lane, batch: OutputBatch, errorCode: number, message: string | null): void {
    const { outcome, releasedBytes } = lane.settle(batch, errorCode);
    this.#pendingBytes -= releasedBytes;
    if (outcome === 'acknowledged') {
      if (lane.isIdle) this.#lanes.delete(lane);
      batch.acknowledge();
      this.#keepSpare(batch.release());
      return;
    }
    const reason =
      errorCode === -1 ? (message ?? 'no answer') : `${errorName(errorCode)}${message === null ? '' : `: ${message}`}`;
    const code = isAuthorization(errorCode)
      ? 'sink-unauthorized'
      : errorCode === errorCodes.unknownTopicOrPartition
        ? 'sink-missing'
        : 'sink-refused';
    if (errorCode === errorCodes.concurrentTransactions) lane.retryAtMs = this.#options.monotonicMs() + concurrentMs;
    else this.#holdBack(lane, this.#options.monotonicMs(), code, `${lane.topic}/${lane.partition}: ${reason}`);
    if (this.#startingOver) return;
    if (outcome === 'sequence-lost') this.#loseSequence(reason);
    else if (outcome === 'too-large') this.#learnBytesMax(lane.topic, batch.length);
    else void this.#refreshLeaders();
  }

  /** What a transaction holds already goes with its epoch; without one, what waits is sent under another id. */
  #loseSequence(reason: string): void {
    if (this.#session.transactionalId === null) void this.#session.renew();
    else this.#askReplay(`a transaction came to nothing (${reason})`);
  }

  #holdBack(lane: Lane, nowMs: number, code: string, message: string): void {
    lane.failureCount++;
    lane.failingSinceMs ??= nowMs;
    lane.retryAtMs = nowMs + backoffMs(lane.failureCount, retry, Math.random());
    this.#options.onTrouble(code, message, nowMs - lane.failingSinceMs);
  }

  #failingForMs(): number {
    const nowMs = this.#options.monotonicMs();
    let sinceMs = nowMs;
    for (const { failingSinceMs } of this.#lanes) sinceMs = Math.min(sinceMs, failingSinceMs ?? nowMs);
    return nowMs - sinceMs;
  }

  async #refreshLeaders(): Promise<void> {
    await this.#cluster.refresh().catch(() => {});
  }

  /** The limit was lowered under us: what is pending is written anew under the limit that holds now. */
  #learnBytesMax(topic: string, refusedBytes: number): void {
    const writer = this.#topics.get(topic);
    if (writer !== undefined) writer.bytesMax = Math.min(writer.bytesMax, refusedBytes - 1);
    this.#askReplay(`${topic} refused a batch of ${refusedBytes} bytes as too large`);
  }

  async #idle(): Promise<void> {
    while (this.#inFlightCount > 0 && !this.#closed) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Under another producer id each lane begins its sequence anew. */
  #restart(): void {
    for (const { lanes } of this.#topics.values()) for (const lane of lanes) lane?.restart();
    for (const lane of this.#lanes) if (lane.isIdle) this.#lanes.delete(lane);
    this.#pump();
  }

  /** Nobody tells when we may send again. */
  #lookAgain(): void {
    const nowMs = this.#options.monotonicMs();
    if ([...this.#lanes].some((lane) => lane.hasWaiting)) this.#pumpAt(nowMs + silentMs, nowMs);
  }

  #armRetry(nowMs: number): void {
    let atMs = Infinity;
    for (const lane of this.#lanes)
      if (lane.hasWaiting && lane.retryAtMs > nowMs) atMs = Math.min(atMs, lane.retryAtMs);
    for (const untilMs of this.#pausedUntilMs.values()) if (untilMs > nowMs) atMs = Math.min(atMs, untilMs);
    if (atMs !== Infinity) this.#pumpAt(atMs, nowMs);
  }

  /** One timer for all that waits: for whatever is due first. */
  #pumpAt(atMs: number, nowMs: number): void {
    if (this.#retryTimer !== null && this.#retryAtMs <= atMs) return;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryAtMs = atMs;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      this.#pump();
    }, atMs - nowMs);
  }

  #release(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
