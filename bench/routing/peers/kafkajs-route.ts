// The same route as an ordinary KafkaJS program: parse, filter, project, produce, batch by batch.
import { Kafka, logLevel } from 'kafkajs';

interface Event {
  id: number;
  ts: number;
  kind: string;
  country: string;
  duration_ms: number;
  device: { os: string };
}

const [broker = '', source = '', sink = ''] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'bench', brokers: [broker], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: `bench-${sink}`, maxBytesPerPartition: 1024 * 1024, maxWaitTimeInMs: 100 });
const producer = kafka.producer({ allowAutoTopicCreation: false });
await Promise.all([consumer.connect(), producer.connect()]);
await consumer.subscribe({ topic: source, fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    const messages = [];
    for (const { value, timestamp } of batch.messages) {
      const event = JSON.parse(String(value)) as Event;
      if ((event.kind !== 'play' && event.kind !== 'stop') || event.duration_ms < 0) continue;
      const { id, ts, kind, country, device } = event;
      messages.push({
        value: JSON.stringify({ id, ts, kind, country, os: device.os }),
        timestamp,
        partition: batch.partition,
      });
    }
    if (messages.length > 0) await producer.send({ topic: sink, acks: -1, messages });
  },
});
