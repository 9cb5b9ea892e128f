// What a reader of committed records sees of a topic, read by a client that shares no code with the workers.
import { createRecordLog } from '#adapters/kafka/record-log.ts';
import type { LogRecord } from '#core/ports/record-log.ts';

export async function readCommitted(broker: string, topic: string): Promise<readonly LogRecord[]> {
  const log = createRecordLog({ brokers: broker.split(','), clientId: 'test-reader' });
  try {
    const records: LogRecord[] = [];
    const request = { topic, from: 'earliest', follow: false, signal: new AbortController().signal } as const;
    for await (const record of log.read(request)) records.push(record);
    return records;
  } finally {
    await log.close();
  }
}
