// POST /v1/routes/{name}/rollback: an earlier revision is declared again, as a new one; history only grows.
import * as z from 'zod';
import { changeSchema, planSchema } from '#core/api/schemas.ts';
import { canonicalJson } from '#core/hash.ts';
import { documentOf } from '#core/plan/plan-changes.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import type { Document } from '#core/spec/document.ts';
import { planDocuments } from '#functions/api/apply-declaration.ts';
import { changeTogether } from '#functions/api/apply-documents.ts';
import { reasonOf } from '#functions/api/caller.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { missing } from '#functions/api/missing.ts';
import { named, plannedQuery } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

export const rollbackRoute = endpoint({
  ...{ method: 'POST', path: '/v1/routes/{name}/rollback', operationId: 'rollbackRoute', tag: 'Routes' },
  summary: 'Declare an earlier revision of a route again',
  description:
    'As a new revision, checked and tested as any. With dryRun=true nothing is changed and the answer is the plan. With `plan`, the hash of that plan, it is refused where what is declared has changed since. Positions are not set back: `rewind` does that.',
  ...{ params: named, query: plannedQuery },
  body: {
    schema: z.strictObject({
      to: z.int().min(1).optional().meta({ description: 'Default: the one before that differs.' }),
    }),
    bytesMax: 1_024,
    example: { to: 4 },
  },
  answers: {
    200: { description: 'What became of it; or the plan.', schema: z.union([changeSchema, planSchema]) },
  },
  problems: [403, 409, 412],
  reads: ['millrace-reason'],
  handle: async (request, parts) => {
    const { dryRun, plan } = request.search;
    const { document, revision } = await earlier(request.path.name, request.content.to, request.caller.tenant, parts);
    if (dryRun === 'true') return jsonAnswer(200, await planDocuments(parts, request.caller.tenant, [document]));
    const said = reasonOf(request);
    const reason = `back to revision ${revision}${said === '' ? '' : `: ${said}`}`;
    const how = { reason, ...(plan === undefined ? {} : { planHash: plan }) };
    return jsonAnswer(200, await changeTogether(parts, request.caller, [document], how));
  },
});

async function earlier(
  name: string,
  to: number | undefined,
  tenant: string,
  parts: ApiParts,
): Promise<{ readonly document: Document; readonly revision: number }> {
  const history = await parts.goals.revisions(tenant, 'Route', name);
  const [newest] = history;
  if (newest === undefined || newest.declared === null)
    throw missing('route', name, (await parts.worlds.read(tenant)).names('Route'));
  const found =
    to === undefined ? history.find((one) => isOther(one, newest)) : history.find((one) => one.revision === to);
  const known = history.filter(({ declared }) => declared !== null).map(({ revision }) => revision);
  const [document] = found ? documentOf(found) : [];
  if (document && found) return { document, revision: found.revision };
  const got = to === undefined ? 'no earlier revision that differs' : `revision ${to}`;
  throw new ApiRefusal(
    409,
    'no-such-revision',
    `route ${JSON.stringify(name)}: got ${got}, expected one of ${known.join(', ')} that this version understands`,
    {
      fix: `millrace history ${name}`,
    },
  );
}

const isOther = ({ declared, metadata }: GoalRevision, newest: GoalRevision): boolean =>
  declared !== null && canonicalJson([metadata, declared]) !== canonicalJson([newest.metadata, newest.declared]);
