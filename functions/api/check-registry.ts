// A stream's schema beside what its registry holds: asked before the stream is declared, where the schema is new to us.

import { compileFormat } from '#core/job/format-goal.ts';
import { checkRegistered } from '#core/spec/compatibility.ts';
import type { Document, StreamDocument } from '#core/spec/document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { ApiParts } from '#functions/api/parts.ts';

/** Throws while the registry cannot be asked: what nobody has looked at is not declared. */
export async function registryProblems(
  tenant: string,
  document: Document,
  current: Document | null,
  { codecs, settings }: ApiParts,
): Promise<readonly SpecProblem[]> {
  if (document.kind !== 'Stream' || !isNew(document, current)) return [];
  const { format } = document.spec;
  const goal = format === null ? null : compileFormat(format, document.metadata.name, settings.sinks);
  if (goal === null || goal.schema === null) return [];
  const latest = await codecs.of(tenant, goal).registry.latest(goal.subject);
  return latest === null ? [] : checkRegistered(document.spec, latest.schema);
}

export const mayAskRegistry = (document: Document): boolean =>
  document.kind === 'Stream' && document.spec.format !== null;

/** Applying again what is declared asks nobody. */
function isNew(document: StreamDocument, current: Document | null): boolean {
  const format = current?.kind === 'Stream' ? current.spec.format : undefined;
  return JSON.stringify(format) !== JSON.stringify(document.spec.format);
}
