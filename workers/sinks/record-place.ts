// Where a record stands among all that its job reads: what sinks make ids of, so that what is written again is known again.
import type { RecordView } from './sink.ts';

export interface RecordPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

/** `topicId`: of the life of the topic that the record was read in. */
export const placeInSource = ({ split, offset }: RecordView, topicId: string): RecordPlace => ({
  ...{ topic: split.topic, topicId, partition: split.partition, offset },
});

/** Of a dead letter that is replayed, where its record stood before; letters of older versions do not say in which topic's life. */
export function placeBeforeReplay(record: RecordView, topicId: string): RecordPlace {
  const { origin } = record;
  return origin?.topicId ? { ...origin, topicId: origin.topicId } : placeInSource(record, topicId);
}
