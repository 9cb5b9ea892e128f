// Applying and deleting declarations: checked against all that is declared, written if that has not changed meanwhile.
import { checkDocuments, documentKey } from '#core/graph/check-documents.ts';
import { buildWorld, type World } from '#core/graph/world.ts';
import { planChanges } from '#core/plan/plan-changes.ts';
import { runRouteTests } from '#core/plan/route-tests.ts';
import type { AuditHead } from '#core/ports/audit-log.ts';
import type { ApplyOutcome, GoalRevision } from '#core/ports/goal-store.ts';
import type { Document, Kind } from '#core/spec/document.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { idempotencyKeyOf, reasonOf, requireOwner } from '#functions/api/caller.ts';
import { mayAskRegistry, registryProblems } from '#functions/api/check-registry.ts';
import type { ApiRequest } from '#functions/api/endpoint.ts';
import { missing } from '#functions/api/missing.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { expectedRevisionOf, requireExpected, stale } from '#functions/api/preconditions.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import type { TenantWorld } from '#functions/api/world-cache.ts';

type NamedRequest = ApiRequest<
  { readonly name: string },
  { readonly reason?: string | undefined; readonly purge?: string | undefined },
  unknown
>;

type Applied = Extract<ApplyOutcome, { readonly revision: GoalRevision }>;

/** A change that this very attempt has made. */
const isMade = (outcome: ApplyOutcome): outcome is Applied & { readonly head: AuditHead } =>
  'head' in outcome && outcome.head !== undefined;

/** Under constant change each turn reads what is there now; of those that race one gets through each time. */
export const turnsMax = 50;

export async function applyDeclaration(request: NamedRequest, kind: Kind, parts: ApiParts): Promise<Applied> {
  const document = readDocument(request, kind);
  const { tenant } = request.caller;
  requireOwner(request.caller, document.metadata.owner, `${kind} ${document.metadata.name}`);
  const common = commonOf(request);
  const attempt = async (known: TenantWorld): Promise<ApplyOutcome> => {
    requireHolding(common, known.revision(kind, document.metadata.name));
    requireFitting(known, document, parts);
    await requireRegistered(tenant, known, document, parts);
    const { metadata, declared } = document;
    const outcome = await parts.goals.apply({
      ...{ ...common, kind, metadata, declared, checkedAt: known.readAt },
    });
    if (isMade(outcome)) parts.worlds.advance(known, outcome);
    return outcome;
  };
  const fresh = async () => await attempt(await parts.worlds.read(tenant));
  const recalling = async () => (await attemptRecalled(parts, request, attempt)) ?? (await fresh());
  for (let turn = 0; turn < turnsMax; turn++) {
    // A registry that is slow to answer holds nobody else up.
    const outcome = await (mayAskRegistry(document) ? fresh() : parts.worlds.inTurn(tenant, recalling));
    switch (outcome.kind) {
      case 'created':
      case 'changed':
      case 'unchanged':
        return outcome;
      case 'conflict':
        throw stale(outcome.currentRevision);
      case 'key-reused':
        throw keyReused();
      case 'moved':
        await pause(turn);
    }
  }
  throw busy();
}

/**
 * On what is remembered: the store says whether that is still what is there, in the change itself. Only what was done
 * counts; a refusal may be due to what others have changed since. Under a key a first outcome is final, so it is asked.
 */
async function attemptRecalled(
  parts: ApiParts,
  request: NamedRequest,
  attempt: (known: TenantWorld) => Promise<ApplyOutcome>,
): Promise<ApplyOutcome | null> {
  const recalled = parts.worlds.recall(request.caller.tenant);
  if (recalled === null || request.headers['idempotency-key'] !== undefined) return null;
  try {
    const outcome = await attempt(recalled);
    return isMade(outcome) ? outcome : null;
  } catch (error) {
    if (error instanceof ApiRefusal) return null;
    throw error;
  }
}

export async function deleteDeclaration(request: NamedRequest, kind: Kind, parts: ApiParts): Promise<void> {
  const { tenant } = request.caller;
  const { name } = request.path;
  const common = { ...commonOf(request), ...(request.search.purge === 'true' ? { purge: true } : {}) };
  const attempt = async () => {
    const known = await parts.worlds.read(tenant);
    const current = known.revision(kind, name);
    requireHolding(common, current);
    if (current) requireOwner(request.caller, current.metadata.owner, `${kind} ${name}`);
    if (current) requireUnused(known, kind, name, parts);
    else if (common.idempotencyKey === undefined) throw absent(known, kind, name);
    const change = { ...common, kind, name, checkedAt: known.readAt };
    return { known, outcome: await parts.goals.remove(change) };
  };
  for (let turn = 0; turn < turnsMax; turn++) {
    const { known, outcome } = await parts.worlds.inTurn(tenant, attempt);
    switch (outcome.kind) {
      case 'deleted':
        return;
      case 'absent':
        throw absent(known, kind, name);
      case 'conflict':
        throw stale(outcome.currentRevision);
      case 'key-reused':
        throw keyReused();
      case 'moved':
        await pause(turn);
    }
  }
  throw busy();
}

/** What a change is asked with, whatever it is of. */
const commonOf = (request: NamedRequest) => ({
  ...{ tenant: request.caller.tenant, author: request.caller.author, reason: reasonOf(request) },
  ...idempotencyKeyOf(request.headers),
  ...expectedRevisionOf(request.headers),
});

/** A request that is repeated under its key is answered as the first time, so there only the store may say that its condition does not hold. */
function requireHolding(
  { idempotencyKey, expectedRevision }: ReturnType<typeof commonOf>,
  current: GoalRevision | null,
): void {
  if (idempotencyKey === undefined) requireExpected(expectedRevision, current);
}

