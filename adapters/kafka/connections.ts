// Connections to the brokers for single requests of Kafka's protocol, one a broker, opened when needed.
import { Connection, metadataV12, protocolErrorsCodesById } from '@platformatic/kafka';
import { hasCode, isLasting } from './attempts.ts';
import { type KafkaSecurity, noSecurity } from './security.ts';

export interface KafkaOptions {
  /** `host:port` of any of them; the others are learnt. */
  readonly brokers: readonly string[];
  readonly clientId?: string;
  /** Deadline of a call, attempts included; 10 s where not given. */
  readonly callMs?: number;
  /** None where not given. */
  readonly security?: KafkaSecurity;
}

export interface PartitionMetadata {
  readonly partition: number;
  /** −1 while none is elected. */
  readonly leader: number;
}

export interface TopicMetadata {
  readonly topic: string;
  readonly topicId: string;
  /** In order of their numbers. */
  readonly partitions: readonly PartitionMetadata[];
}

const connectMs = 1_000;
const requestMs = 5_000;
const clientIdDefault = 'millrace';

/** Owns the connections. It does not retry: a request that fails drops its connection, and the next one opens another. */
export class KafkaConnections {
  readonly #clientId: string;
  readonly #seeds: readonly string[];
  readonly #security: KafkaSecurity['connection'];
  readonly #addresses = new Map<number, string>();
  readonly #open = new Map<string, Promise<Connection>>();
  #closed = false;
  /** Of the newest metadata. A cluster that lost all its data and started empty has another id. */
  clusterId: string | null = null;

  constructor(options: KafkaOptions) {
    this.#clientId = options.clientId ?? clientIdDefault;
    this.#seeds = options.brokers;
    this.#security = (options.security ?? noSecurity).connection;
  }

  /** One request to any broker that can be reached. */
  async askAny<Answer>(ask: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    let failure: unknown = new Error('no broker is configured');
    for (const address of new Set([...this.#addresses.values(), ...this.#seeds])) {
      try {
        await this.#connection(address);
      } catch (error) {
        failure = error;
        continue;
      }
      return await this.#ask(address, ask);
    }
    throw failure;
  }

  /** One request to the broker with this id, known from metadata. */
  async askNode<Answer>(node: number, ask: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    const address = this.#addresses.get(node);
    if (address === undefined) throw new Error(`broker ${node} is not among the brokers that are up`);
    return await this.#ask(address, ask);
  }

  /**
   * Those of the topics that exist and that we may describe; all where `topics` is null. One that only we are refused is left
   * out, so that the others are seen; while the brokers cannot say of one whether it exists, none is given.
   */
  async metadata(topics: readonly string[] | null): Promise<readonly TopicMetadata[]> {
    const { described, refusal } = await this.#describe(topics);
    if (refusal !== null && !isLasting(refusal)) throw refusal;
    return described;
  }

  /** Null only where the brokers say that there is no such topic. */
  async topic(name: string): Promise<TopicMetadata | null> {
    const { described, refusal } = await this.#describe([name]);
    if (refusal !== null) throw refusal;
    return described[0] ?? null;
  }

  /** `refusal`: of a topic of which the brokers say something else than that it is there, or is not; one that may pass first. */
  async #describe(
    topics: readonly string[] | null,
  ): Promise<{ readonly described: readonly TopicMetadata[]; readonly refusal: Error | null }> {
    const answer = await this.askAny((connection) =>
      metadataV12.api
        .async(connection, topics === null ? null : [...topics], false, false)
        .catch(unlessBetweenTokens)
        .catch(withErrorsInside<metadataV12.MetadataResponse>),
    );
    this.clusterId = answer.clusterId ?? null;
    this.#addresses.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#addresses.set(nodeId, `${host}:${port}`);
    const refusals = answer.topics
      .filter(({ errorCode }) => errorCode !== isThere && errorCode !== isUnknown)
      .map(({ name, errorCode }) => refusalOf(name ?? '', errorCode));
    return {
      described: answer.topics
        .filter(({ errorCode, partitions }) => errorCode === isThere && partitions.length > 0)
        .map(asTopic),
      refusal: refusals.find((each) => !isLasting(each)) ?? refusals[0] ?? null,
    };
  }

  async #ask<Answer>(address: string, ask: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    const connection = await this.#connection(address);
    try {
      return await ask(connection);
    } catch (error) {
      // A late answer would be taken for the next one's: after anything but an answer the connection is not used again.
      if (!isAnswer(error)) this.#drop(address, connection);
      throw error;
    }
  }

  #connection(address: string): Promise<Connection> {
    if (this.#closed) return Promise.reject(new Error('the client is closed'));
    const existing = this.#open.get(address);
    if (existing !== undefined) return existing;
    const connecting = this.#connect(address);
    this.#open.set(address, connecting);
    connecting.catch(() => this.#open.delete(address));
    return connecting;
  }

  async #connect(address: string): Promise<Connection> {
    const { host, port } = splitAddress(address);
    const connection = new Connection(this.#clientId, {
      ...{ connectTimeout: connectMs, requestTimeout: requestMs },
      ...this.#security,
    });
    // An emitter without a listener would throw; the request in flight is told by its own error.
    connection.on('error', () => this.#drop(address, connection));
    connection.on('close', () => this.#drop(address, connection));
    await connection.connect(host, port);
    if (this.#closed) await connection.close();
    return connection;
  }

  #drop(address: string, connection: Connection): void {
    const open = this.#open.get(address);
    void open?.then(
      (current) => current === connection && this.#open.get(address) === open && this.#open.delete(address),
      () => {},
    );
    void connection.close().catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connecting = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(connecting.map(async (connection) => await (await connection).close()));
  }
}

const asTopic = ({ name, topicId, partitions }: metadataV12.MetadataResponse['topics'][number]): TopicMetadata => ({
  topic: name ?? '',
  topicId,
  partitions: partitions
    .map(({ partitionIndex, leaderId }) => ({ partition: partitionIndex, leader: leaderId }))
    .sort((a, b) => a.partition - b.partition),
});

/** Kafka's codes of what is said plainly of a topic. */
const isThere = 0;
const isUnknown = 3;

function refusalOf(topic: string, errorCode: number): Error {
  const apiId = (protocolErrorsCodesById as Readonly<Record<number, string>>)[errorCode] ?? `error ${errorCode}`;
  return Object.assign(new Error(`the brokers do not describe topic ${topic}: ${apiId}`), { apiId });
}

/** The library throws when any part of an answer is an error; the answer is in the error. */
export function withErrorsInside<Answer>(error: unknown): Answer {
  if (isAnswer(error)) return error.response as Answer;
  throw error;
}

/**
 * What is asked while a session is renewed, between the two halves of it, is refused by the broker, for each topic as if
 * something were wrong with that. It is no answer: the connection is made anew, and asked again.
 */
function unlessBetweenTokens(error: unknown): never {
  if (hasCode(error, 'ILLEGAL_SASL_STATE')) throw new Error('the session was being renewed', { cause: error });
  throw error;
}

const isAnswer = (error: unknown): error is { readonly response: unknown } =>
  typeof error === 'object' && error !== null && 'response' in error && error.response !== undefined;

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
