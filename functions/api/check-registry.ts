// A stream's schema beside what its registry holds: asked before the stream is declared, where the schema is new to us.

import { compileFormat } from '#core/job/format-goal.ts';
import { checkRegistered } from '#core/spec/compatibility.ts';
import type { Document, SpecProblem, StreamDocument } from '#core/spec/document.ts';
import type { ApiParts } from '#functions/api/parts.ts';

/** Throws while the registry cannot be asked: what nobody has looked at is not declared. */
export async function registryProblems(
  tenant: string,
  document: Document,
  current: readonly Document[],
  { codecs, settings }: ApiParts,
): Promise<readonly SpecProblem[]> {
  if (document.kind !== 'Stream' || !isNew(document, current)) return [];
  const { format } = document.spec;
  const goal = format === null ? null : compileFormat(format, document.metadata.name, settings.sinks);
  if (goal === null || goal.schema === null) return [];
  const latest = await codecs.of(tenant, goal).registry.latest(goal.subject);
  return latest === null ? [] : checkRegistered(document.spec, latest.schema);
}

/** Applying again what is declared asks nobody. */
function isNew(document: StreamDocument, current: readonly Document[]): boolean {
  const { name } = document.metadata;
  const known = current.find((one) => one.kind === 'Stream' && one.metadata.name === name);
  const formatOf = (one: Document | undefined): unknown => (one?.kind === 'Stream' ? one.spec.format : undefined);
  return JSON.stringify(formatOf(known)) !== JSON.stringify(document.spec.format);
}
