// The sink that is an OpenSearch or Elasticsearch cluster: documents under ids of their own, by the bulk API.

import { createByteSink, createProcessor, PASSED, type RecordProcessor } from '#core/expression/index.ts';
import type { OpenSearchSinkGoal } from '#core/job/sink-goal.ts';
import { partitionOfKey } from '#core/partition-of-key.ts';
import type { Ordering } from '#core/spec/route-spec.ts';
import { hasIndex, type IndexPattern, indexName, parseIndexPattern } from '#core/spec/sinks/index-pattern.ts';
import type { Unit } from '../split.ts';
import { bulkPayload, bulkProtocol } from './opensearch-bulk.ts';
import { OutputNumber } from './remote/output-number.ts';
import { createRemote, heldRecord, type Remote, type RemoteParts } from './remote/remote.ts';
import type { Original, RecordView, Refusal, Sink } from './sink.ts';

/** Requests under way at a time, and orders of delivery: an id is always in the same. */
const lanesMax = 4;
/** An answer tells of each document; with errors it may be long. */
const answerBytesMax = 16 * 1024 * 1024;
const exchangeMs = 60_000;
/** What the cluster takes as an id. */
const idBytesMax = 512;

export class OpenSearchSink implements Sink {
  readonly #goal: OpenSearchSinkGoal;
  readonly #pattern: IndexPattern;
  readonly #remote: Remote;
  readonly #time: RecordProcessor | null;
  readonly #timeOutput = createByteSink(256);
  readonly #basePath: string;
  readonly #ordering: Ordering;
  readonly #outputs = new OutputNumber();
  #taken = 0;

  constructor(goal: OpenSearchSinkGoal, parts: RemoteParts) {
    this.#goal = goal;
    const pattern = parseIndexPattern(goal.index);
    if (!pattern.ok) throw new Error(pattern.problem);
    this.#pattern = pattern.value;
    this.#ordering = parts.ordering;
    this.#time = goal.indexTime === null ? null : createProcessor(goal.indexTime);
    this.#basePath = new URL(goal.url).pathname.replace(/\/+$/, '');
    const bounds = { requestsMax: lanesMax, answerBytesMax, exchangeMs };
    this.#remote = createRemote(goal, parts, bulkProtocol(this.#basePath), bounds);
  }

  get isRefused(): boolean {
    return this.#remote.sender.isRefused;
  }

  /** The cluster has to answer and to know us. One that lets us write and not look (403) is found. */
  async open(): Promise<void> {
    const { sender, endpoint } = this.#remote;
    const credential = await sender.open();
    const request = { method: 'GET', path: `${this.#basePath}/`, headers: {}, body: null };
    const answer = await endpoint.exchange(request, credential);
    if (answer.kind === 'no-answer') throw new Error(answer.message);
    if (answer.status === 401) throw new Error('the cluster does not know us (401): see the secret of `auth`');
    if (answer.status >= 500) throw new Error(`the cluster answers ${answer.status}`);
  }

  take(record: RecordView, unit: Unit, original: Original): Refusal | null {
    const { value } = record;
    if (value.end < 0) return refused('sink-no-document', 'a record without a value is no document');
    const index = this.#indexOf(record);
    if (index === null)
      return refused('sink-no-index', `no time that the index ${this.#goal.index} could be named after`);
    const id = this.#idOf(record, unit);
    if (id === null) return refused('sink-no-id', 'the column that is the id is NULL, empty or longer than 512 bytes');
    const payload = bulkPayload(index, id, value.bytes.subarray(value.start, value.end));
    if (payload.length > this.#goal.batch.maxBytes)
      return {
        ...{ errorClass: 'too-large', code: 'sink-record-too-large' },
        message: `the document has ${payload.length} bytes, a batch ${this.#goal.batch.maxBytes} (batch.maxBytes)`,
      };
    this.#remote.sender.add(this.#laneOf(record), heldRecord(original.keep(), unit, payload, id));
    return null;
  }

  room(): Promise<void> | null {
    return this.#remote.sender.room();
  }

  nudge(): void {
    this.#remote.sender.pump();
  }

  flush(): void {
    this.#remote.sender.flush();
  }

  startOver(): null {
    this.#remote.sender.startOver();
    return null;
  }

  async close(): Promise<void> {
    this.#remote.sender.close();
  }

  #indexOf({ value }: RecordView): string | null {
    if (this.#time === null) return indexName(this.#pattern, 0);
    this.#timeOutput.length = 0;
    if (this.#time.process(value.bytes, value.start, value.end, this.#timeOutput) !== PASSED) return null;
    const atMs = readTime(Buffer.from(this.#timeOutput.bytes.subarray(0, this.#timeOutput.length)).toString());
    return atMs === null ? null : indexName(this.#pattern, atMs);
  }

  #idOf({ key, split, offset }: RecordView, unit: Unit): string | null {
    // Offsets of a topic that was made anew begin anew, and must not overwrite what the old one's led to.
    if (!this.#goal.keyed) {
      const number = this.#outputs.next(unit, offset);
      const place = `${split.topic}-${split.partition}-${offset}-${unit.topicId.slice(0, 8)}`;
      return number === 0 ? place : `${place}-${number}`;
    }
    const bytes = key.end - key.start;
    return bytes < 1 || bytes > idBytesMax ? null : Buffer.from(key.bytes.subarray(key.start, key.end)).toString();
  }

  /** Documents without a declared id never meet: they fill one batch after the other, unless a partition's order is asked for. */
  #laneOf({ key, split }: RecordView): string {
    if (this.#ordering === 'per-partition') return String(split.partition % lanesMax);
    const lane = this.#goal.keyed
      ? partitionOfKey(key.bytes, key.start, key.end, lanesMax)
      : Math.floor(this.#taken++ / this.#goal.batch.maxRecords) % lanesMax;
    return String(lane);
  }
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
