// POST /v1/try: a route over real events: what would pass, what would be filtered, what would fail; nothing is written.
import { z } from 'zod';
import { trySchema } from '#core/api/schemas.ts';
import {
  createByteSink,
  createProcessor,
  FILTERED,
  PASSED,
  POISON,
  type RouteProgram,
} from '#core/expression/index.ts';
import { checkDocuments, documentKey } from '#core/graph/check-documents.ts';
import { limits } from '#core/limits.ts';
import { topicOfStream } from '#core/names.ts';
import type { LogRecord, ReadRequest } from '#core/ports/record-log.ts';
import { declaredRoute } from '#core/spec/declared.ts';
import type { RouteDocument } from '#core/spec/document.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { refusedDocument } from '#functions/api/apply-declaration.ts';
import { endpoint } from '#functions/api/endpoint.ts';
import { nothing, position, readPosition } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { jsonTextOf } from '#functions/api/record-lines.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { topicMissing } from '#functions/api/tail-topic.ts';

const tryRecordsMax = 1_000;
const tryRecordsDefault = 20;
const tryBytesMax = 2 * 1024 * 1024;
const tryMsMax = 15_000;

const bodySchema = z.strictObject({
  document: declaredRoute,
  from: position.optional(),
  limit: z.int().min(1).max(tryRecordsMax).optional(),
});
/** The document itself is checked in its own words. */
const looseBody = bodySchema.extend({ document: z.unknown() });

export const tryRoute = endpoint({
  ...{ method: 'POST', path: '/v1/try', operationId: 'tryRoute', tag: 'Declarations' },
  summary: 'A route over real events, with nothing committed or written',
  description: '`from: latest` takes the newest events, spread over the partitions.',
  ...{ params: nothing, query: nothing },
  body: { schema: bodySchema, bytesMax: limits.documentBytesMax + 1024, checkedBy: 'handler' },
  answers: { 200: { description: 'Each event’s verdict, before and after.', schema: trySchema } },
  handle: async (request, parts) => {
    const body = looseBody.safeParse(request.json);
    if (!body.success) {
      const [issue] = body.error.issues;
      throw new ApiRefusal(422, 'body-invalid', `body ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'refused'}`);
    }
    const { document, program } = await compile(body.data.document, request.caller.tenant, parts);
    const topic = topicOfStream(document.spec.from);
    const recordsMax = body.data.limit ?? tryRecordsDefault;
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(tryMsMax)]);
    const records = await readSome(parts, topic, body.data.from ?? 'earliest', recordsMax, signal);
    return { kind: 'json-text', status: 200, text: run(program, records) };
  },
});

async function compile(
  json: unknown,
  tenant: string,
  parts: ApiParts,
): Promise<{ document: RouteDocument; program: RouteProgram }> {
  const parsed = parseDocument(json);
  if (!parsed.ok) throw refusedDocument('Route', parsed.problem);
  const document = parsed.value;
  const { kind, metadata } = document;
  const title = `${kind} ${metadata.name}`;
  if (kind !== 'Route') throw refusedDocument(title, [{ path: 'kind', message: `got ${kind}, expected Route` }]);
  const { documents } = await parts.worlds.read(tenant);
  const checked = checkDocuments(documents, [document], parts.planRoute, parts.settings.sinks);
  // Whose the name is does not matter to a try.
  const problems = (checked.problems.get(documentKey(kind, metadata.name)) ?? []).filter(
    (problem) => problem.path !== 'metadata.owner',
  );
  const program = checked.after.routes.get(metadata.name)?.programs.values().next().value;
  if (problems.length > 0 || program === undefined) throw refusedDocument(title, problems);
  return { document, program };
}

async function readSome(
  parts: ApiParts,
  topic: string,
  fromText: string,
  recordsMax: number,
  signal: AbortSignal,
): Promise<readonly LogRecord[]> {
  const [observed] = await parts.broker.describe([topic], []);
  if (!observed) throw topicMissing(topic);
  const position = readPosition(fromText) ?? 'earliest';
  const newest = { newest: Math.ceil(recordsMax / observed.partitions) };
  const from: ReadRequest['from'] = position === 'latest' ? newest : position;
  const records: LogRecord[] = [];
  let bytes = 0;
  for await (const record of parts.records.read({ topic, from, follow: false, signal })) {
    records.push(record);
    bytes += record.value?.length ?? 0;
    if (records.length >= recordsMax || bytes >= tryBytesMax) break;
  }
  return records;
}

const verdicts: Readonly<Record<number, 'passed' | 'filtered' | 'poison' | 'schema'>> = {
  [PASSED]: 'passed',
  [FILTERED]: 'filtered',
  [POISON]: 'poison',
};

/** A `TryView` of core/api/wire.ts, with the events' own text in it. */
function run(program: RouteProgram, records: readonly LogRecord[]): string {
  const processor = createProcessor(program);
  const out = createByteSink(4096);
  const counts = { passed: 0, filtered: 0, poison: 0, schema: 0 };
  const texts = records.map(({ partition, offset, value }) => {
    out.length = 0;
    const bytes = value ?? new Uint8Array(0);
    const verdict = verdicts[processor.process(bytes, 0, bytes.length, out)] ?? 'schema';
    counts[verdict]++;
    const before = jsonTextOf(value);
    const after =
      verdict !== 'passed' ? 'null' : program.identity ? before : jsonTextOf(out.bytes.subarray(0, out.length));
    const fault = processor.fault === null ? '' : `,"fault":${JSON.stringify(processor.fault)}`;
    const facts = JSON.stringify({ verdict, partition, offset }).slice(0, -1);
    return `${facts},"before":${before},"after":${after}${fault}}`;
  });
  const { passed, filtered } = counts;
  const totals = {
    ...{ read: records.length, passed, filtered, failed: counts.poison + counts.schema },
    mismatches: processor.mismatchCount,
  };
  return `${JSON.stringify(totals).slice(0, -1)},"records":[${texts.join(',')}]}`;
}
