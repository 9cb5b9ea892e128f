// GET /v1/endings: jobs that nobody wishes for any more and that are not gone yet, each with what it waits for.
import { endingPageSchema } from '#core/api/freeze-schemas.ts';
import type { EndingView } from '#core/api/wire.ts';
import { isReplay, readJobId } from '#core/names.ts';
import { describeFreeze, freezeOver } from '#core/plan/freeze.ts';
import { keptUntil } from '#core/plan/plan-ended-job.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Freeze, GoalRevision } from '#core/ports/goal-store.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { nothing } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { isoTime } from '#functions/api/views.ts';

/** A job that the reconciler remembers, and whose route is deleted, or has lost its sink. */
export interface EndingJob {
  readonly name: string;
  readonly owner: string;
  readonly control: ControlRecord;
  /** The newest declaration of its route, by which it ends: its deletion, or one without the sink. */
  readonly by: GoalRevision;
}

/** By name. The reconciler's word is the control record: a job that was deleted before any pass saw it is not among them. */
export async function endingJobs(
  parts: ApiParts,
  tenant: string,
): Promise<{ readonly jobs: readonly EndingJob[]; readonly freezes: readonly Freeze[] }> {
  const [controls, known, { revisions, freezes }] = await Promise.all([
    parts.controls.list(),
    parts.worlds.read(tenant),
    parts.goals.snapshot(tenant),
  ]);
  const routes = new Map(
    revisions.filter((one) => one.tenant === tenant && one.kind === 'Route').map((one) => [one.name, one]),
  );
  const declared = new Set(known.jobNames());
  const jobs = controls.flatMap((control) => {
    const id = readJobId(control.job);
    const by = id?.tenant === tenant && !isReplay(control.job) ? routes.get(id.route) : undefined;
    if (id === null || by === undefined || (declared.has(id.name) && by.uid === id.uid)) return [];
    // What this version cannot carry out says nothing of its jobs.
    if (known.declared('Route', id.route)?.documents.length === 0) return [];
    // Of a route that went back in time the newest declaration is no word on what came after it.
    return by.revision >= control.revisionActed
      ? [{ name: id.name, owner: by.metadata.owner, control, by } satisfies EndingJob]
      : [];
  });
  return { jobs: jobs.sort((a, b) => (a.name < b.name ? -1 : 1)), freezes };
}

/** In the order in which passes ask: whoever is frozen is not counted with those that are held, and neither begins to end. */
function endingView(
  { name, owner, control, by }: EndingJob,
  freezes: readonly Freeze[],
  deletionGraceMs: number,
): EndingView {
  const { tenant, kind, uid } = by;
  const freeze = freezeOver({ tenant, name, owner }, freezes);
  const { held, ended } = control.announced;
  const same = { job: name, owner, since: isoTime(by.at) };
  if (freeze !== null) return { ...same, state: 'frozen', message: describeFreeze(freeze) };
  if (held !== undefined) return { ...same, state: 'held', message: 'too many would end at once: millrace approve' };
  if (ended === undefined) return { ...same, state: 'ending', message: 'workers drain, commit and end' };
  const canBeUndone = by.purge !== true && uid === control.uid;
  const until = isoTime(keptUntil(Number(ended), by.at, deletionGraceMs));
  const undo = by.declared === null ? `millrace undelete ${kind.toLowerCase()} ${by.name}` : 'declare the sink again';
  const message = canBeUndone ? `kept until ${until}: ${undo}` : 'what is left of it is being removed';
  return { ...same, state: 'ended', message };
}

export const listEndings = endpoint({
  ...{ method: 'GET', path: '/v1/endings', operationId: 'listEndings', tag: 'Jobs' },
  summary: 'Jobs that are to be no more and are not gone yet, and what each waits for',
  ...{ params: nothing, query: nothing },
  answers: { 200: { description: 'By name.', schema: endingPageSchema } },
  handle: async (request, parts) => {
    const { jobs, freezes } = await endingJobs(parts, request.caller.tenant);
    return jsonAnswer(200, { items: jobs.map((job) => endingView(job, freezes, parts.settings.deletionGraceMs)) });
  },
});
