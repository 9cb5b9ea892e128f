// Lines into a stream: gathered into batches, a bounded number of them on their way, each line's fate known by its number in the input.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, ApiError } from '#cli/api-client.ts';
import { type InputLine, isBlank, readLines } from '#cli/input/lines.ts';
import type { Input } from '#cli/input/open-input.ts';
import type { AppendAnswer } from '#core/api/wire.ts';
import { messageOf } from '#core/errors.ts';
import { limits } from '#core/limits.ts';

const batchLinesMax = 1_000;
const batchBytesMax = 1024 * 1024;
/** A pipe that trickles is sent on as it comes. */
const lingerMs = 50;
const badLinesShown = 20;
const topicWithinMs = 10_000;
const topicPollMs = 200;

export interface BadLine {
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

export interface ProduceOutcome {
  readonly acknowledged: number;
  readonly refused: number;
  /** The first of those refused. */
  readonly bad: readonly BadLine[];
  /** Where sending ended early: which of these lines have arrived is not known, and no later line was sent. */
  readonly unknown: { readonly fromLine: number; readonly toLine: number; readonly reason: string } | null;
}

interface Batch {
  readonly lines: { readonly number: number; readonly bytes: Uint8Array }[];
  sizeBytes: number;
}

interface Progress {
  acknowledged: number;
  refused: number;
  readonly bad: BadLine[];
  /** The last line that was sent. */
  sentTo: number;
  failure: Failure | null;
}

interface Failure {
  /** The first that came: those of other batches say no more. */
  readonly error: unknown;
  /** The first line whose batch failed. */
  readonly fromLine: number;
  /** Every batch that failed was refused as a whole, before any of it was written. */
  readonly wasRefused: boolean;
}

/**
 * A request is never repeated by itself: where its answer is lost, its lines are named, and their sender decides. From the
 * first failure on nothing is read and nothing is sent, also where the input stays open.
 */
export async function produceLines(
  api: ApiClient,
  stream: string,
  source: Input,
  inFlightMax: number,
): Promise<ProduceOutcome> {
  const progress: Progress = { acknowledged: 0, refused: 0, bad: [], sentTo: 0, failure: null };
  const inFlight = new Set<Promise<undefined>>();
  const batches = readBatches(source.bytes, progress);
  let next = ahead(batches.next());
  try {
    while (progress.failure === null) {
      const isFull = inFlight.size >= inFlightMax;
      const batch = await Promise.race<IteratorResult<Batch> | undefined>(isFull ? inFlight : [next, ...inFlight]);
      if (batch === undefined || progress.failure !== null) continue;
      if (batch.done) break;
      progress.sentTo = batch.value.lines.at(-1)!.number;
      const sent = sendBatch(api, stream, batch.value, progress).then(() => void inFlight.delete(sent));
      inFlight.add(sent);
      next = ahead(batches.next());
    }
  } finally {
    source.close();
  }
  await Promise.all(inFlight);
  return outcomeOf(progress);
}

/** Read before it is asked for: if the input is closed by then, that is nobody's failure. */
function ahead<Value>(read: Promise<Value>): Promise<Value> {
  read.catch(() => {});
  return read;
}

function outcomeOf({ acknowledged, refused, bad, sentTo, failure }: Progress): ProduceOutcome {
  // The same for every line, and none has arrived: so it is told as what it is.
  if (failure?.wasRefused && acknowledged + refused === 0) throw failure.error;
  const unknown =
    failure === null ? null : { fromLine: failure.fromLine, toLine: sentTo, reason: messageOf(failure.error) };
  return { acknowledged, refused, bad: [...bad].sort((a, b) => a.line - b.line), unknown };
}

function refuseLine(progress: Progress, line: BadLine): void {
  progress.refused++;
  if (progress.bad.length < badLinesShown) progress.bad.push(line);
}

async function* readBatches(source: AsyncIterable<Uint8Array>, progress: Progress): AsyncGenerator<Batch> {
  const groups = readLines(source, limits.recordBytesMax)[Symbol.asyncIterator]();
  let batch = emptyBatch();
  for (let next = ahead(groups.next()); ; ) {
    const group = batch.lines.length === 0 ? await next : await withinMs(next, lingerMs);
    if (group === null || group.done) {
      if (batch.lines.length > 0) yield batch;
      batch = emptyBatch();
      if (group?.done) return;
      continue;
    }
    next = ahead(groups.next());
    for (const line of group.value) {
      if (!acceptLine(line, progress)) continue;
      if (
        batch.lines.length >= batchLinesMax ||
        (batch.lines.length > 0 && batch.sizeBytes + line.sizeBytes > batchBytesMax)
      ) {
        yield batch;
        batch = emptyBatch();
      }
      batch.lines.push({ number: line.number, bytes: line.bytes! });
      batch.sizeBytes += line.sizeBytes + 1;
    }
  }
}

function acceptLine(line: InputLine, progress: Progress): boolean {
  if (line.bytes !== null) return !isBlank(line.bytes);
  const message = `got ${line.sizeBytes} bytes, expected at most ${limits.recordBytesMax}`;
  refuseLine(progress, { line: line.number, code: 'too-large', message });
  return false;
}

/** Null where the input pauses. */
async function withinMs<Value>(promise: Promise<Value>, ms: number): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const pause = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, pause]);
  } finally {
    clearTimeout(timer);
  }
}

const emptyBatch = (): Batch => ({ lines: [], sizeBytes: 0 });

/** Never rejects: a failure is kept in `progress`. */
async function sendBatch(api: ApiClient, stream: string, batch: Batch, progress: Progress): Promise<void> {
  const body = Buffer.concat(batch.lines.flatMap((line) => [line.bytes, lineEnd]));
  let answer: AppendAnswer;
  try {
    answer = await append(api, stream, body);
  } catch (error) {
    progress.failure = withFailure(progress.failure, batch.lines[0]!.number, error);
    return;
  }
  progress.acknowledged += answer.acknowledged;
  for (const result of answer.results)
    if (!result.ok) {
      const number = batch.lines[result.line - 1]?.number ?? result.line;
      refuseLine(progress, { line: number, code: result.code, message: result.message });
    }
}

function withFailure(before: Failure | null, fromLine: number, error: unknown): Failure {
  const wasRefused = error instanceof ApiError && error.problem.status < 500;
  if (before === null) return { error, fromLine, wasRefused };
  return {
    error: before.error,
    fromLine: Math.min(fromLine, before.fromLine),
    wasRefused: wasRefused && before.wasRefused,
  };
}

/** A stream that was declared a moment ago gets its topic soon; until then nothing is sent, so asking again is safe. */
async function append(api: ApiClient, stream: string, body: Uint8Array): Promise<AppendAnswer> {
  const startedAt = performance.now();
  while (true)
    try {
      return await api.post<AppendAnswer>(`/v1/streams/${encodeURIComponent(stream)}/records`, { ndjson: body });
    } catch (error) {
      const missing = error instanceof ApiError && error.problem.code === 'topic-missing';
      if (!missing || performance.now() - startedAt > topicWithinMs) throw error;
      await sleep(topicPollMs);
    }
}

const lineEnd = Uint8Array.of(0x0a);
