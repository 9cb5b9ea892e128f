// What an HTTP sink sends and how it reads the answer: bodies of events, keys by which a receiver knows them again.
import { createHash } from 'node:crypto';
import type { HttpSinkGoal } from '#core/job/sink-goal.ts';
import { placeBeforeReplay, placeInSource } from './record-place.ts';
import type { Answer, Outgoing } from './remote/endpoint.ts';
import { type Again, excerpt, type Judgement, written } from './remote/judgement.ts';
import type { HeldRecord } from './remote/lane.ts';
import type { Protocol } from './remote/sender.ts';
import { zip } from './remote/zip.ts';
import type { RecordView } from './sink.ts';

export interface HttpProtocolParts {
  readonly goal: HttpSinkGoal;
  /** `<route>.<sink>`. */
  readonly jobName: string;
  readonly uid: string;
}

/**
 * The same for the same output of the same life of the job, whichever worker sends it and however often. So is that of a dead letter
 * that was given up without knowing what became of it. One that was refused is replayed under another key: a receiver may have
 * kept its refusal under the first, and is to look at the record anew.
 */
export function recordKey({ jobName, uid }: HttpProtocolParts, record: RecordView, unitTopicId: string): string {
  const placeOf = isUndecided(record) ? placeBeforeReplay : placeInSource;
  const { topic, topicId, partition, offset } = placeOf(record, unitTopicId);
  const { element = '' } = record;
  const place = `${topic}:${topicId.slice(0, 8)}:${partition}:${offset}`;
  return `${jobName}:${uid.slice(0, 8)}:${place}${element === '' ? '' : `:${element}`}`;
}

const isUndecided = ({ origin }: RecordView): boolean => ['retryable', 'throttled'].includes(origin?.errorClass ?? '');

/** The event as it stands in the body. */
export function httpPayload(parts: HttpProtocolParts, record: RecordView, key: string): Buffer {
  const { bytes, start, end } = record.value;
  const event = Buffer.from(bytes.subarray(start, end));
  if (parts.goal.format === 'ndjson')
    for (let at = 0; at < event.length; at++) if (event[at] === 0x0a || event[at] === 0x0d) event[at] = 0x20;
  if (!parts.goal.envelope) return event;
  const about = `{"key":${JSON.stringify(key)},"offset":${record.offset},"timestamp":${record.timestamp},"event":`;
  return Buffer.concat([Buffer.from(about), event, Buffer.from('}')]);
}

export function httpProtocol(parts: HttpProtocolParts): Protocol {
  const { pathname, search } = new URL(parts.goal.url);
  return { encode: (records) => encode(parts, pathname + search, records), judge };
}

const contentTypes = { array: 'application/json', single: 'application/json', ndjson: 'application/x-ndjson' } as const;

async function encode(parts: HttpProtocolParts, path: string, records: readonly HeldRecord[]): Promise<Outgoing> {
  const { goal, jobName } = parts;
  const { split, offset } = records[0]!.original;
  const last = records.at(-1)!.original.offset;
  const plain = bodyOf(goal.format, records);
  const { body, headers } = goal.compression === 'gzip' ? await zip(plain) : { body: plain, headers: {} };
  return {
    ...{ method: goal.method, path },
    headers: {
      ...goal.headers,
      ...headers,
      'content-type': contentTypes[goal.format],
      'idempotency-key': idempotencyKey(records),
      'millrace-job': jobName,
      'millrace-split': split.name,
      'millrace-offsets': `${offset}-${last}`,
      'millrace-records': String(records.length),
      'millrace-epoch': String(split.epoch),
    },
    body,
  };
}

/** Of one record its own key; of several the first's, the last's and what lies between, so that other records have another. */
export function idempotencyKey(records: readonly HeldRecord[]): string {
  const first = records[0]!.id;
  if (records.length === 1) return first;
  const hash = createHash('sha256')
    .update(records.map(({ id }) => id).join('\n'))
    .digest('hex')
    .slice(0, 16);
  return `${first}-${records.at(-1)!.original.offset}:${hash}`;
}

const [open, comma, close, newline] = ['[', ',', ']', '\n'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

function bodyOf(format: HttpSinkGoal['format'], records: readonly HeldRecord[]): Buffer {
  switch (format) {
    case 'single':
      return records[0]!.payload;
    case 'ndjson':
      return Buffer.concat(records.flatMap(({ payload }) => [payload, newline]));
    case 'array':
      return Buffer.concat([...records.flatMap(({ payload }, index) => [index === 0 ? open : comma, payload]), close]);
  }
}

/**
 * 4xx answers that say nothing of the events: they are tried again. 409: a request with the same key is still worked on. A
 * receiver that is not there (404, 405, 410) must not turn every event into a dead letter.
 */
const laterStatuses: Readonly<Record<number, string>> = {
  401: 'sink-unauthorized',
  403: 'sink-unauthorized',
  404: 'sink-missing',
  405: 'sink-missing',
  407: 'sink-unauthorized',
  408: 'sink-refused',
  409: 'sink-refused',
  410: 'sink-missing',
  421: 'sink-refused',
  423: 'sink-refused',
  425: 'sink-refused',
  426: 'sink-refused',
  429: 'sink-throttled',
  431: 'sink-refused',
  451: 'sink-refused',
};

export function judge(records: readonly HeldRecord[], answer: Answer): Judgement {
  const { status, retryAfterMs } = answer;
  if (status >= 200 && status < 300) return { kind: 'items', items: records.map(() => written) };
  const message = `the receiver answered ${status}: ${excerpt(answer.body)}`;
  const again = (code: string): Again => ({ kind: 'again', code, message, afterMs: retryAfterMs });
  if (status >= 300 && status < 400) return again('sink-redirects');
  if (status < 400 || status >= 500) return again('sink-refused');
  const later = laterStatuses[status];
  if (later !== undefined) return again(later);
  const errorClass = status === 413 ? 'too-large' : 'rejected';
  return { kind: 'refused', refusal: { errorClass, code: `sink-${status}`, message } };
}
