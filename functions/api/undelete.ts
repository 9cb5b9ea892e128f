// POST …/{name}/undelete: a deletion is undone while what it left is still kept: the same life, positions and events included.
import { applySchema } from '#core/api/schemas.ts';
import { checkDocuments, documentKey } from '#core/graph/check-documents.ts';
import { jobId, jobName } from '#core/names.ts';
import { documentOf } from '#core/plan/plan-changes.ts';
import { mayBeCleared } from '#core/plan/plan-ended-job.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import type { Document, Kind, RouteDocument } from '#core/spec/document.ts';
import { busy, pause, refusedDocument, turnsMax } from '#functions/api/apply-declaration.ts';
import { reasonOf, requireOwner } from '#functions/api/caller.ts';
import { type ApiRequest, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { changeQuery, named } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { etagOf } from '#functions/api/preconditions.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { declaredView } from '#functions/api/views.ts';

type Request = ApiRequest<{ readonly name: string }, { readonly reason?: string | undefined }, unknown>;

async function undelete(request: Request, kind: Kind, parts: ApiParts): Promise<GoalRevision> {
  const { tenant, author } = request.caller;
  const { name } = request.path;
  for (let turn = 0; turn < turnsMax; turn++) {
    const known = await parts.worlds.read(tenant);
    const { document, deletion, at } = await deletedDocument(request, kind, parts);
    if (document.kind === 'Route') await requireKept(document, deletion, at, parts);
    requireOwner(request.caller, document.metadata.owner, `${kind} ${name}`);
    const checked = checkDocuments(known.documents, [document], parts.planRoute, parts.settings.sinks);
    const problems = checked.problems.get(documentKey(kind, name)) ?? [];
    if (problems.length > 0) throw refusedDocument(`${kind} ${name}`, problems);
    const { metadata, declared } = document;
    const applies = [{ kind, metadata, declared, revive: true }];
    const change = { tenant, author, reason: reasonOf(request), applies, removes: [], checkedAt: known.readAt };
    const outcome = await parts.goals.change(change);
    if (outcome.kind === 'changed') return (outcome.revisions[0] ?? (await parts.goals.read(tenant, kind, name)))!;
    await pause(turn);
  }
  throw busy();
}

/** As it was declared before it was deleted; only while the deletion is not carried out in full. */
async function deletedDocument(
  request: Request,
  kind: Kind,
  parts: ApiParts,
): Promise<{ readonly document: Document; readonly deletion: GoalRevision; readonly at: number }> {
  const { tenant } = request.caller;
  const { name } = request.path;
  const { revisions, at } = await parts.goals.snapshot(tenant);
  const head = revisions.find((one) => one.tenant === tenant && one.kind === kind && one.name === name);
  if (head === undefined)
    throw new ApiRefusal(404, 'nothing-kept', `nothing of a ${kind.toLowerCase()} ${JSON.stringify(name)} is kept`, {
      fix: `millrace history ${name}   shows what it was; apply it again to make it anew`,
    });
  if (head.declared !== null)
    throw new ApiRefusal(409, 'not-deleted', `${kind} ${JSON.stringify(name)} is declared: nothing is to be undone`);
  const history = await parts.goals.revisions(tenant, kind, name);
  const last = history.find(({ declared, uid }) => declared !== null && uid === head.uid);
  const [document] = last ? documentOf(last) : [];
  if (document) return { document, deletion: head, at };
  throw new ApiRefusal(
    409,
    'not-understood',
    `what ${kind} ${JSON.stringify(name)} was, this version cannot carry out`,
  );
}

/**
 * Once its time is over and positions are being removed, what came back would be another life under the old one's name. The control
 * record of a job goes last: where there is none after that time, all may be gone. Within it, the job had not begun yet.
 */
async function requireKept(
  { metadata, spec }: RouteDocument,
  { tenant, uid, purge, at: deletedAt }: GoalRevision,
  at: number,
  parts: ApiParts,
): Promise<void> {
  const ids = spec.sinks.map(({ name }) => jobId(tenant, jobName(metadata.name, name), uid));
  const controls = await parts.controls.readMany(ids);
  const isOver = purge === true || at >= deletedAt + parts.settings.deletionGraceMs;
  const isKept = (id: string): boolean => {
    const control = controls.get(id);
    return control === undefined ? !isOver : !mayBeCleared(control);
  };
  if (ids.every(isKept)) return;
  throw new ApiRefusal(
    409,
    'kept-no-longer',
    `the time in which the deletion of route ${JSON.stringify(metadata.name)} could be undone is over: positions and books of its jobs are being removed`,
    { fix: `apply it again to make it anew; millrace history ${metadata.name} shows what it was` },
  );
}

const common = {
  ...{ method: 'POST' as const, params: named, query: changeQuery, problems: [403, 409, 422] },
  description: 'While the grace lasts in which its positions, books and events are kept. It goes on where it stood.',
  reads: ['millrace-reason'],
} as const;

export const undeleteRoute = endpoint({
  ...{ ...common, path: '/v1/routes/{name}/undelete', operationId: 'undeleteRoute', tag: 'Routes' },
  summary: 'Undo the deletion of a route',
  answers: { 200: { description: 'Declared again.', schema: applySchema, headers: ['etag'] } },
  handle: async (request, parts) => {
    const revision = await undelete(request, 'Route', parts);
    return jsonAnswer(
      200,
      { outcome: 'created', resource: declaredView(revision) },
      { etag: etagOf(revision.revision) },
    );
  },
});

export const undeleteStream = endpoint({
  ...{ ...common, path: '/v1/streams/{name}/undelete', operationId: 'undeleteStream', tag: 'Streams' },
  summary: 'Undo the deletion of a stream',
  answers: { 200: { description: 'Declared again.', schema: applySchema, headers: ['etag'] } },
  handle: async (request, parts) => {
    const revision = await undelete(request, 'Stream', parts);
    return jsonAnswer(
      200,
      { outcome: 'created', resource: declaredView(revision) },
      { etag: etagOf(revision.revision) },
    );
  },
});
