// A broker's topics in memory, its administration held to the same contract as the real one: for simulations.
import { PlatformError } from '#core/errors.ts';
import type { BrokerAdmin, ObservedTopic } from '#core/ports/broker-admin.ts';

interface MemoryTopic {
  readonly topicId: string;
  /** Overrides only; what is not set has the broker's value. */
  config: Readonly<Record<string, string>>;
  /** What was last told of it, and of which settings; null when it has changed since. */
  told: { readonly settings: readonly string[]; readonly topic: ObservedTopic } | null;
  /** Per partition, the next offset to be written. */
  readonly ends: number[];
  /** Per partition, the first offset that is still there. */
  readonly starts: number[];
}

export interface MemoryBrokerAdmin extends BrokerAdmin {
  /** Records arrive in a partition. */
  append(topic: string, partition: number, recordCount: number): void;
  /** Retention deletes the records before an offset. */
  expire(topic: string, partition: number, before: number): void;
  /** What a client's metadata and fetches show, at once. */
  look(topic: string): Readonly<MemoryTopic> | null;
  /** The broker lost everything and starts empty. */
  wipe(): void;
}

type Config = Readonly<Record<string, string>>;

const brokersValues: Config = {
  'cleanup.policy': 'delete',
  'max.message.bytes': '1048588',
  'min.insync.replicas': '1',
  'retention.ms': '604800000',
};

/** `ownValues`: what the broker is set to itself, where that matters. */
export function createMemoryBrokerAdmin(ownValues: Config = {}): MemoryBrokerAdmin {
  const defaults = { ...brokersValues, ...ownValues };
  const topics = new Map<string, MemoryTopic>();
  let topicCount = 0;
  return {
    describe: async (names, settings) =>
      names.flatMap((topic) => {
        const there = topics.get(topic);
        if (there === undefined) return [];
        if (there.told?.settings !== settings)
          there.told = { settings, topic: observe(topic, { ...defaults, ...there.config }, there, settings) };
        return [there.told.topic];
      }),
    list: async () => [...topics.keys()],
    create: async (topic, partitions, config) => {
      if (topics.has(topic)) return 'exists';
      const topicId = `00000000-0000-4000-8000-${String(++topicCount).padStart(12, '0')}`;
      topics.set(topic, {
        topicId,
        config: { ...config },
        told: null,
        ends: new Array(partitions).fill(0),
        starts: new Array(partitions).fill(0),
      });
      return 'created';
    },
    grow: async (topic, partitions) => {
      const there = existing(topics, topic);
      while (there.ends.length < partitions) there.ends.push(0);
      while (there.starts.length < partitions) there.starts.push(0);
      there.told = null;
    },
    configure: async (topic, config) => {
      const there = existing(topics, topic);
      const all = Object.entries({ ...there.config, ...config });
      there.config = Object.fromEntries(all.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
      there.told = null;
    },
    remove: async (topic) => {
      topics.delete(topic);
    },
    positions: async (topic) =>
      topics.get(topic)?.ends.map((end, partition) => ({
        ...{ partition, earliest: String(topics.get(topic)!.starts[partition]), latest: String(end) },
      })) ?? null,
    /** Its records bear no time: nothing is found by one. */
    offsetsAt: async (topic) => {
      const there = topics.get(topic);
      return there === undefined ? null : new Map(there.ends.map((_, partition) => [partition, null]));
    },
    close: async () => {},
    append: (topic, partition, recordCount) => {
      existing(topics, topic).ends[partition]! += recordCount;
    },
    expire: (topic, partition, before) => {
      const { ends, starts } = existing(topics, topic);
      starts[partition] = Math.max(starts[partition]!, Math.min(before, ends[partition]!));
    },
    look: (topic) => topics.get(topic) ?? null,
    wipe: () => topics.clear(),
  };
}

function observe(topic: string, values: Config, there: MemoryTopic, settings: readonly string[]): ObservedTopic {
  const named = settings.filter((name) => name in values).map((name) => [name, values[name]!] as const);
  return {
    ...{ topic, topicId: there.topicId, partitions: there.ends.length, config: Object.fromEntries(named) },
    own: settings.filter((name) => name in there.config),
  };
}

function existing(topics: ReadonlyMap<string, MemoryTopic>, topic: string): MemoryTopic {
  const there = topics.get(topic);
  if (there !== undefined) return there;
  throw new PlatformError('topic-missing', `kafka has no topic ${topic}`, { fault: 'external', retry: 'retry' });
}
