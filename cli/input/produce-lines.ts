// Lines into a stream: gathered into batches, a bounded number of them on their way, each line's fate known by its number in the input.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, ApiError } from '#cli/api-client.ts';
import { type InputLine, isBlank, readLines } from '#cli/input/lines.ts';
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
  /** Where sending ended early: from this line on nothing is known to have arrived. */
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
  unknown: ProduceOutcome['unknown'];
}

/** A request is never repeated by itself: where its answer is lost, its lines are named, and their sender decides. */
export async function produceLines(
  api: ApiClient,
  stream: string,
  source: AsyncIterable<Uint8Array>,
  inFlightMax: number,
): Promise<ProduceOutcome> {
  const progress: Progress = { acknowledged: 0, refused: 0, bad: [], unknown: null };
  const inFlight = new Set<Promise<void>>();
  for await (const batch of readBatches(source, progress)) {
    while (inFlight.size >= inFlightMax) await Promise.race(inFlight);
    if (progress.unknown !== null) break;
    const sent: Promise<void> = sendBatch(api, stream, batch, progress).finally(() => inFlight.delete(sent));
    // Awaited below; until then a failure must not count as unheard.
    sent.catch(() => {});
    inFlight.add(sent);
  }
  await Promise.all(inFlight);
  progress.bad.sort((a, b) => a.line - b.line);
  return progress;
}

function refuseLine(progress: Progress, line: BadLine): void {
  progress.refused++;
  if (progress.bad.length < badLinesShown) progress.bad.push(line);
}

async function* readBatches(source: AsyncIterable<Uint8Array>, progress: Progress): AsyncGenerator<Batch> {
  const groups = readLines(source, limits.recordBytesMax)[Symbol.asyncIterator]();
  let batch = emptyBatch();
  for (let next = groups.next(); ; ) {
    const group = batch.lines.length === 0 ? await next : await withinMs(next, lingerMs);
    if (group === null || group.done) {
      if (batch.lines.length > 0) yield batch;
      batch = emptyBatch();
      if (group?.done) return;
      continue;
    }
    next = groups.next();
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

async function sendBatch(api: ApiClient, stream: string, batch: Batch, progress: Progress): Promise<void> {
  const body = Buffer.concat(batch.lines.flatMap((line) => [line.bytes, lineEnd]));
  let answer: AppendAnswer;
  try {
    answer = await append(api, stream, body);
  } catch (error) {
    // Refused as a whole before anything was sent: the same for every line, so it is told as what it is.
    if (error instanceof ApiError && error.problem.status < 500 && progress.acknowledged === 0) throw error;
    const fromLine = Math.min(batch.lines[0]!.number, progress.unknown?.fromLine ?? Number.POSITIVE_INFINITY);
    const toLine = Math.max(batch.lines.at(-1)!.number, progress.unknown?.toLine ?? 0);
    progress.unknown = { fromLine, toLine, reason: messageOf(error) };
    return;
  }
  progress.acknowledged += answer.acknowledged;
  for (const result of answer.results)
    if (!result.ok) {
      const number = batch.lines[result.line - 1]?.number ?? result.line;
      refuseLine(progress, { line: number, code: result.code, message: result.message });
    }
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
