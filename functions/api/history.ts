// GET /v1/diff and POST /v1/restore: all declarations between two times, and as they were at one, declared again.
import * as z from 'zod';
import { diffSchema, restoreSchema } from '#core/api/schemas.ts';
import type { RestoreView } from '#core/api/wire.ts';
import { buildWorld } from '#core/graph/world.ts';
import { contentHash } from '#core/hash.ts';
import { compareStates } from '#core/plan/compare-states.ts';
import { isFleetFrozen } from '#core/plan/freeze.ts';
import { documentOf, planChanges } from '#core/plan/plan-changes.ts';
import type { GoalRevision, GoalSnapshot } from '#core/ports/goal-store.ts';
import { busy, pause, turnsMax } from '#functions/api/apply-declaration.ts';
import { movedOn } from '#functions/api/apply-documents.ts';
import { reasonOf, requireOwner } from '#functions/api/caller.ts';
import { type Caller, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { nothing, plannedQuery, timeText } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { isoTime } from '#functions/api/views.ts';

export const diffTimes = endpoint({
  ...{ method: 'GET', path: '/v1/diff', operationId: 'diffTimes', tag: 'History' },
  summary: 'What has changed between two times, in all declarations',
  ...{ params: nothing, query: z.strictObject({ from: timeText, to: timeText.optional() }) },
  answers: { 200: { description: 'By kind and name.', schema: diffSchema } },
  handle: async ({ caller: { tenant }, search }, parts) => {
    const [from, to] = [Date.parse(search.from), search.to === undefined ? parts.clock.now() : Date.parse(search.to)];
    const [then, now] = await Promise.all([parts.goals.stateAt(tenant, from), parts.goals.stateAt(tenant, to)]);
    return jsonAnswer(200, { from: isoTime(from), to: isoTime(to), items: compareStates(then, now) });
  },
});

export const restoreTime = endpoint({
  ...{ method: 'POST', path: '/v1/restore', operationId: 'restoreTime', tag: 'History' },
  summary: 'Declare everything again as it was at a time',
  description:
    'Only under a freeze of the fleet, so that what comes of it can be looked at before it is carried out. One change: names that were not there then are deleted, names that were come back (as the life they were, while that is kept). With dryRun=true nothing is changed; with `plan`, the hash that this answered, it is refused where it does not tell any more what would happen.',
  ...{ params: nothing, query: plannedQuery },
  body: { schema: z.strictObject({ to: timeText }), bytesMax: 1_024, example: { to: '2026-01-31T12:00:00Z' } },
  answers: { 200: { description: 'What is, or would be, declared again.', schema: restoreSchema } },
  problems: [403, 409, 412],
  reads: ['millrace-reason'],
  handle: async (request, parts) => {
    const to = Date.parse(request.content.to);
    const { dryRun, plan } = request.search;
    const wish = { to, isDryRun: dryRun === 'true', plan, reason: reasonOf(request) };
    return jsonAnswer(200, await restore(parts, request.caller, wish));
  },
});

interface Wish {
  readonly to: number;
  readonly isDryRun: boolean;
  /** What was shown and agreed to. */
  readonly plan: string | undefined;
  readonly reason: string;
}

async function restore(parts: ApiParts, caller: Caller, { to, isDryRun, plan, reason }: Wish): Promise<RestoreView> {
  const { tenant, author } = caller;
  for (let turn = 0; turn < turnsMax; turn++) {
    const snapshot = await parts.goals.snapshot(tenant);
    const now = snapshot.revisions.filter((one) => one.tenant === tenant && one.declared !== null);
    const then = await parts.goals.stateAt(tenant, to);
    const items = compareStates(now, then);
    const changed = then.filter(({ kind, name }) => items.some((item) => item.kind === kind && item.name === name));
    for (const { kind, name, metadata } of [...changed, ...now.filter((one) => !isAmong(one, then))])
      requireOwner(caller, metadata.owner, `${kind} ${name}`);
    const effects = effectsOf(parts, tenant, snapshot, changed, then);
    const told = { to: isoTime(to), items, effects };
    const view = { ...told, hash: contentHash(told) };
    if (isDryRun) return view;
    if (!isFleetFrozen(tenant, snapshot.freezes)) throw notFrozen();
    if (plan !== undefined && plan !== view.hash) throw movedOn(plan, view.hash);
    const applies = changed.map(({ kind, metadata, declared }) => ({
      kind,
      metadata,
      declared: declared!,
      revive: true,
    }));
    const removes = now.filter((one) => !isAmong(one, then)).map(({ kind, name }) => ({ kind, name }));
    const said = `as of ${isoTime(to)}${reason === '' ? '' : `: ${reason}`}`;
    const change = { tenant, author, reason: said, applies, removes, checkedAt: snapshot };
    if ((await parts.goals.change(change)).kind === 'changed') return view;
    await pause(turn);
  }
  throw busy();
}

const isAmong = ({ kind, name }: GoalRevision, all: readonly GoalRevision[]): boolean =>
  all.some((one) => one.kind === kind && one.name === name);

const notFrozen = (): ApiRefusal =>
  new ApiRefusal(409, 'not-frozen', 'the fleet is not frozen: everything would be carried out at once', {
    fix: 'millrace freeze fleet   first; then restore, look at `millrace plan` and `get jobs`, and millrace unfreeze fleet',
  });

/** What was valid together then has to be so by this version as well; how far it differs from what is there now is its point. */
function effectsOf(
  parts: ApiParts,
  tenant: string,
  snapshot: GoalSnapshot,
  changed: readonly GoalRevision[],
  then: readonly GoalRevision[],
): readonly string[] {
  const unclear = then
    .filter((revision) => documentOf(revision).length === 0)
    .map(({ kind, name }) => `${kind} ${name}`);
  const { routes } = buildWorld(then.flatMap(documentOf), parts.planRoute);
  const broken = [...routes].filter(([, { problems }]) => problems.length > 0).map(([name]) => `Route ${name}`);
  const wrong = [...unclear, ...broken];
  if (wrong.length > 0)
    throw new ApiRefusal(409, 'not-understood', `this version cannot carry out as it was then: ${wrong.join(', ')}`);
  const incoming = changed.flatMap(documentOf);
  const gone = snapshot.revisions.filter(
    (one) => one.tenant === tenant && one.declared !== null && !isAmong(one, then),
  );
  const plan = planChanges({ tenant, incoming, snapshot, settings: parts.settings, plan: parts.planRoute });
  return [
    ...new Set(plan.changes.flatMap(({ effects }) => effects)),
    ...gone.map(({ kind, name }) => `${kind} ${name}: deleted, as if it had been by hand`),
  ];
}
