// What the worker knows of the cluster: brokers, and of each topic it needs the id, the leaders and the size limit.
import {
  apiVersionsV4,
  ConfigResourceTypes,
  type ConnectionOptions,
  describeConfigsV4,
  findCoordinatorV4,
  initProducerIdV4,
  listOffsetsV7,
  metadataV12,
  offsetCommitV8,
} from '@platformatic/kafka';
import { unavailable } from '#core/errors.ts';
import { errorCodes, errorName } from './error-codes.ts';
import { type Broker, Link } from './link.ts';

export interface TopicInfo {
  readonly topic: string;
  readonly topicId: string;
  /** Leader's node id by partition; -1 where there is none now. */
  readonly leaders: readonly number[];
}

/** A connection for each kind of work: a fetch that waits at the broker must not hold up anything else. */
export type Purpose = 'fetch' | 'produce' | 'control';

export type CoordinatorKind = 'group' | 'transaction';
const coordinatorKinds: Readonly<Record<CoordinatorKind, number>> = { group: 0, transaction: 1 };

/** What a broker is told of us where it asks. */
const clientSoftware = 'millrace';
const clientVersion = '1';

const topicResource = ConfigResourceTypes.TOPIC;

/** What one of the library's API functions answers. */
export type AnswerOf<Api extends { readonly api: { readonly async: (...args: never[]) => Promise<unknown> } }> =
  Awaited<ReturnType<Api['api']['async']>>;

export class Cluster {
  readonly #bootstrap: readonly Broker[];
  readonly #clientId: string;
  readonly #options: ConnectionOptions;
  readonly #links = new Map<string, Link>();
  readonly #brokers = new Map<number, Broker>();
  readonly #topics = new Map<string, TopicInfo>();
  readonly #wanted: readonly string[];
  #refreshing: Promise<void> | null = null;
  readonly #counting = new Map<string, Promise<readonly (string | null)[]>>();
  #turn = 0;
  #clusterId: string | null = null;

  constructor(
    bootstrap: readonly Broker[],
    topics: readonly string[],
    clientId: string,
    options: ConnectionOptions = {},
  ) {
    this.#bootstrap = bootstrap;
    this.#wanted = topics;
    this.#clientId = clientId;
    this.#options = options;
  }

  /** Another one means: the cluster was wiped, or another one answers at its address. */
  get clusterId(): string | null {
    return this.#clusterId;
  }

  /** As of the last refresh; undefined while the topic is not there. */
  topic(name: string): TopicInfo | undefined {
    return this.#topics.get(name);
  }

  /** The link to a broker; null while the node is not known (a leader of -1). */
  link(nodeId: number, purpose: Purpose): Link | null {
    const broker = this.#brokers.get(nodeId);
    return broker === undefined ? null : this.#linkTo(broker, purpose);
  }

  /** Connects to the leaders of a topic, so that the first fetch or batch need not wait for it. */
  openLinks(topic: string, purpose: Purpose): void {
    for (const leader of new Set(this.#topics.get(topic)?.leaders)) this.link(leader, purpose)?.open();
  }

  /** Reads the metadata anew; callers at the same time share one request. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const answer = await this.#anyBroker((link) => metadataOf(link, this.#wanted));
    this.#clusterId = answer.clusterId ?? null;
    this.#brokers.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port });
    for (const topic of answer.topics) {
      if (!topic.name) continue;
      // Only what does not exist is forgotten; a topic that the cluster cannot describe right now is kept as it was.
      if (topic.errorCode === errorCodes.unknownTopicOrPartition) this.#topics.delete(topic.name);
      if (topic.errorCode !== errorCodes.none) continue;
      const leaders: number[] = [];
      for (const { partitionIndex, leaderId } of topic.partitions) leaders[partitionIndex] = leaderId;
      this.#topics.set(topic.name, { topic: topic.name, topicId: topic.topicId, leaders });
    }
  }

  /**
   * The id that more than half of the brokers that answer know the topic by; null where there is none. One broker alone may be cut off
   * from the others, and tell of a topic that was deleted long ago. Callers at the same time share the requests.
   */
  async topicIdOfMost(topic: string): Promise<string | null> {
    let counting = this.#counting.get(topic);
    if (counting === undefined) {
      counting = this.#askAll(topic).finally(() => this.#counting.delete(topic));
      this.#counting.set(topic, counting);
    }
    return idOfMost(await counting);
  }

  /** What each broker that answers knows the topic by; null: not at all, or it cannot tell. */
  async #askAll(topic: string): Promise<(string | null)[]> {
    const brokers = [...this.#brokers.values()];
    const answers = await Promise.allSettled(
      brokers.map((broker) => metadataOf(this.#linkTo(broker, 'control'), [topic])),
    );
    return answers
      .filter((answer) => answer.status === 'fulfilled')
      .map(({ value }) => {
        const found = value.topics.find(({ name, errorCode }) => name === topic && errorCode === errorCodes.none);
        return found?.topicId ?? null;
      });
  }

  /** `at`: -2 earliest, -1 the end, else epoch ms: the first record at or after it, or null where there is none. */
  async offset(topic: string, partition: number, at: number): Promise<number | null> {
    const leader = this.#topics.get(topic)?.leaders[partition];
    const link = leader === undefined ? null : this.link(leader, 'control');
    if (link === null) throw unavailable('kafka', new Error(`${topic}/${partition} has no leader`));
    const wanted = {
      name: topic,
      partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: BigInt(at) }],
    };
    const answer = await link.call<AnswerOf<typeof listOffsetsV7>>((connection, done) =>
      listOffsetsV7.api(connection, -1, 1, [wanted], done),
    );
    const found = answer.topics[0]?.partitions[0];
    if (found === undefined || found.errorCode !== errorCodes.none)
      throw unavailable('kafka', new Error(`positions of ${topic}/${partition}: ${errorName(found?.errorCode ?? -1)}`));
    return found.offset < 0n ? null : Number(found.offset);
  }

  async initProducerId(): Promise<{ readonly producerId: bigint; readonly producerEpoch: number }> {
    const answer = await this.#anyBroker((link) =>
      link.call<AnswerOf<typeof initProducerIdV4>>((connection, done) =>
        initProducerIdV4.api(connection, null, 0, -1n, -1, done),
      ),
    );
    if (answer.errorCode !== errorCodes.none)
      throw unavailable('kafka', new Error(`a producer id was refused: ${errorName(answer.errorCode)}`));
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  /** A topic's `max.message.bytes`; null where it may not be read. */
  async messageBytesMax(topic: string): Promise<number | null> {
    const resource = { resourceType: topicResource, resourceName: topic, configurationKeys: ['max.message.bytes'] };
    const answer = await this.#anyBroker((link) =>
      link.call<AnswerOf<typeof describeConfigsV4>>((connection, done) =>
        describeConfigsV4.api(connection, [resource], false, false, done),
      ),
    );
    const value = answer.results[0]?.configs[0]?.value;
    return value === undefined || value === null ? null : Number(value);
  }

  /** The link to whoever coordinates a group or a transactional id now. */
  async coordinator(kind: CoordinatorKind, key: string): Promise<Link> {
    const found = await this.#anyBroker((link) =>
      link.call<AnswerOf<typeof findCoordinatorV4>>((connection, done) =>
        findCoordinatorV4.api(connection, coordinatorKinds[kind], [key], done),
      ),
    );
    const coordinator = found.coordinators[0];
    if (coordinator === undefined || coordinator.errorCode !== errorCodes.none)
      throw unavailable('kafka', new Error(`no coordinator for ${key}: ${errorName(coordinator?.errorCode ?? -1)}`));
    return this.#linkTo(coordinator, 'control');
  }

