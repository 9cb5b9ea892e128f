// GET, PUT and DELETE of freezes: who has stopped changes to what, and stopping and letting go.
import type * as z from 'zod';
import { freezePageSchema, freezeSchema } from '#core/api/freeze-schemas.ts';
import type { FreezeView } from '#core/api/wire.ts';
import { frozenTitle } from '#core/plan/freeze.ts';
import type { Freeze } from '#core/ports/goal-store.ts';
import { reasonOf, requireOwner } from '#functions/api/caller.ts';
import { endingJobs } from '#functions/api/endings.ts';
import { type Answer, type Caller, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { findJob, isJob } from '#functions/api/job-view.ts';
import { missing } from '#functions/api/missing.ts';
import { changeQuery, jobNamed, named, nothing } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { isoTime } from '#functions/api/views.ts';

const freezeView = ({ scope, name, author, reason, at }: Freeze): FreezeView => ({
  ...{ scope, name, author, reason, at: isoTime(at) },
});

export const listFreezes = endpoint({
  ...{ method: 'GET', path: '/v1/freezes', operationId: 'listFreezes', tag: 'Freezes' },
  summary: 'Who has stopped changes to what',
  ...{ params: nothing, query: nothing },
  answers: { 200: { description: 'All freezes, oldest first.', schema: freezePageSchema } },
  handle: async (request, parts) => {
    const { freezes } = await parts.goals.snapshot(request.caller.tenant);
    const mine = freezes.filter(({ tenant }) => tenant === request.caller.tenant);
    return jsonAnswer(200, { items: mine.map(freezeView) });
  },
});

type Scope = Freeze['scope'];
interface Asked {
  readonly caller: Caller;
  readonly headers: Readonly<Record<string, string>>;
  readonly search: { readonly reason?: string | undefined };
}

async function freeze(scope: Scope, name: string, request: Asked, parts: ApiParts): Promise<Answer> {
  const { tenant, author } = request.caller;
  await requireMine(scope, name, request.caller, parts);
  if (scope === 'team') await requireTeam(name, tenant, parts);
  const made = await parts.goals.freeze({ tenant, scope, name, author, reason: reasonOf(request) });
  return jsonAnswer(200, freezeView(made));
}

async function unfreeze(scope: Scope, name: string, request: Asked, parts: ApiParts): Promise<Answer> {
  const { tenant, author } = request.caller;
  // A freeze outlives its job: it can be lifted when nobody is left to own it.
  const isThere = scope !== 'job' || (await isJob(parts, tenant, name));
  if (isThere) await requireMine(scope, name, request.caller, parts);
  const outcome = await parts.goals.unfreeze({ tenant, scope, name, author, reason: reasonOf(request) });
  if (outcome === 'lifted') return { kind: 'empty', status: 204 };
  throw new ApiRefusal(404, 'not-frozen', `${frozenTitle({ scope, name })} is not frozen`, {
    fix: 'millrace freeze   shows what is (GET /v1/freezes)',
  });
}

async function requireMine(scope: Scope, name: string, caller: Caller, parts: ApiParts): Promise<void> {
  if (scope === 'team') requireOwner(caller, name, `team ${name}`);
  if (scope === 'job') requireOwner(caller, await ownerOf(name, caller.tenant, parts), `job ${name}`);
}

/** A job that is to end can be kept from it, too. */
async function ownerOf(name: string, tenant: string, parts: ApiParts): Promise<string> {
  const ending = (await isJob(parts, tenant, name)) ? [] : (await endingJobs(parts, tenant)).jobs;
  const own = ending.find((one) => one.name === name);
  return own?.owner ?? (await findJob(parts, tenant, name)).goal.owner;
}

/** A freeze of nobody, by a slip, would pass for one of somebody. Whose routes are all deleted has jobs that end. */
async function requireTeam(name: string, tenant: string, parts: ApiParts): Promise<void> {
  const { revisions } = await parts.goals.snapshot(tenant);
  const owners = new Set(revisions.filter((one) => one.tenant === tenant).map(({ metadata }) => metadata.owner));
  if (!owners.has(name)) throw missing('team', name, [...owners].sort());
}

const summaries = { fleet: 'all jobs', team: 'the jobs of a team', job: 'one job' } as const;
const pathOf = (scope: Scope): string => `/v1/freezes/${scope}${scope === 'fleet' ? '' : '/{name}'}`;
const idOf = (verb: string, scope: Scope): string => `${verb}${scope.charAt(0).toUpperCase()}${scope.slice(1)}`;
const nameIn = (path: { readonly name?: string | undefined }): string => path.name ?? '';

const putFreeze = <Params extends z.ZodObject>(scope: Scope, params: Params) =>
  endpoint({
    ...{ method: 'PUT', path: pathOf(scope), operationId: idOf('freeze', scope), tag: 'Freezes' },
    summary: `Stop changes to ${summaries[scope]}`,
    description:
      'What runs is kept running as it is, a worker that dies is replaced; nothing else is started, stopped or replaced until it is lifted. Declarations are still taken, and wait.',
    ...{ params, query: changeQuery },
    answers: { 200: { description: 'Frozen; a freeze that stands already stays whose it is.', schema: freezeSchema } },
    problems: [403, 404],
    reads: ['millrace-reason'],
    handle: (request, parts) => freeze(scope, nameIn(request.path as { name?: string }), request, parts),
  });

const deleteFreeze = <Params extends z.ZodObject>(scope: Scope, params: Params) =>
  endpoint({
    ...{ method: 'DELETE', path: pathOf(scope), operationId: idOf('unfreeze', scope), tag: 'Freezes' },
    summary: `Let changes to ${summaries[scope]} go on`,
    ...{ params, query: changeQuery },
    answers: { 204: { description: 'Lifted: what waits is carried out.' } },
    problems: [403, 404],
    reads: ['millrace-reason'],
    handle: (request, parts) => unfreeze(scope, nameIn(request.path as { name?: string }), request, parts),
  });

export const freezeEndpoints = [
  listFreezes,
  ...[putFreeze('fleet', nothing), deleteFreeze('fleet', nothing)],
  ...[putFreeze('team', named), deleteFreeze('team', named)],
  ...[putFreeze('job', jobNamed), deleteFreeze('job', jobNamed)],
];