export const pause = (turn: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(100, 2 ** turn)));

export const busy = (): ApiRefusal =>
  new ApiRefusal(503, 'too-busy', 'others changed declarations faster than this one could be checked', {
    headers: { 'retry-after': '1' },
    fix: 'try again',
  });

export const keyReused = (): ApiRefusal =>
  new ApiRefusal(422, 'idempotency-key-reused', 'the idempotency key was used for another request before', {
    fix: 'use a new key for each new request',
  });

export function readDocument(request: NamedRequest, kind: Kind): Document {
  const parsed = parseDocument(request.json);
  if (!parsed.ok) throw refusedDocument(`${kind} ${request.path.name}`, parsed.problem);
  const { metadata } = parsed.value;
  if (parsed.value.kind !== kind || metadata.name !== request.path.name)
    throw refusedDocument(`${kind} ${request.path.name}`, [
      {
        path: parsed.value.kind === kind ? 'metadata.name' : 'kind',
        message: `got ${parsed.value.kind} ${JSON.stringify(metadata.name)}, expected what the address names: ${kind} ${JSON.stringify(request.path.name)}`,
      },
    ]);
  return parsed.value;
}

export function refusedDocument(title: string, problems: readonly SpecProblem[]): ApiRefusal {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const owned = problems.some((problem) => problem.path === 'metadata.owner' && /belongs to/.test(problem.message));
  const place = first?.path ? `${first.path}: ` : '';
  return new ApiRefusal(
    owned ? 409 : 422,
    owned ? 'owned-by-another' : 'declaration-refused',
    `${title}: ${place}${first?.message ?? 'refused'}${more}`,
    {
      problems: problems.map((problem) => ({ ...problem, document: title })),
      ...(first?.fix === undefined ? {} : { fix: first.fix }),
    },
  );
}

/** What it does not hang together with decides nothing about it; but the names that a refusal suggests are of all. */
function requireFitting(known: TenantWorld, document: Document, parts: ApiParts): void {
  const near = known.around([document]);
  if (problemsOf(near.documents, document, parts, near.world).length === 0) return;
  const problems = problemsOf(known.documents, document, parts);
  if (problems.length > 0) throw refusedDocument(`${document.kind} ${document.metadata.name}`, problems);
}

function problemsOf(
  current: readonly Document[],
  document: Document,
  parts: ApiParts,
  before?: World,
): readonly SpecProblem[] {
  const { name } = document.metadata;
  const checked = checkDocuments(current, [document], parts.planRoute, parts.settings.sinks, before);
  const problems = [...(checked.problems.get(documentKey(document.kind, name)) ?? [])];
  if (document.kind === 'Route' && problems.length === 0) {
    const results = runRouteTests(document.spec.tests, checked.after.routes.get(name));
    for (const [index, test] of results.entries())
      if (!test.passed)
        problems.push({ path: `spec.tests[${index}]`, message: `${JSON.stringify(test.name)} fails: ${test.message}` });
  }
  return problems;
}

export async function requireRegistered(
  tenant: string,
  known: Pick<TenantWorld, 'declared'>,
  document: Document,
  parts: ApiParts,
): Promise<void> {
  const current = known.declared(document.kind, document.metadata.name)?.documents[0] ?? null;
  const problems = await registryProblems(tenant, document, current, parts);
  if (problems.length > 0) throw refusedDocument(`${document.kind} ${document.metadata.name}`, problems);
}

/** Other routes that worked before and would not after. */
function brokenRoutes(before: World, after: World, except: string): readonly string[] {
  return [...after.routes]
    .filter(([name, route]) => name !== except && route.problems.length > 0)
    .filter(([name]) => (before.routes.get(name)?.problems.length ?? 0) === 0)
    .map(([name]) => name);
}

function requireUnused(known: TenantWorld, kind: Kind, name: string, parts: ApiParts): void {
  const readers = kind === 'Stream' ? (known.stream(name)?.readers ?? []) : [];
  // What it does not hang together with stays as it is.
  const near = known.around(known.declared(kind, name)?.documents ?? []);
  const rest = near.documents.filter((document) => document.kind !== kind || document.metadata.name !== name);
  const after = buildWorld(rest, parts.planRoute);
  const used = [...new Set([...readers, ...brokenRoutes(near.world, after, kind === 'Route' ? name : '')])];
  if (used.length > 0)
    throw new ApiRefusal(
      409,
      'in-use',
      `${kind} ${JSON.stringify(name)} is read by ${used.map((one) => `route ${JSON.stringify(one)}`).join(', ')}`,
      {
        fix: `delete or change ${used.join(', ')} first`,
      },
    );
}

function absent(known: TenantWorld, kind: Kind, name: string): ApiRefusal {
  const implied = kind === 'Stream' ? known.stream(name) : null;
  if (implied)
    return new ApiRefusal(
      409,
      'stream-implied',
      `stream ${JSON.stringify(name)} is not declared: it is there because ${implied.writers.join(', ')} writes to it`,
      {
        fix: `delete or change ${implied.writers.join(', ')}`,
      },
    );
  return missing(kind === 'Stream' ? 'stream' : 'route', name, known.names(kind));
}

/** What applying would do, for one document or several. */
export async function planDocuments(parts: ApiParts, tenant: string, incoming: readonly Document[]) {
  const known = await parts.worlds.read(tenant);
  for (const document of incoming) await requireRegistered(tenant, known, document, parts);
  const snapshot = await parts.goals.snapshot(tenant);
  return planChanges({ tenant, incoming, snapshot, settings: parts.settings, plan: parts.planRoute });
}
