// The sink that is an OpenSearch or Elasticsearch cluster: documents under ids of their own, by the bulk API.
import { createByteSink, createProcessor, PASSED } from '#core/expression/index.ts';
import type { OpenSearchSinkGoal } from '#core/job/sink-goal.ts';
import { partitionOfKey } from '#core/partition-of-key.ts';
import { hasIndex, indexName, parseIndexPattern } from '#core/spec/sinks/index-pattern.ts';
import type { Unit } from '../split.ts';
import { bulkPayload, bulkProtocol } from './opensearch-bulk.ts';
import { placeBeforeReplay } from './record-place.ts';
import type { Endpoint } from './remote/endpoint.ts';
import type { Proof } from './remote/proof.ts';
import { type RemoteParts, RemoteSink, type Service } from './remote/remote-sink.ts';
import type { RecordView, Refusal, Sink } from './sink.ts';

/** Requests under way at a time, and orders of delivery: an id is always in the same. */
const lanesMax = 4;
/** An answer tells of each document; with errors it may be long. */
const answerBytesMax = 16 * 1024 * 1024;
const exchangeMs = 60_000;
/** What the cluster takes as an id. */
const idBytesMax = 512;

export function openSearchSink(goal: OpenSearchSinkGoal, parts: RemoteParts): Sink {
  const basePath = new URL(goal.url).pathname.replace(/\/+$/, '');
  const indexOf = indexer(goal);
  const idOf = identifier(goal);
  const laneOf = laner(goal, parts);
  const service: Service = {
    ...bulkProtocol(basePath),
    ...{ requestsMax: lanesMax, answerBytesMax, exchangeMs, thing: 'document' },
    greet: async (endpoint, proof) => await greet(basePath, endpoint, proof),
    shape: (record, unit) => {
      const { value } = record;
      if (value.end < 0) return refused('sink-no-document', 'a record without a value is no document');
      const index = indexOf(record);
      if (index === null) return refused('sink-no-index', `no time that the index ${goal.index} could be named after`);
      const id = idOf(record, unit);
      if (id === null)
        return refused('sink-no-id', 'the column that is the id is NULL, empty or longer than 512 bytes');
      const payload = bulkPayload(index, id, value.bytes.subarray(value.start, value.end));
      return { lane: laneOf(record), id, payload };
    },
  };
  return new RemoteSink(goal, parts, service);
}

/** The cluster has to answer and to know us. One that lets us write and not look (403) is found. */
async function greet(basePath: string, endpoint: Endpoint, proof: Proof | null): Promise<void> {
  const request = { method: 'GET', path: `${basePath}/`, headers: {}, body: null };
  const answer = await endpoint.exchange(request, proof);
  if (answer.kind === 'no-answer') throw new Error(answer.message);
  if (answer.status === 401) throw new Error('the cluster does not know us (401): see the secret of `auth`');
  if (answer.status >= 500) throw new Error(`the cluster answers ${answer.status}`);
}

function indexer(goal: OpenSearchSinkGoal): (record: RecordView) => string | null {
  const pattern = parseIndexPattern(goal.index);
  if (!pattern.ok) throw new Error(pattern.problem);
  if (goal.indexTime === null) return () => indexName(pattern.value, 0);
  const time = createProcessor(goal.indexTime);
  const output = createByteSink(256);
  return ({ value }) => {
    output.length = 0;
    if (time.process(value.bytes, value.start, value.end, output) !== PASSED) return null;
    const atMs = readTime(Buffer.from(output.bytes.subarray(0, output.length)).toString());
    return atMs === null ? null : indexName(pattern.value, atMs);
  };
}

function identifier({ keyed }: OpenSearchSinkGoal): (record: RecordView, unit: Unit) => string | null {
  if (keyed)
    return ({ key }) => {
      const bytes = key.end - key.start;
      return bytes < 1 || bytes > idBytesMax ? null : Buffer.from(key.bytes.subarray(key.start, key.end)).toString();
    };
  return (record, unit) => {
    // Offsets of a topic that was made anew begin anew, and must not overwrite what the old one's led to.
    const { topic, topicId, partition, offset } = placeBeforeReplay(record, unit.topicId);
    const { element = '' } = record;
    const place = `${topic}-${partition}-${offset}-${topicId.slice(0, 8)}`;
    return element === '' ? place : `${place}-${element}`;
  };
}

/** Documents without a declared id never meet: they fill one batch after the other, unless a partition's order is asked for. */
function laner(goal: OpenSearchSinkGoal, { ordering }: RemoteParts): (record: RecordView) => string {
  let taken = 0;
  return ({ key, split }) => {
    if (ordering === 'per-partition') return String(split.partition % lanesMax);
    const lane = goal.keyed
      ? partitionOfKey(key.bytes, key.start, key.end, lanesMax)
      : Math.floor(taken++ / goal.batch.maxRecords) % lanesMax;
    return String(lane);
  };
}

const refused = (code: string, message: string): Refusal => ({ errorClass: 'rejected', code, message });

/** `{"at":…}`: epoch milliseconds, or ISO text, in UTC where it names no zone. */
export function readTime(json: string): number | null {
  const { at } = JSON.parse(json) as { readonly at: unknown };
  const atMs = typeof at === 'number' ? at : typeof at === 'string' ? Date.parse(isoOf(at)) : Number.NaN;
  return hasIndex(atMs) ? atMs : null;
}

/** PostgreSQL writes a space before the time, and may leave the zone or its minutes out. A date alone is UTC's. */
function isoOf(text: string): string {
  const match = /^(\d{4}-\d{2}-\d{2})[ T]([^+\-zZ]+)([+-]\d{2}(?::?\d{2})?|[zZ])?$/.exec(text);
  if (match === null) return text;
  const [, date, time, zone = 'Z'] = match;
  return `${date}T${time}${zone.length === 3 ? `${zone}:00` : zone.toUpperCase()}`;
}
