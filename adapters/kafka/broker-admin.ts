// The broker's administration: kafkajs makes, grows, lists and deletes topics; single requests do what it cannot.
import {
  ConfigResourceTypes,
  ConfigSources,
  describeConfigsV4,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
} from '@platformatic/kafka';
import type { Admin, logLevel } from 'kafkajs';
import { PlatformError } from '#core/errors.ts';
import type { BrokerAdmin, ObservedTopic, TopicPositions } from '#core/ports/broker-admin.ts';
import { callMsDefault, hasCode, keepTrying, settled, topicMissing } from './attempts.ts';
import { KafkaConnections, type KafkaOptions, type TopicMetadata, withErrorsInside } from './connections.ts';
import { earliestOffset, latestOffset, listOffsets } from './offsets.ts';
import { noSecurity } from './security.ts';

/** How many topics one request asks about. */
const requestTopicsMax = 1_000;
const connectMs = 1_000;
const requestMs = 5_000;
const silent: logLevel.NOTHING = 0;

const isKafkasOwn = (topic: string): boolean =>
  ['__consumer_offsets', '__transaction_state', '__share_group_state', '__cluster_metadata'].includes(topic) ||
  topic.startsWith('__amazon_');

export function createBrokerAdmin(options: KafkaOptions): BrokerAdmin {
  return new KafkaAdmin(options);
}

type Config = Readonly<Record<string, string>>;

/** Owns the clients. A kafkajs client that failed is replaced: its own way back after a broker's crash takes ~15 s. */
class KafkaAdmin implements BrokerAdmin {
  readonly #connections: KafkaConnections;
  readonly #options: KafkaOptions;
  readonly #callMs: number;
  #admin: Promise<Admin> | null = null;

  constructor(options: KafkaOptions) {
    this.#callMs = options.callMs ?? callMsDefault;
    this.#connections = new KafkaConnections(options);
    this.#options = options;
  }

