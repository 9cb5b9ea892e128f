// Reads a topic for a person: from where they say, only what they ask for, in the form that was agreed on, bounded.
import { createByteSink, createProcessor, PASSED, type RecordProcessor, type RowType } from '#core/expression/index.ts';
import { limits } from '#core/limits.ts';
import type { LogRecord } from '#core/ports/record-log.ts';
import { parseDuration } from '#core/spec/quantity.ts';
import type { Answer, ApiRequest } from '#functions/api/endpoint.ts';
import { type Formatted, readFormatted } from '#functions/api/formatted-records.ts';
import { type Position, type RecordsQuery, readPosition } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { recordLine, valueLine } from '#functions/api/record-lines.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

export const lineTypes = ['application/x-ndjson', 'text/event-stream', 'application/json'] as const;

/** An answer that is collected before it leaves ends early: a function's answer holds 6 MB and its time is short. */
const collected = { bytesMax: 4 * 1024 * 1024, waitMsMax: 20_000 } as const;
const pageRecords = 100;
const waitMsDefault = 60_000;

interface Tail extends Formatted {
  readonly topic: string;
  readonly from: Position;
  readonly follow: boolean;
  readonly recordsMax: number;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
  readonly keep: ((record: LogRecord) => boolean) | null;
}

export async function tailTopic(
  request: ApiRequest<unknown, RecordsQuery, unknown>,
  parts: ApiParts,
  source: Formatted & {
    readonly topic: string;
    readonly row: RowType | null;
    readonly keep?: (record: LogRecord) => boolean;
  },
): Promise<Answer> {
  const { search, accepted, streams } = request;
  const follow = search.follow === 'true';
  const page = accepted === 'application/json';
  if (follow && page)
    throw new ApiRefusal(406, 'not-acceptable', 'a stream that is followed has no end, so it is no JSON document', {
      fix: 'accept application/x-ndjson or text/event-stream',
    });
  const keep = source.keep ?? (search.where === undefined ? null : recordFilter(search.where, source.row, parts));
  // Asked before the answer begins: a missing topic can be told only then.
  const [topic] = await parts.broker.describe([source.topic], []);
  if (!topic) throw topicMissing(source.topic);
  const recordsMax = Number(
    search.limit ?? (page ? pageRecords : follow || streams ? Number.POSITIVE_INFINITY : limits.tailRecordsMax),
  );
  const tail: Tail = {
    ...{ topic: source.topic, tenant: source.tenant, format: source.format, follow, keep },
    from: readPosition(search.from ?? (follow ? 'latest' : 'earliest')) ?? 'earliest',
    recordsMax: page || !streams ? Math.min(recordsMax, limits.tailRecordsMax) : recordsMax,
    bytesMax: page || !streams ? collected.bytesMax : Number.POSITIVE_INFINITY,
    signal: endOf(request.signal, search.timeout, { follow, streams }),
  };
  const records = readTail(parts, tail);
  if (page) return { kind: 'lines', contentType: accepted, lines: pageOf(records) };
  const events = accepted === 'text/event-stream';
  const lines = linesOf(records, search.metadata === 'true', events);
  return { kind: 'lines', contentType: accepted, lines };
}

export const topicMissing = (topic: string): ApiRefusal =>
  new ApiRefusal(
    503,
    'topic-missing',
    `topic ${topic} is not there: declared a moment ago, or lost and being made again`,
    {
      headers: { 'retry-after': '1' },
      fix: 'try again in a moment',
    },
  );

function endOf(
  client: AbortSignal,
  timeout: string | undefined,
  { follow, streams }: { readonly follow: boolean; readonly streams: boolean },
): AbortSignal {
  const parsed = timeout === undefined ? null : parseDuration(timeout);
  const asked = parsed?.ok ? parsed.value : null;
  const waitMs = streams
    ? (asked ?? (follow ? null : waitMsDefault))
    : Math.min(asked ?? collected.waitMsMax, collected.waitMsMax);
  return waitMs === null ? client : AbortSignal.any([client, AbortSignal.timeout(waitMs)]);
}

/** A record over which the expression cannot be evaluated is not one for which it is true. */
export function recordFilter(where: string, row: RowType | null, parts: ApiParts): (record: LogRecord) => boolean {
  const planned = parts.planRoute({ where }, row, { validate: 'read' });
  if (!planned.ok) {
    const problems = planned.problem.map(({ code: _code, hint, ...problem }) => ({
      ...{ path: 'where', ...problem },
      ...(hint === undefined ? {} : { fix: hint }),
    }));
    throw new ApiRefusal(422, 'expression-refused', `where: ${problems[0]?.message ?? 'refused'}`, { problems });
  }
  const processor: RecordProcessor = createProcessor(planned.value);
  const out = createByteSink(1024);
  return ({ value }) => {
    out.length = 0;
    return value !== null && processor.process(value, 0, value.length, out) === PASSED;
  };
}

async function* readTail(parts: ApiParts, tail: Tail): AsyncGenerator<LogRecord, void> {
  const { topic, from, follow, signal, keep } = tail;
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  let recordCount = 0;
  let bytes = 0;
  try {
    for await (const record of readFormatted(parts, tail, { topic, from, follow, signal: until })) {
      if (keep !== null && !keep(record)) continue;
      yield record;
      bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
      if (++recordCount >= tail.recordsMax || bytes >= tail.bytesMax) return;
    }
  } finally {
    ended.abort();
  }
}

async function* linesOf(
  records: AsyncIterable<LogRecord>,
  metadata: boolean,
  events: boolean,
): AsyncGenerator<Uint8Array, void> {
  const [before, after] = events ? [Buffer.from('data: '), Buffer.from('\n\n')] : [Buffer.alloc(0), Buffer.from('\n')];
  for await (const record of records)
    yield Buffer.concat([before, metadata ? Buffer.from(recordLine(record)) : valueLine(record), after]);
}

/** A page as one JSON document, made as it goes. */
async function* pageOf(records: AsyncIterable<LogRecord>): AsyncGenerator<Uint8Array, void> {
  let separator = '{"items":[';
  for await (const record of records) {
    yield Buffer.from(`${separator}${recordLine(record)}`);
    separator = ',';
  }
  yield Buffer.from(separator === ',' ? ']}' : '{"items":[]}');
}
