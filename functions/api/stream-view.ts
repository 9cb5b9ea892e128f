// A stream as the API shows it: what is declared of it, and what the broker says.
import type { StreamView } from '#core/api/wire.ts';
import { messageOf } from '#core/errors.ts';
import type { StreamNode } from '#core/graph/world.ts';
import { topicOfStream, topicSettings } from '#core/names.ts';
import type { BrokerAdmin, ObservedTopic } from '#core/ports/broker-admin.ts';
import { writeFields } from '#core/spec/field-types.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { isoTime, resourceFields } from '#functions/api/views.ts';
import type { TenantWorld } from '#functions/api/world-cache.ts';

/** The broker's side of several streams, asked for at once; `failure` in words where it cannot be asked. */
interface Observation {
  readonly topics: ReadonlyMap<string, ObservedTopic>;
  readonly failure: string | null;
}

export async function streamViews(
  parts: ApiParts,
  tenant: TenantWorld,
  names: readonly string[],
  counts: 'with-counts' | 'without-counts',
): Promise<readonly StreamView[]> {
  const observation = await observe(parts.broker, tenant.tenant, names);
  return await Promise.all(
    names.map(async (name): Promise<StreamView> => {
      const topic = observation.topics.get(topicOfStream(tenant.tenant, name)) ?? null;
      const records = counts === 'with-counts' && topic ? await countRecords(parts.broker, topic.topic) : null;
      return streamView(tenant, name, { ...observation, topic, records });
    }),
  );
}

async function observe(broker: BrokerAdmin, tenant: string, names: readonly string[]): Promise<Observation> {
  try {
    const found = await broker.describe(
      names.map((name) => topicOfStream(tenant, name)),
      topicSettings,
    );
    return { topics: new Map(found.map((topic) => [topic.topic, topic])), failure: null };
  } catch (error) {
    return { topics: new Map(), failure: messageOf(error) };
  }
}

async function countRecords(broker: BrokerAdmin, topic: string): Promise<number | null> {
  try {
    const positions = await broker.positions(topic);
    return positions?.reduce((sum, { earliest, latest }) => sum + Number(BigInt(latest) - BigInt(earliest)), 0) ?? null;
  } catch {
    return null;
  }
}

function streamView(
  tenant: TenantWorld,
  name: string,
  observed: { readonly topic: ObservedTopic | null; readonly records: number | null; readonly failure: string | null },
): StreamView {
  const node = tenant.stream(name);
  const revision = tenant.revision('Stream', name);
  const resource = revision ? resourceFields(revision) : node ? impliedFields(tenant, node) : null;
  if (resource === null) throw new Error(`no stream ${name}`);
  return {
    kind: 'Stream',
    ...resource,
    status: {
      ...phaseOf(node?.partitions ?? 0, observed.topic, observed.failure),
      topic: topicOfStream(tenant.tenant, name),
      observed: shown(observed.topic),
      records: observed.records,
      readers: node?.readers ?? [],
      writers: node?.writers ?? [],
    },
  };
}

function shown(observed: ObservedTopic | null): StreamView['status']['observed'] {
  if (observed === null) return null;
  const { topic, topicId, partitions, config } = observed;
  return { topic, topicId, partitions, config };
}

function impliedFields(tenant: TenantWorld, node: StreamNode) {
  const writer = node.writers[0]!;
  const route = tenant.revision('Route', writer)!;
  return {
    ...resourceFields(route),
    metadata: { name: node.name, owner: route.metadata.owner, labels: {} },
    spec: { partitions: node.partitions, ...(node.row ? { schema: { fields: writeFields(node.row) } } : {}) },
    revision: 0,
    impliedBy: writer,
    updatedAt: isoTime(route.at),
  };
}

function phaseOf(
  partitions: number,
  topic: ObservedTopic | null,
  failure: string | null,
): Pick<StreamView['status'], 'phase' | 'message'> {
  if (failure !== null) return { phase: 'Unknown', message: failure };
  if (topic === null) return { phase: 'Pending', message: 'the topic is not there yet: the reconciler makes it' };
  return topic.partitions >= partitions
    ? { phase: 'Ready', message: `${topic.partitions} partition(s)` }
    : { phase: 'Pending', message: `${topic.partitions} of ${partitions} partitions: the reconciler adds the others` };
}
