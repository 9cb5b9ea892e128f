// POST /v1/apply: several documents as one change, all of them or none, where wished only if a plan still tells what will happen.
import * as z from 'zod';
import { changeSchema } from '#core/api/schemas.ts';
import type { ChangeView, PlanView } from '#core/api/wire.ts';
import { limits } from '#core/limits.ts';
import { planChanges } from '#core/plan/plan-changes.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import type { Document } from '#core/spec/document.ts';
import { busy, keyReused, pause, requireRegistered, turnsMax } from '#functions/api/apply-declaration.ts';
import { reasonOf, requireOwner } from '#functions/api/caller.ts';
import { type Caller, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { planText, reasonText } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { documentsKeysMax, documentsSchema, readDocuments } from '#functions/api/read-documents.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

export const applyDocuments = endpoint({
  ...{ method: 'POST', path: '/v1/apply', operationId: 'applyDocuments', tag: 'Declarations' },
  summary: 'Declare several documents at once',
  description:
    'All of them or none, in one transaction. With `plan`, the hash of a plan of the same documents, they are refused where that plan does not tell any more what would happen.',
  ...{
    params: z.strictObject({}),
    query: z.strictObject({ reason: reasonText.optional(), plan: planText.optional() }),
  },
  body: {
    schema: z.strictObject({ documents: documentsSchema }),
    ...{ bytesMax: limits.requestBytesMax, keysMax: documentsKeysMax },
    checkedBy: 'handler',
  },
  answers: { 200: { description: 'What became of each document.', schema: changeSchema } },
  problems: [403, 409, 412],
  reads: ['millrace-reason'],
  handle: async (request, parts) => {
    const { plan } = request.search;
    const how = { reason: reasonOf(request), ...(plan === undefined ? {} : { planHash: plan }) };
    return jsonAnswer(200, await changeTogether(parts, request.caller, readDocuments(request.json), how));
  },
});

interface Together {
  readonly reason: string;
  readonly planHash?: string;
}

/** Planned at one sequence and written only at that one: so what was planned is what is written. */
export async function changeTogether(
  parts: ApiParts,
  caller: Caller,
  incoming: readonly Document[],
  { reason, planHash }: Together,
): Promise<ChangeView> {
  const { tenant, author } = caller;
  for (const { kind, metadata } of incoming) requireOwner(caller, metadata.owner, `${kind} ${metadata.name}`);
  const known = await parts.worlds.read(tenant);
  for (const document of incoming) await requireRegistered(tenant, known, document, parts);
  for (let turn = 0; turn < turnsMax; turn++) {
    const snapshot = await parts.goals.snapshot(tenant);
    const view = planChanges({ tenant, incoming, snapshot, settings: parts.settings, plan: parts.planRoute });
    if (planHash !== undefined && view.hash !== planHash) throw movedOn(planHash, view.hash);
    if (view.refused) throw refusedPlan(view);
    const applies = incoming.map(({ kind, metadata, declared }) => ({ kind, metadata, declared }));
    const outcome = await parts.goals.change({
      ...{ tenant, author, reason, applies, removes: [], checkedAt: snapshot },
    });
    if (outcome.kind === 'changed') return changeView(view, incoming, outcome.revisions, snapshot.revisions);
    if (outcome.kind === 'key-reused') throw keyReused();
    await pause(turn);
  }
  throw busy();
}

function changeView(
  plan: PlanView,
  incoming: readonly Document[],
  written: readonly GoalRevision[],
  before: readonly GoalRevision[],
): ChangeView {
  const items = incoming.map(({ kind, metadata: { name } }) => {
    const is = (one: GoalRevision): boolean => one.kind === kind && one.name === name;
    const now = written.find(is);
    const was = before.find(is);
    const outcome = now === undefined ? 'unchanged' : was && was.declared !== null ? 'changed' : 'created';
    return { kind, name, outcome, revision: (now ?? was)?.revision ?? 0 } as const;
  });
  return { plan, items };
}

export const movedOn = (wanted: string, now: string): ApiRefusal =>
  new ApiRefusal(
    412,
    'plan-moved',
    `the plan ${wanted} does not tell any more what would happen: what is declared has changed since, and it would be ${now} now`,
    { fix: 'plan again, look at what it says, and agree to that' },
  );

function refusedPlan({ changes }: PlanView): ApiRefusal {
  const problems = changes.flatMap(({ kind, name, problems: each }) =>
    each.map((problem) => ({ ...problem, document: `${kind} ${name}` })),
  );
  const first = problems[0]!;
  const isOwned = problems.some(({ path, message }) => path === 'metadata.owner' && /belongs to/.test(message));
  return new ApiRefusal(
    isOwned ? 409 : 422,
    isOwned ? 'owned-by-another' : 'declaration-refused',
    `${first.document}: ${first.path}: ${first.message}`,
    { problems },
  );
}
