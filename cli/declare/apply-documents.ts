// Puts documents in an order that the API can take one by one: streams first, then each route after those that feed it.
import { type ApiClient, ApiError } from '#cli/api-client.ts';
import { withPositions } from '#cli/declare/plan-documents.ts';
import { type SourceDocument, titleOf } from '#cli/input/documents.ts';
import type { ApplyView, ChangeView } from '#core/api/wire.ts';

export interface Applied {
  readonly document: SourceDocument;
  readonly answer: ApplyView;
}

/**
 * All were accepted together by the plan, but each is checked again alone when it is put: one that breaks a route which
 * a later document changes waits until that one is in. Ends when all are in, or when a whole round changes nothing.
 */
export async function applyDocuments(
  api: ApiClient,
  documents: readonly SourceDocument[],
  reason: string | undefined,
  onApplied: (applied: Applied) => void,
): Promise<readonly Applied[]> {
  const applied: Applied[] = [];
  let waiting = inApplyOrder(documents);
  while (waiting.length > 0) {
    const refused: { document: SourceDocument; error: ApiError }[] = [];
    for (const document of waiting) {
      try {
        const one = { document, answer: await applyOne(api, document, reason) };
        applied.push(one);
        onApplied(one);
      } catch (error) {
        if (!(error instanceof ApiError) || !mayPassLater(error)) throw withPositions(error, [document]);
        refused.push({ document, error });
      }
    }
    if (refused.length === waiting.length) throw withPositions(refused[0]!.error, [refused[0]!.document]);
    waiting = refused.map((one) => one.document);
  }
  return applied;
}

/** All or none, and only if the plan still tells what will happen; then read back, as they are answered one by one. */
export async function applyTogether(
  api: ApiClient,
  documents: readonly SourceDocument[],
  { hash, reason }: { readonly hash: string; readonly reason: string | undefined },
  onApplied: (applied: Applied) => void,
): Promise<readonly Applied[]> {
  const asked = { json: { documents: documents.map(({ json }) => json) }, query: { reason, plan: hash } };
  const change = await api.post<ChangeView>('/v1/apply', asked).catch((error: unknown) => {
    throw withPositions(error, documents);
  });
  const applied = await Promise.all(
    documents.map(async (document, index): Promise<Applied> => {
      const resource = await api.get<ApplyView['resource']>(pathOf(document.kind, document.name));
      return { document, answer: { outcome: change.items[index]!.outcome, resource } };
    }),
  );
  for (const one of applied) onApplied(one);
  return applied;
}

const mayPassLater = (error: ApiError): boolean => [400, 409, 422].includes(error.problem.status);

export const pathOf = (kind: string, name: string): string =>
  `/v1/${kind === 'Route' ? 'routes' : 'streams'}/${encodeURIComponent(name)}`;

const applyOne = (api: ApiClient, document: SourceDocument, reason: string | undefined): Promise<ApplyView> =>
  api.put<ApplyView>(pathOf(document.kind, document.name), {
    json: document.json,
    query: { reason },
  });

/** Streams first; routes so that a writer of a stream comes before its readers, else in the order given. */
export function inApplyOrder(documents: readonly SourceDocument[]): readonly SourceDocument[] {
  const routes = documents.filter((document) => document.kind === 'Route');
  const ordered: SourceDocument[] = documents.filter((document) => document.kind !== 'Route');
  const visited = new Set<SourceDocument>();
  const visit = (route: SourceDocument): void => {
    if (visited.has(route)) return;
    visited.add(route);
    const source = fieldOf(fieldOf(route.json, 'spec'), 'from');
    for (const writer of routes) if (sinkStreams(writer).includes(source)) visit(writer);
    ordered.push(route);
  };
  for (const route of routes) visit(route);
  return ordered;
}

function sinkStreams(route: SourceDocument): readonly unknown[] {
  const sinks = fieldOf(fieldOf(route.json, 'spec'), 'to');
  return Array.isArray(sinks) ? sinks.map((sink) => fieldOf(sink, 'stream')) : [];
}

const fieldOf = (json: unknown, name: string): unknown =>
  typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined;

export const describeApplied = ({ document, answer }: Applied): string =>
  `${titleOf(document)}: ${answer.outcome} (revision ${answer.resource.revision})`;
