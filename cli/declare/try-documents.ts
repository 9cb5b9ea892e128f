// Runs routes over real events before they are applied: one that an event makes fail is not applied.
import { type ApiClient, ApiError } from '#cli/api-client.ts';
import { withPositions } from '#cli/declare/plan-documents.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { type SourceDocument, titleOf } from '#cli/input/documents.ts';
import { formatTryPage } from '#cli/print/try-page.ts';
import { note, type Paint } from '#cli/terminal.ts';
import type { TryView } from '#core/api/wire.ts';

export async function requireTried(api: ApiClient, documents: readonly SourceDocument[], limit: number): Promise<void> {
  const failed: string[] = [];
  for (const document of documents.filter(({ kind }) => kind === 'Route')) {
    const view = await tryOne(api, document, documents, limit);
    if (view === null) continue;
    const { read, passed, filtered } = view;
    note(`${titleOf(document)} over ${read} event(s): ${passed} passed, ${filtered} filtered, ${view.failed} failed`);
    if (view.failed > 0) failed.push(`${titleOf(document)}:\n${formatTryPage(view, unpainted)}`);
  }
  if (failed.length > 0)
    throw new CommandError(exitCodes.failure, 'events that are there make it fail, so nothing is applied', {
      details: failed,
      fix: 'millrace try -f FILE   shows each event before and after',
    });
}

/** An error's details are shown without escape sequences, and colours are some. */
const unpainted: Paint = (_, text) => text;

/** Null where the stream is declared together with the route: it holds no event yet. */
async function tryOne(
  api: ApiClient,
  document: SourceDocument,
  documents: readonly SourceDocument[],
  limit: number,
): Promise<TryView | null> {
  const { from } = (document.json as { readonly spec: { readonly from: string } }).spec;
  try {
    return await api.post<TryView>('/v1/try', {
      json: { document: document.json, from: 'latest', limit },
      exact: true,
    });
  } catch (error) {
    const isNew = documents.some(({ kind, name }) => kind === 'Stream' && name === from);
    if (!isNew || !(error instanceof ApiError)) throw withPositions(error, [document]);
    note(`${titleOf(document)} is not tried: ${from} is declared with it`);
    return null;
  }
}
