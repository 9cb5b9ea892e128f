// POST /v1/try: a route over real events: what would pass, what would be filtered, what would fail; nothing is written.
import * as z from 'zod';
import { trySchema } from '#core/api/schemas.ts';
import { FILTERED, PASSED, POISON } from '#core/expression/index.ts';
import { checkDocuments, documentKey } from '#core/graph/check-documents.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import { limits } from '#core/limits.ts';
import { topicOfStream } from '#core/names.ts';
import { Chain, type ChainMemory } from '#core/operators/run/chain.ts';
import { outputTexts } from '#core/operators/run/output-texts.ts';
import { trialSalts } from '#core/operators/trial-salts.ts';
import type { LogRecord, ReadRequest } from '#core/ports/record-log.ts';
import { declaredRoute } from '#core/spec/declared.ts';
import type { RouteDocument } from '#core/spec/document.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { refusedDocument } from '#functions/api/apply-declaration.ts';
import { endpoint } from '#functions/api/endpoint.ts';
import { type Formatted, formatOf, readFormatted } from '#functions/api/formatted-records.ts';
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
    const { tenant } = request.caller;
    const { document, chain, format } = await compile(body.data.document, tenant, parts);
    const topic = topicOfStream(tenant, document.spec.from);
    const recordsMax = body.data.limit ?? tryRecordsDefault;
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(tryMsMax)]);
    const from = body.data.from ?? 'earliest';
    const records = await readSome(parts, { topic, tenant, format }, from, recordsMax, signal);
    return { kind: 'json-text', status: 200, text: run(chain, records) };
  },
});

async function compile(
  json: unknown,
  tenant: string,
  parts: ApiParts,
): Promise<{ document: RouteDocument; chain: Chain; format: FormatGoal | undefined }> {
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
  const route = checked.after.routes.get(metadata.name);
  const program = route?.programs.values().next().value;
  if (problems.length > 0 || route === undefined || program === undefined) throw refusedDocument(title, problems);
  const source = checked.after.streams.get(document.spec.from);
  const format = source === undefined ? undefined : formatOf(source, parts);
  return { document, chain: new Chain(route.operators, program, trialSalts(route.operators)), format };
}

async function readSome(
  parts: ApiParts,
  { topic, ...formatted }: Formatted & { readonly topic: string },
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
  for await (const record of readFormatted(parts, formatted, { topic, from, follow: false, signal })) {
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
function run(chain: Chain, records: readonly LogRecord[]): string {
  const memories = new Map<number, ChainMemory>();
  const counts = { passed: 0, filtered: 0, poison: 0, schema: 0 };
  const texts = records.map(({ partition, offset, timestamp, value }) => {
    const memory = memories.get(partition) ?? chain.createMemory();
    memories.set(partition, memory);
    const bytes = value ?? new Uint8Array(0);
    const place = { partition, offset: Number(offset), timestamp: Number(timestamp), memory };
    const verdict = verdicts[chain.process(bytes, 0, bytes.length, place)] ?? 'schema';
    counts[verdict]++;
    const [after = 'null', ...others] = outputTexts(chain.outputs).map((text) => text.replace(/[\r\n]/g, ' '));
    const more = others.length === 0 ? '' : `,"more":[${others.join(',')}]`;
    const fault = chain.fault === null ? '' : `,"fault":${JSON.stringify(chain.fault)}`;
    const facts = JSON.stringify({ verdict, partition, offset }).slice(0, -1);
    return `${facts},"before":${jsonTextOf(value)},"after":${after}${more}${fault}}`;
  });
  const { passed, filtered } = counts;
  const totals = {
    ...{ read: records.length, passed, filtered, failed: counts.poison + counts.schema },
    mismatches: chain.mismatchCount,
  };
  return `${JSON.stringify(totals).slice(0, -1)},"records":[${texts.join(',')}]}`;
}
