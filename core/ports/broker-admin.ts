// The port to the broker's administration: topics and their positions.

export interface ObservedTopic {
  readonly topic: string;
  /** Another id under the same name means: the topic was deleted and made anew. */
  readonly topicId: string;
  readonly partitions: number;
  /** The settings that were asked for (`retention.ms`, …), as Kafka spells and prints them. */
  readonly config: Readonly<Record<string, string>>;
  /** Which of them are set on the topic itself; the others are as the broker has them. */
  readonly own: readonly string[];
}

export interface TopicPositions {
  readonly partition: number;
  /** First offset still there, and the next to be written. Decimal text. */
  readonly earliest: string;
  readonly latest: string;
}

/** All changes are idempotent: making what is there, or setting what is set, is no error. */
export interface BrokerAdmin {
  /** Topics that exist, of those named; with the named settings' effective values. */
  describe(topics: readonly string[], settings: readonly string[]): Promise<readonly ObservedTopic[]>;
  /** Names of all topics but Kafka's own. */
  list(): Promise<readonly string[]>;
  create(topic: string, partitions: number, config: Readonly<Record<string, string>>): Promise<'created' | 'exists'>;
  grow(topic: string, partitions: number): Promise<void>;
  /** Null: as the broker has it, whatever that is. */
  configure(topic: string, config: Readonly<Record<string, string | null>>): Promise<void>;
  remove(topic: string): Promise<void>;
  /** Null where the topic does not exist. */
  positions(topic: string): Promise<readonly TopicPositions[] | null>;
  /** By partition the first offset whose record's timestamp is at or after the time, null where there is none; null where the topic does not exist. */
  offsetsAt(topic: string, at: number): Promise<ReadonlyMap<number, string | null> | null>;
  close(): Promise<void>;
}