  /** The level at which the cluster runs a feature; 0 where it does not know it. */
  async featureLevel(feature: string): Promise<number> {
    const answer = await this.#anyBroker((link) =>
      link.call<AnswerOf<typeof apiVersionsV4>>((connection, done) =>
        apiVersionsV4.api(connection, clientSoftware, clientVersion, done),
      ),
    );
    return answer.finalizedFeatures?.find(({ name }) => name === feature)?.maxVersionLevel ?? 0;
  }

  /** Commits positions to a group that nobody is a member of, for tools that show lag. */
  async commitOffsets(
    group: string,
    topic: string,
    positions: readonly { readonly partition: number; readonly position: number }[],
  ): Promise<void> {
    const coordinator = await this.coordinator('group', group);
    const partitions = positions.map(({ partition, position }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(position),
      committedLeaderEpoch: -1,
      committedMetadata: null,
    }));
    const answer = await coordinator.call<AnswerOf<typeof offsetCommitV8>>((connection, done) =>
      offsetCommitV8.api(connection, group, -1, '', null, [{ name: topic, partitions }], done),
    );
    const refused = answer.topics.flatMap((each) => each.partitions).find((each) => each.errorCode !== errorCodes.none);
    if (refused)
      throw unavailable('kafka', new Error(`offsets of ${group} were refused: ${errorName(refused.errorCode)}`));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
  }

  #linkTo({ host, port }: Broker, purpose: Purpose): Link {
    const name = `${purpose} ${host}:${port}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new Link({ host, port }, this.#clientId, this.#options);
      this.#links.set(name, link);
    }
    return link;
  }

  /** Asks the brokers in turn until one answers. */
  async #anyBroker<Answer>(ask: (link: Link) => Promise<Answer>): Promise<Answer> {
    const brokers = [...this.#brokers.values(), ...this.#bootstrap];
    let last: unknown = new Error('no broker is configured');
    for (let tries = 0; tries < brokers.length; tries++) {
      const broker = brokers[this.#turn++ % brokers.length]!;
      try {
        return await ask(this.#linkTo(broker, 'control'));
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
}

const metadataOf = (link: Link, topics: readonly string[]): Promise<AnswerOf<typeof metadataV12>> =>
  link.call((connection, done) => metadataV12.api(connection, [...topics], false, false, done));

/** Of the ids that brokers tell, one each. */
export function idOfMost(ids: readonly (string | null)[]): string | null {
  const isOfMost = (id: string | null): boolean => ids.filter((each) => each === id).length * 2 > ids.length;
  return ids.find(isOfMost) ?? null;
}

export function parseBrokers(text: string): Broker[] {
  return text.split(',').map((address) => {
    const at = address.lastIndexOf(':');
    return { host: address.slice(0, at).trim(), port: Number(address.slice(at + 1)) };
  });
}
