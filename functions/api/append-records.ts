// POST /v1/streams/{name}/records: events in, and what became of each; acknowledged as durably as the stream declares.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { appendSchema } from '#core/api/schemas.ts';
import type { AppendAnswer, AppendView } from '#core/api/wire.ts';
import { messageOf } from '#core/errors.ts';
import { createByteSink, createProcessor, PASSED, type RecordProcessor } from '#core/expression/index.ts';
import type { RecordEncoder } from '#core/formats/record-encoder.ts';
import type { StreamNode } from '#core/graph/world.ts';
import { limits } from '#core/limits.ts';
import { topicOfStream } from '#core/names.ts';
import type { Json } from '#core/spec/json.ts';
import { backoffMs } from '#core/time/backoff.ts';
import { keyReused } from '#functions/api/apply-declaration.ts';
import { idempotencyKeyOf } from '#functions/api/caller.ts';
import { type ApiRequest, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { formatOf } from '#functions/api/formatted-records.ts';
import { missing } from '#functions/api/missing.ts';
import { named, nothing } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { type SentRecord, splitRecords } from '#functions/api/split-records.ts';
import { topicMissing } from '#functions/api/tail-topic.ts';

export const appendRecords = endpoint({
  ...{ method: 'POST', path: '/v1/streams/{name}/records', operationId: 'appendRecords', tag: 'Records' },
  summary: 'Send events',
  description:
    'NDJSON (an object a line) or a JSON array of objects. Each event has a result of its own: one that is malformed or too large holds up no other. An event that does not fit the stream’s schema is accepted: routes set it aside. With an Idempotency-Key the same request is carried out once, unless the API was killed in the middle of it, or could not keep what it answered (the goal store was down) and that answer was lost: then a repetition is refused for a minute, and after that carried out again.',
  ...{ params: named, query: nothing },
  body: {
    schema: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]),
    ...{ bytesMax: limits.requestBytesMax, rawTypes: ['application/json', 'application/x-ndjson'] },
    example: [{ id: 'a', type: 'play' }],
  },
  answers: { 200: { description: 'One result a record, in order.', schema: appendSchema } },
  problems: [409],
  reads: ['idempotency-key'],
  handle: async (request, parts) => {
    const known = await parts.worlds.readOrRecall(request.caller.tenant);
    const stream = known.stream(request.path.name);
    if (stream === null) throw missing('stream', request.path.name, known.names('Stream'));
    const records = splitRecords(request.contentType, request.body);
    return jsonAnswer(
      200,
      await onceByKey(request, parts, () => append(stream, records, request.caller.tenant, parts)),
    );
  },
});

async function append(
  stream: StreamNode,
  records: readonly SentRecord[],
  tenant: string,
  parts: ApiParts,
): Promise<AppendAnswer> {
  const format = formatOf(stream, parts);
  const encoder = format === undefined ? null : await parts.codecs.of(tenant, format).encoder(stream.name);
  const processor = createJudge(stream, parts);
  const out = createByteSink(1024);
  const judged = records.map((record) => encoded(judge(record, processor, out), encoder));
  const good = judged.filter((one) => one.kind === 'good');
  const topic = topicOfStream(tenant, stream.name);
  const durability = stream.document?.spec.durability;
  const outcomes = await parts.records.append(topic, good, durability).catch((error: unknown) => {
    throw (error as { code?: unknown }).code === 'topic-missing' ? topicMissing(topic) : error;
  });
  let next = 0;
  const results = judged.map(({ line, ...one }): AppendView => {
    if (one.kind === 'bad') return { line, ok: false, code: one.code, message: one.message };
    const outcome = outcomes[next++]!;
    return outcome.kind === 'appended'
      ? { line, ok: true, partition: outcome.partition, offset: outcome.offset }
      : { line, ok: false, code: outcome.code, message: outcome.message };
  });
  const acknowledged = results.filter((result) => result.ok).length;
  return { acknowledged, refused: results.length - acknowledged, results };
}

type Judged =
  | { readonly kind: 'good'; readonly line: number; readonly key: Uint8Array | null; readonly value: Uint8Array }
  | { readonly kind: 'bad'; readonly line: number; readonly code: string; readonly message: string };

