// Looks up offsets of a topic's partitions at their leaders.
import { listOffsetsV7 } from '@platformatic/kafka';
import type { KafkaConnections, TopicMetadata } from './connections.ts';

/** Kafka's special timestamps. */
export const earliestOffset = -2n;
export const latestOffset = -1n;

/** `committed` leaves out what open and aborted transactions have written: the end is before the first open one. */
export type Isolation = 'uncommitted' | 'committed';
export const isolationLevels: Readonly<Record<Isolation, number>> = { uncommitted: 0, committed: 1 };

/** The first offset at or after a time, −1 where there is none; by partition number. */
export async function listOffsets(
  connections: KafkaConnections,
  topic: TopicMetadata,
  timestamp: bigint,
  isolation: Isolation,
): Promise<ReadonlyMap<number, bigint>> {
  const answers = await Promise.all(
    [...byLeader(topic.partitions)].map(([leader, partitions]) =>
      connections.askNode(leader, (connection) =>
        listOffsetsV7.api.async(connection, -1, isolationLevels[isolation], [
          {
            name: topic.topic,
            partitions: partitions.map(({ partition }) => ({
              partitionIndex: partition,
              currentLeaderEpoch: -1,
              timestamp,
            })),
          },
        ]),
      ),
    ),
  );
  const found = answers.flatMap(({ topics }) => topics).flatMap(({ partitions }) => partitions);
  return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
}

export function byLeader<Partition extends { readonly leader: number }>(
  partitions: readonly Partition[],
): ReadonlyMap<number, readonly Partition[]> {
  return Map.groupBy(partitions, ({ leader }) => leader);
}
