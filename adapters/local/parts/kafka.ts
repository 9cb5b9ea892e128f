// The local platform's Kafka: one node in KRaft mode, broker and controller in one process.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from '#adapters/kafka/kafkajs.ts';
import { limits } from '#core/limits.ts';
import { archiveArgs, classArchive, keepArchive, stopWithinMsOf } from '../class-archive.ts';
import { javaArgs, javaCommand, plainEnv } from '../java.ts';
import type { Part } from '../part.ts';
import { loopback } from '../ports.ts';
import { formatKafka } from './kafka-format.ts';

export interface KafkaPartOptions {
  readonly data: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly heapMiB?: number;
  /** Settings beside the platform's, or instead of them: a broker that is not as open as one on a laptop. */
  readonly settings?: Readonly<Record<string, string>>;
}

export function kafkaPart(options: KafkaPartOptions): Part {
  const configuration = join(options.data, 'server.properties');
  const endpoint = `${loopback}:${options.port}`;
  const archive = classArchive('kafka', options.data);
  const java = { jars: 'kafka', properties: quietly, vm: archiveArgs(archive) } as const;
  return {
    name: 'kafka',
    command: javaCommand(),
    args: javaArgs({ ...java, heapMiB: options.heapMiB ?? 320, main: 'kafka.Kafka', args: [configuration] }),
    env: plainEnv(),
    endpoint,
    prepare: async () => {
      mkdirSync(options.data, { recursive: true, mode: 0o700 });
      writeFileSync(configuration, properties(options));
      await formatKafka({ log: join(options.data, 'log'), configuration, java });
    },
    probe: () => probeKafka(endpoint),
    readyWithinMs: 60_000,
    stopSignal: 'SIGTERM',
    stopWithinMs: stopWithinMsOf(archive, 20_000),
    afterEnd: () => keepArchive(archive),
  };
}

const quietly = {
  'org.slf4j.simpleLogger.defaultLogLevel': 'warn',
  'org.slf4j.simpleLogger.showDateTime': 'true',
  'org.slf4j.simpleLogger.dateTimeFormat': "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
  'org.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer': 'info',
};

/** One node: nothing is replicated, internal topics are small, and no topic appears that nobody declared. */
function properties({ data, port, controllerPort, settings = {} }: KafkaPartOptions): string {
  const messageBytesMax = limits.deadLetterBytesMax + 1024 * 1024;
  return `${Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${loopback}:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `PLAINTEXT://${loopback}:${port},CONTROLLER://${loopback}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${loopback}:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(data, 'log'),
    'auto.create.topics.enable': false,
    'message.max.bytes': messageBytesMax,
    'replica.fetch.max.bytes': messageBytesMax,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    // Readers of committed records wait behind a transaction that timed out until it is found: not for the usual ten seconds.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1000,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 4,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'num.recovery.threads.per.data.dir': 2,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 8 * 1024 * 1024,
    'group.initial.rebalance.delay.ms': 0,
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 500,
    ...settings,
  })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
}

/** Ready is: metadata with a leader for each partition, and a group coordinator that answers; not an open port. */
export async function probeKafka(broker: string): Promise<void> {
  const kafka = new Kafka({
    clientId: 'millrace-probe',
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.fetchTopicMetadata();
    await admin.fetchOffsets({ groupId: 'millrace.probe' });
  } finally {
    await admin.disconnect();
  }
}
