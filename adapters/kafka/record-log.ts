// Records for people: append with an outcome each, and read from anywhere.
import type { RecordLog } from '#core/ports/record-log.ts';
import { RecordAppender } from './append-records.ts';
import type { KafkaOptions } from './connections.ts';
import { readTopic } from './read-topic.ts';

export function createRecordLog(options: KafkaOptions): RecordLog {
  const appender = new RecordAppender(options);
  const closing = new AbortController();
  return {
    append: (topic, records, durability) => appender.append(topic, records, durability),
    read: (request) => readTopic(options, { ...request, signal: AbortSignal.any([request.signal, closing.signal]) }),
    close: async () => {
      closing.abort();
      await appender.close();
    },
  };
}
