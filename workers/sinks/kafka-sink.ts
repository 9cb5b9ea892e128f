// The sink that is a stream: a topic, written through the worker's outlet.
import { FormatFault } from '#core/formats/format-fault.ts';
import type { RecordEncoder } from '#core/formats/record-encoder.ts';
import type { StreamSinkGoal } from '#core/job/sink-goal.ts';
import { partitionOfKey } from '#core/partition-of-key.ts';
import type { SchemaRegistry } from '#core/ports/schema-registry.ts';
import type { Ordering } from '#core/spec/delivery.ts';
import { openEncoder } from '../formats/open-encoder.ts';
import type { Cluster } from '../kafka/cluster.ts';
import type { Outlet } from '../kafka/outlet.ts';
import type { Slice } from '../kafka/output-batch.ts';
import type { TopicWriter } from '../kafka/topic-writer.ts';
import type { Split, Unit } from '../split.ts';
import type { RecordView, Refusal, Sink } from './sink.ts';

/** Records that go to one partition before it is the next one's turn, where order does not matter: batches stay large. */
const spreadRecords = 500;

/** The outlet also takes the dead letters, so the data path sees to its sending, its bounds and its starting over. */
export class KafkaSink implements Sink {
  readonly isRefused = false;
  readonly hasRoom = true;
  readonly #goal: StreamSinkGoal;
  readonly #ordering: Ordering;
  readonly #cluster: Cluster;
  readonly #outlet: Outlet;
  readonly #registry: SchemaRegistry | null;
  #topic: TopicWriter | null = null;
  #encoder: RecordEncoder | null = null;
  readonly #encoded: Slice = { bytes: new Uint8Array(0), start: 0, end: 0 };
  #spread = 0;

  /** The registry is that of the goal's format. */
  constructor(
    goal: StreamSinkGoal,
    ordering: Ordering,
    cluster: Cluster,
    outlet: Outlet,
    registry: SchemaRegistry | null = null,
  ) {
    this.#goal = goal;
    this.#ordering = ordering;
    this.#cluster = cluster;
    this.#outlet = outlet;
    this.#registry = registry;
  }

  async open(): Promise<void> {
    const { topic, format, acks } = this.#goal;
    if (this.#cluster.topic(topic) === undefined) throw new Error(`topic ${topic} does not exist`);
    this.#cluster.openLinks(topic, 'produce');
    if (format !== undefined) this.#encoder ??= await openEncoder(format, this.#registry!);
    this.#topic = await this.#outlet.prepare(topic, acks === 'leader' ? 1 : -1);
  }

  take({ split, timestamp, key, value, headers }: RecordView, unit: Unit): Refusal | null {
    const topic = this.#topic!;
    const written = this.#written(value);
    if (written instanceof FormatFault) return written;
    const partition = this.#partitionOf(split, key, topic.partitionCount);
    return this.#outlet.append(topic, partition, timestamp, key, written, headers, unit) ? null : tooLarge(topic);
  }

  check({ split, timestamp, key, value, headers }: RecordView): Refusal | null {
    const topic = this.#topic!;
    const written = this.#written(value);
    if (written instanceof FormatFault) return written;
    return this.#outlet.fits(topic, timestamp, key, written, headers, split) ? null : tooLarge(topic);
  }

  /** As it goes to the topic; good until the next one. */
  #written(value: Slice): Slice | FormatFault {
    return this.#encoder === null || value.end < 0 ? value : this.#encode(this.#encoder, value);
  }

  #encode(encoder: RecordEncoder, { bytes, start, end }: Slice): Slice | FormatFault {
    const fault = encoder.encode(bytes, start, end);
    if (fault !== null) return fault;
    this.#encoded.bytes = encoder.out.bytes;
    this.#encoded.end = encoder.out.length;
    return this.#encoded;
  }

  /** Without a key to go by, a source partition's records stay together, unless nobody asks for their order. */
  #partitionOf(split: Split, key: Slice, partitionCount: number): number {
    if (this.#ordering === 'per-partition') return split.partition % partitionCount;
    if (key.end >= 0) return partitionOfKey(key.bytes, key.start, key.end, partitionCount);
    if (this.#ordering === 'per-key') return split.partition % partitionCount;
    return Math.floor(this.#spread++ / spreadRecords) % partitionCount;
  }

  room(): null {
    return null;
  }

  nudge(): void {}

  flush(): void {}

  startOver(): null {
    return null;
  }

  async close(): Promise<void> {
    this.#registry?.close();
  }
}

const tooLarge = ({ bytesMax }: TopicWriter): Refusal => ({
  ...{ errorClass: 'too-large', code: 'record-too-large' },
  message: `the output is larger than the sink's topic takes (max.message.bytes = ${bytesMax})`,
});
