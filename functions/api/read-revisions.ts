// The history of one name, in pages, each revision with what it changed.
import type { PageView, RevisionView } from '#core/api/wire.ts';
import type { Kind } from '#core/spec/document.ts';
import type { ApiRequest } from '#functions/api/endpoint.ts';
import { missing } from '#functions/api/missing.ts';
import { type PageQuery, pageOf } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { revisionView } from '#functions/api/views.ts';

/** The cursor is the last revision of the page before. */
export async function readRevisions(
  request: ApiRequest<{ readonly name: string }, PageQuery, unknown>,
  kind: Kind,
  parts: ApiParts,
): Promise<PageView<RevisionView>> {
  const { tenant } = request.caller;
  const { name } = request.path;
  const page = pageOf(request.search);
  const before = page.cursor === undefined ? Number.POSITIVE_INFINITY : Number(page.cursor);
  const all = await parts.goals.revisions(tenant, kind, name);
  if (all.length === 0) {
    const known = await parts.worlds.read(tenant);
    throw missing(kind === 'Stream' ? 'stream' : 'route', name, known.names(kind));
  }
  const views = all.map((revision, index) => revisionView(revision, all[index + 1] ?? null));
  const left = views.filter((view) => view.revision < before);
  const items = left.slice(0, page.limit);
  return left.length > page.limit ? { items, cursor: String(items.at(-1)!.revision) } : { items };
}