  async describe(topics: readonly string[], settings: readonly string[]): Promise<readonly ObservedTopic[]> {
    const observed: ObservedTopic[] = [];
    for (let at = 0; at < topics.length; at += requestTopicsMax) {
      const some = topics.slice(at, at + requestTopicsMax);
      observed.push(...(await keepTrying(this.#callMs, 'describe topics', () => this.#describeSome(some, settings))));
    }
    return observed;
  }

  async #describeSome(topics: readonly string[], settings: readonly string[]): Promise<readonly ObservedTopic[]> {
    const present = await this.#connections.metadata(topics);
    const configs = await this.#configs(present, settings);
    return present.flatMap(({ topic, topicId, partitions }) => {
      const found = configs.get(topic);
      return found === undefined ? [] : [{ topic, topicId, partitions: partitions.length, ...found }];
    });
  }

  /** A topic that was deleted meanwhile is not in it. */
  async #configs(
    topics: readonly TopicMetadata[],
    settings: readonly string[],
  ): Promise<ReadonlyMap<string, Pick<ObservedTopic, 'config' | 'own'>>> {
    if (topics.length === 0 || settings.length === 0)
      return new Map(topics.map(({ topic }) => [topic, { config: {}, own: [] }]));
    const resources = topics.map(({ topic }) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName: topic,
      configurationKeys: [...settings],
    }));
    const answer = await this.#connections.askAny((connection) =>
      describeConfigsV4.api.async(connection, resources, false, false).catch((error) => {
        if (hasCode(error, 'UNKNOWN_TOPIC_OR_PARTITION'))
          return withErrorsInside<describeConfigsV4.DescribeConfigsResponse>(error);
        throw error;
      }),
    );
    const described = answer.results.filter(({ errorCode }) => errorCode === 0);
    return new Map(
      described.map(({ resourceName, configs }) => [
        resourceName,
        {
          config: Object.fromEntries(configs.map(({ name, value }) => [name, value ?? ''])),
          own: configs
            .filter(({ configSource }) => configSource === ConfigSources.DYNAMIC_TOPIC_CONFIG)
            .map(({ name }) => name),
        },
      ]),
    );
  }

  async list(): Promise<readonly string[]> {
    const names = await this.#withAdmin('list topics', (admin) => admin.listTopics());
    return names.filter((name) => !isKafkasOwn(name));
  }

  async create(topic: string, partitions: number, config: Config): Promise<'created' | 'exists'> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const what = `create ${topic} with ${partitions} partitions and ${JSON.stringify(config)}`;
    const created = await this.#withAdmin(what, (admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: false }),
    );
    await this.#ledBy(topic, created ? partitions : 1);
    return created ? 'created' : 'exists';
  }

  async grow(topic: string, partitions: number): Promise<void> {
    await this.#withAdmin(`grow ${topic} to ${partitions} partitions`, async (admin) => {
      try {
        await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] });
      } catch (error) {
        if (hasCode(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw topicMissing(topic, 'external');
        // It has as many already, or more: somebody was faster.
        if (!hasCode(error, 'INVALID_PARTITIONS') || (await this.#partitionCount(topic)) < partitions) throw error;
      }
    });
    await this.#ledBy(topic, partitions);
  }

  /** Sets these, or takes them back, and leaves all other settings of the topic as they are. */
  async configure(topic: string, config: Readonly<Record<string, string | null>>): Promise<void> {
    if (Object.keys(config).length === 0) return;
    const { SET, DELETE } = IncrementalAlterConfigOperationTypes;
    const configs = Object.entries(config).map(([name, value]) =>
      value === null ? { name, configOperation: DELETE } : { name, value, configOperation: SET },
    );
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs };
    await keepTrying(this.#callMs, `configure ${topic} with ${JSON.stringify(config)}`, async () => {
      try {
        await this.#connections.askAny((connection) =>
          incrementalAlterConfigsV1.api.async(connection, [resource], false),
        );
      } catch (error) {
        throw hasCode(error, 'UNKNOWN_TOPIC_OR_PARTITION') ? topicMissing(topic, 'external') : error;
      }
    });
    await settled(this.#callMs, `the configuration of ${topic}`, async () => {
      const [observed] = await this.#describeSome([topic], Object.keys(config));
      const isSo = ([name, value]: [string, string | null]): boolean =>
        value === null ? !observed!.own.includes(name) : observed!.config[name] === value;
      return observed === undefined || Object.entries(config).every(isSo);
    });
  }

  async remove(topic: string): Promise<void> {
    await this.#withAdmin(`delete ${topic}`, async (admin) => {
      try {
        await admin.deleteTopics({ topics: [topic] });
      } catch (error) {
        if (!hasCode(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error;
      }
    });
    const isGone = async () => (await this.#connections.topic(topic)) === null;
    await settled(this.#callMs, `the deletion of ${topic}`, isGone);
  }

  async positions(topic: string): Promise<readonly TopicPositions[] | null> {
    return await keepTrying(this.#callMs, `look up the positions of ${topic}`, async () => {
      const metadata = await this.#connections.topic(topic);
      if (metadata === null) return null;
      const [earliest, latest] = await Promise.all([
        listOffsets(this.#connections, metadata, earliestOffset, 'uncommitted'),
        listOffsets(this.#connections, metadata, latestOffset, 'uncommitted'),
      ]);
      return metadata.partitions.map(({ partition }) => ({
        partition,
        earliest: String(earliest.get(partition)),
        latest: String(latest.get(partition)),
      }));
    });
  }

  async offsetsAt(topic: string, at: number): Promise<ReadonlyMap<number, string | null> | null> {
    return await keepTrying(this.#callMs, `look up ${new Date(at).toISOString()} in ${topic}`, async () => {
      const metadata = await this.#connections.topic(topic);
      if (metadata === null) return null;
      const found = await listOffsets(this.#connections, metadata, BigInt(Math.max(0, Math.trunc(at))), 'uncommitted');
      return new Map([...found].map(([partition, offset]) => [partition, offset < 0n ? null : String(offset)]));
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#dropAdmin(), this.#connections.close()]);
  }

  async #partitionCount(topic: string): Promise<number> {
    return (await this.#connections.topic(topic))?.partitions.length ?? 0;
  }

  async #ledBy(topic: string, partitions: number): Promise<void> {
    await settled(this.#callMs, `a leader for each partition of ${topic}`, async () => {
      const metadata = await this.#connections.topic(topic);
      return metadata !== null && metadata.partitions.length >= partitions && metadata.partitions.every(isLed);
    });
  }

  async #withAdmin<Answer>(what: string, ask: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    return await keepTrying(this.#callMs, what, async () => {
      try {
        this.#admin ??= this.#connect();
        return await ask(await this.#admin);
      } catch (error) {
        if (!(error instanceof PlatformError)) await this.#dropAdmin();
        throw error;
      }
    });
  }

  async #connect(): Promise<Admin> {
    // Loaded where topics are made and unmade: it is large, and most programs only ask.
    const { Kafka } = await import('./kafkajs.ts');
    const { clientId = 'millrace', brokers, security = noSecurity } = this.#options;
    const kafka = new Kafka({
      ...{ clientId, brokers: [...brokers], connectionTimeout: connectMs, requestTimeout: requestMs },
      ...{ retry: { retries: 0 }, logLevel: silent },
      ...(await security.kafkajs()),
    });
    const admin = kafka.admin();
    await admin.connect();
    return admin;
  }

  async #dropAdmin(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    await admin?.then((each) => each.disconnect()).catch(() => {});
  }
}

const isLed = ({ leader }: { readonly leader: number }): boolean => leader >= 0;
