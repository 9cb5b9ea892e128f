// A stream's records as people see them: JSON, whatever format the stream declares.
import type { StreamNode } from '#core/graph/world.ts';
import { compileFormat, type FormatGoal } from '#core/job/format-goal.ts';
import type { LogRecord, ReadRequest } from '#core/ports/record-log.ts';
import type { ApiParts } from '#functions/api/parts.ts';

/** Undefined where its records are JSON as they stand. */
export function formatOf({ document, name }: StreamNode, { settings }: ApiParts): FormatGoal | undefined {
  const declared = document?.spec.format ?? null;
  return declared === null ? undefined : (compileFormat(declared, name, settings.sinks) ?? undefined);
}

/** Whose records they are, and how they are written. */
export interface Formatted {
  readonly tenant: string;
  readonly format: FormatGoal | undefined;
}

/** A topic's records with their values as JSON. */
export async function* readFormatted(
  { records, codecs }: ApiParts,
  { tenant, format }: Formatted,
  request: ReadRequest,
): AsyncIterable<LogRecord> {
  const codec = format === undefined ? null : codecs.of(tenant, format);
  for await (const record of records.read(request))
    yield codec === null || record.value === null ? record : { ...record, value: await codec.read(record.value) };
}