/** The workers' own scanner decides what an event is, and finds its key, so that here and there mean the same. */
function createJudge({ document }: StreamNode, parts: ApiParts): RecordProcessor {
  const field = document?.spec.key ?? null;
  const key = field === null ? {} : { key: `"${field.replaceAll('"', '""')}"` };
  const planned = parts.planRoute(key, null, { validate: 'read' });
  if (!planned.ok) throw new Error(`the key ${field} cannot be read: ${planned.problem[0]?.message}`);
  return createProcessor(planned.value);
}

function judge(
  { line, bytes }: SentRecord,
  processor: RecordProcessor,
  out: ReturnType<typeof createByteSink>,
): Judged {
  if (bytes.length > limits.recordBytesMax) {
    const message = `got ${bytes.length} bytes, expected at most ${limits.recordBytesMax}`;
    return { kind: 'bad', line, code: 'too-large', message };
  }
  if (!isUtf8(bytes)) return { kind: 'bad', line, code: 'not-utf8', message: 'the event is not UTF-8' };
  out.length = 0;
  if (processor.process(bytes, 0, bytes.length, out) !== PASSED)
    return { kind: 'bad', line, ...(processor.fault ?? { code: 'malformed', message: 'the event is malformed' }) };
  const { key } = processor;
  if (key !== null && key.length > limits.recordKeyBytesMax) {
    const message = `got a key of ${key.length} bytes, expected at most ${limits.recordKeyBytesMax}`;
    return { kind: 'bad', line, code: 'key-too-large', message };
  }
  return { kind: 'good', line, key: key === null ? null : key.bytes.slice(0, key.length), value: bytes };
}

/** By the stream's schema, where it is no JSON: an event that does not fit is refused here, and nothing of it is written. */
function encoded(judged: Judged, encoder: RecordEncoder | null): Judged {
  if (encoder === null || judged.kind === 'bad') return judged;
  const fault = encoder.encode(judged.value, 0, judged.value.length);
  if (fault !== null) return { kind: 'bad', line: judged.line, code: fault.code, message: fault.message };
  return { ...judged, value: encoder.out.bytes.slice(0, encoder.out.length) };
}

async function onceByKey(
  request: ApiRequest<{ readonly name: string }, unknown, unknown>,
  parts: ApiParts,
  work: () => Promise<AppendAnswer>,
): Promise<unknown> {
  const { idempotencyKey: key } = idempotencyKeyOf(request.headers);
  if (key === undefined) return await work();
  const { ledger } = parts;
  const { tenant } = request.caller;
  const hash = createHash('sha256').update(`${request.path.name} ${request.contentType} `).update(request.body);
  const begun = await ledger.begin(tenant, key, `records ${hash.digest('hex')}`);
  switch (begun.kind) {
    case 'answered':
      return begun.answer;
    case 'key-reused':
      throw keyReused();
    case 'running':
      throw new ApiRefusal(
        409,
        'request-running',
        'the same request is being carried out, or was cut off a moment ago',
        {
          headers: { 'retry-after': '5' },
          fix: 'try again with the same key in a moment',
        },
      );
    case 'begun': {
      const answer = await work().catch(async (error: unknown) => {
        // Where nothing was sent, another try is free at once; else the key stays taken until it can be known.
        if (error instanceof ApiRefusal) await ledger.abandon(tenant, key);
        throw error;
      });
      await keepAnswer(parts, () => ledger.answer(tenant, key, answer as unknown as Json));
      return answer;
    }
  }
}

/** How long a store that is gone is asked again, and how often: whoever sent the events waits meanwhile. */
const keeping = { tries: 4, withinMs: 2_000, pause: { minMs: 100, maxMs: 400 } } as const;

/** The events are in the log: whoever was told that their request failed would send them once more. */
async function keepAnswer({ clock, logger }: ApiParts, keep: () => Promise<void>): Promise<void> {
  const began = clock.now();
  for (let tried = 1; ; tried++) {
    try {
      return await keep();
    } catch (error) {
      if (tried === keeping.tries || clock.now() - began > keeping.withinMs) {
        logger.warn('the answer to a request under a key is not kept: repeated, it is carried out again', {
          error: messageOf(error),
        });
        return;
      }
      await sleep(backoffMs(tried, keeping.pause, Math.random()));
    }
  }
}
