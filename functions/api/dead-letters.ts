// A job's dead letters as the API looks through them: filtered by why they failed and by what is in them, counted, bounded.
import type { DeadLetterGroup, DeadLetterSummary } from '#core/api/wire.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { deadLetterHeaders, replaysHeader } from '#core/names.ts';
import type { DeadLetterFilter } from '#core/operations/replay.ts';
import type { LogRecord, ReadRequest } from '#core/ports/record-log.ts';
import { readFormatted } from '#functions/api/formatted-records.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { recordFilter } from '#functions/api/tail-topic.ts';
import { isoTime } from '#functions/api/views.ts';

/** How many are looked through for one answer, and for how long at most. */
const scanned = { recordsMax: 200_000, waitMsMax: 10_000 } as const;

const headerOf = ({ headers }: LogRecord, name: string): string => {
  const value = headers.find((header) => header.name === name)?.value;
  return value ? Buffer.from(value).toString('utf8') : '';
};

export function deadLetterFilter(parts: ApiParts, filter: DeadLetterFilter): (record: LogRecord) => boolean {
  const { errorClass, errorCode, where } = filter;
  const fits = where === undefined ? () => true : recordFilter(where, null, parts);
  return (record) =>
    (errorClass === undefined || headerOf(record, deadLetterHeaders.errorClass) === errorClass) &&
    (errorCode === undefined || headerOf(record, deadLetterHeaders.errorCode) === errorCode) &&
    fits(record);
}

/** Counted by class and code, the most frequent first. */
export async function summarizeDeadLetters(
  parts: ApiParts,
  { deadLetterTopic: topic, tenant, source }: JobGoal,
  filter: DeadLetterFilter,
  client: AbortSignal,
): Promise<DeadLetterSummary> {
  const keep = deadLetterFilter(parts, filter);
  const ended = new AbortController();
  const signal = AbortSignal.any([client, ended.signal, AbortSignal.timeout(scanned.waitMsMax)]);
  // Their values are looked at only where that is asked for.
  const formatted = { tenant, format: filter.where === undefined ? undefined : source.format };
  const readDeadLetters = (request: ReadRequest): AsyncIterable<LogRecord> => readFormatted(parts, formatted, request);
  const groups = new Map<string, DeadLetterGroup>();
  let lookedAt = 0;
  let isComplete = true;
  try {
    for await (const record of readDeadLetters({ topic, from: 'earliest', follow: false, signal })) {
      if (lookedAt++ >= scanned.recordsMax) break;
      if (keep(record)) note(groups, record);
    }
    isComplete = !signal.aborted && lookedAt <= scanned.recordsMax;
  } finally {
    ended.abort();
  }
  const items = [...groups.values()].sort((a, b) => b.count - a.count);
  return { items, total: items.reduce((sum, { count }) => sum + count, 0), isComplete };
}

function note(groups: Map<string, DeadLetterGroup>, record: LogRecord): void {
  const errorClass = headerOf(record, deadLetterHeaders.errorClass);
  const errorCode = headerOf(record, deadLetterHeaders.errorCode);
  const key = `${errorClass} ${errorCode}`;
  const failedAt = isoTime(Number(headerOf(record, deadLetterHeaders.failedAt)) || record.timestamp);
  const known = groups.get(key);
  groups.set(key, {
    ...{ errorClass, errorCode, count: (known?.count ?? 0) + 1 },
    firstAt: known && known.firstAt < failedAt ? known.firstAt : failedAt,
    lastAt: known && known.lastAt > failedAt ? known.lastAt : failedAt,
    failedAgain: (known?.failedAgain ?? 0) + (headerOf(record, replaysHeader) === '' ? 0 : 1),
    example: known?.example ?? headerOf(record, deadLetterHeaders.errorMessage).slice(0, exampleCharsMax),
  });
}

const exampleCharsMax = 300;
