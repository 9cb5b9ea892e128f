// The sink that is a stream: a topic, written by the worker's one producer.
import type { StreamSinkGoal } from '#core/job/sink-goal.ts';
import { partitionOfKey } from '#core/partition-of-key.ts';
import type { Cluster } from '../kafka/cluster.ts';
import type { Producer } from '../kafka/producer.ts';
import type { TopicWriter } from '../kafka/topic-writer.ts';
import type { Unit } from '../split.ts';
import type { RecordView, Refusal, Sink } from './sink.ts';

/** The producer also writes the dead letters, so the data path sees to its sending, its bounds and its starting over. */
export class KafkaSink implements Sink {
  readonly isRefused = false;
  readonly #goal: StreamSinkGoal;
  readonly #cluster: Cluster;
  readonly #producer: Producer;
  #topic: TopicWriter | null = null;

  constructor(goal: StreamSinkGoal, cluster: Cluster, producer: Producer) {
    this.#goal = goal;
    this.#cluster = cluster;
    this.#producer = producer;
  }

  async open(): Promise<void> {
    const { topic } = this.#goal;
    if (this.#cluster.topic(topic) === undefined) throw new Error(`topic ${topic} does not exist`);
    this.#cluster.openLinks(topic, 'produce');
    this.#topic = await this.#producer.prepare(topic);
  }

  take({ split, timestamp, key, value, headers }: RecordView, unit: Unit): Refusal | null {
    const topic = this.#topic!;
    const partition =
      key.end < 0
        ? split.partition % topic.partitionCount
        : partitionOfKey(key.bytes, key.start, key.end, topic.partitionCount);
    if (this.#producer.append(topic, partition, timestamp, key, value, headers, unit)) return null;
    const message = `the output is larger than the sink's topic takes (max.message.bytes = ${topic.bytesMax})`;
    return { errorClass: 'too-large', code: 'record-too-large', message };
  }

  room(): null {
    return null;
  }

  nudge(): void {}

  flush(): void {}

  startOver(): null {
    return null;
  }

  async close(): Promise<void> {}
}
