// What a producer knows of a topic that it writes to: where its partitions' batches are, and how large one may be.
import type { Acks } from './apis.ts';
import type { Cluster } from './cluster.ts';
import { Lane } from './lane.ts';

export interface TopicWriter {
  readonly topic: string;
  readonly acks: Acks;
  readonly lanes: Lane[];
  /** As last seen: kept while the topic is missing, so that keys stay where they are. */
  topicId: string;
  partitionCount: number;
  /** What the topic takes at most in one batch; learned from its configuration, or from a refusal. */
  bytesMax: number;
}

/** Kafka's own default, for topics whose configuration may not be read. */
const messageBytesMaxDefault = 1_048_588;

/** Throws while the cluster cannot be reached or the topic is missing. */
export async function openTopic(cluster: Cluster, topic: string, acks: Acks = -1): Promise<TopicWriter> {
  const bytesMax = (await cluster.messageBytesMax(topic)) ?? messageBytesMaxDefault;
  const info = cluster.topic(topic);
  if (info === undefined) throw new Error(`topic ${topic} does not exist`);
  return { topic, acks, lanes: [], topicId: info.topicId, partitionCount: info.leaders.length, bytesMax };
}

export function laneOf(writer: TopicWriter, partition: number): Lane {
  let lane = writer.lanes[partition];
  if (lane === undefined) {
    lane = new Lane(writer.topic, partition, writer.acks);
    writer.lanes[partition] = lane;
  }
  return lane;
}

/** Takes over what the cluster says by now. True: the topic was made anew with another number of partitions. */
export function followTopic(writer: TopicWriter, cluster: Cluster): boolean {
  const info = cluster.topic(writer.topic);
  if (info === undefined) return false;
  const isAnother = info.topicId !== writer.topicId && info.leaders.length !== writer.partitionCount;
  writer.topicId = info.topicId;
  writer.partitionCount = info.leaders.length;
  return isAnother;
}

/** The limit may have been lowered under us; it is raised only with a new worker. */
export async function readBytesMax(writer: TopicWriter, cluster: Cluster): Promise<void> {
  const bytesMax = await cluster.messageBytesMax(writer.topic).catch(() => null);
  if (bytesMax !== null) writer.bytesMax = Math.min(writer.bytesMax, bytesMax);
}
