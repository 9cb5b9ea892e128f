// What is to be no more: which jobs anybody has ended, which of them may end now, and on what terms; deletions that are done are confirmed.
import type { JobEntry, PlatformGoal } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { isReplay, readJobId } from '#core/names.ts';
import { type Decision, leftAlone } from '#core/plan/action.ts';
import { holdDestruction } from '#core/plan/destruction-guard.ts';
import { freezeOver } from '#core/plan/freeze.ts';
import type { Observed, ObservedJob } from '#core/plan/observed.ts';
import { type EndingTerms, holdEnding, isStillWhole, listedBy, planEndedJob } from '#core/plan/plan-ended-job.ts';
import { taskRevision } from '#core/plan/task-tags.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';

type JobParts = NonNullable<ReturnType<typeof readJobId>>;

/** A job that nobody wishes for any more, and what is declared of its route by now. */
interface EndedJob {
  readonly id: string;
  readonly parts: JobParts;
  readonly job: ObservedJob;
  /** The route's deletion. */
  readonly removal: GoalRevision | undefined;
  /** What the route asks for else, or in another life. */
  readonly jobs: readonly JobEntry[];
}

/** Too many at once are asked about first; frozen ones stay as they are. `jobs`: all that are known of; `wanted`: ids of those that are wished for. */
export function planEndings(
  goal: PlatformGoal,
  jobs: ReadonlyMap<string, ObservedJob>,
  wanted: ReadonlySet<string>,
  settings: PlatformSettings,
): readonly Decision[] {
  const ended = endedJobs(goal, jobs, wanted);
  const due = ended.filter((one) => !isEndFrozen(one, goal));
  // Frozen ones wait with the others: a freeze of some is no word for the end of the rest.
  const counted = ended.filter(({ id, job }) => !isReplay(id) && isStillWhole(job)).map(({ id }) => id);
  const known = [...new Set([...jobs.keys(), ...wanted])].filter((id) => !isReplay(id));
  const held = holdDestruction(counted, known, goal.approvals, settings.guard);
  return due.map((one) => {
    const { id, job, parts } = one;
    if (!held.jobs.has(id)) return planEndedJob(id, job, termsOf(one, goal, settings));
    const { ending, of, allowed } = held.counts.get(parts.tenant)!;
    const message = `${ending} of ${of} jobs would end at once, more than the ${allowed} that may without asking: nothing is stopped. If it is wished: millrace approve.`;
    return holdEnding(id, job, message);
  });
}

/** One look at what is declared for all of a route's jobs, however many there are. */
function endedJobs(
  { jobs: entries, removed, unsupported }: PlatformGoal,
  jobs: ReadonlyMap<string, ObservedJob>,
  wanted: ReadonlySet<string>,
): readonly EndedJob[] {
  const entriesOf = Map.groupBy(entries, ({ goal }) => routeKey(goal.tenant, goal.route));
  const routes = (revisions: readonly GoalRevision[]) => revisions.filter(({ kind }) => kind === 'Route');
  const removals = new Map(routes(removed).map((one) => [routeKey(one.tenant, one.name), one]));
  const unclear = new Set(
    routes(unsupported.map(({ revision }) => revision)).map(({ tenant, name }) => routeKey(tenant, name)),
  );
  return [...jobs].flatMap(([id, job]) => {
    const parts = wanted.has(id) ? null : readJobId(id);
    if (parts === null) return [];
    const key = routeKey(parts.tenant, parts.route);
    const one = { id, parts, job, removal: removals.get(key), jobs: entriesOf.get(key) ?? [] };
    return isEnded(one, unclear.has(key)) ? [one] : [];
  });
}

const routeKey = (tenant: string, route: string): string => `${tenant}/${route}`;

/**
 * Is there an explicit wish that this job be no more? Its route is deleted, or lives a new life, or has lost the sink. A
 * route that the goal store has never heard of is no wish: an empty or restored store must not stop what runs (D12). Nor is
 * a goal that is older than what was seen of the job: it was read before somebody wished for the job.
 */
function isEnded({ job, removal, jobs }: EndedJob, isUnsupported: boolean): boolean {
  if (isUnsupported) return false;
  const seen = revisionSeen(job);
  if (removal !== undefined && removal.revision >= seen) return true;
  return jobs.some(({ goal }) => goal.revision >= seen);
}

/** The newest revision of its route that anything seen of the job was made for. */
function revisionSeen({ control, tasks, heartbeats }: ObservedJob): number {
  const revisions = [...tasks.map(taskRevision), ...heartbeats.map(({ revision }) => revision)];
  return Math.max(control?.revisionActed ?? 0, ...revisions);
}

/** The owner is the declaration's that ends it: the deletion's, or the route's that has lost the sink. */
function isEndFrozen({ parts: { tenant, name }, removal, jobs }: EndedJob, { freezes }: PlatformGoal): boolean {
  const owner = removal?.metadata.owner ?? jobs[0]?.goal.owner ?? '';
  return freezeOver({ tenant, name, owner }, freezes) !== null;
}

const termsOf = (
  one: EndedJob,
  { sequence }: PlatformGoal,
  { worker, deletionGraceMs, listingGraceMs }: PlatformSettings,
): EndingTerms => ({
  ...{ leaseMs: worker.leaseMs, listingGraceMs, goalSequence: sequence },
  keptMs: canBeUndone(one) ? deletionGraceMs : 0,
  declaredAt: one.removal?.at ?? one.jobs[0]?.declaredAt ?? null,
});

/** Nobody can come back to a name that lives another life by now, to a replay, or to what was to go at once. */
function canBeUndone({ id, parts: { uid }, removal, jobs }: EndedJob): boolean {
  if (isReplay(id)) return false;
  return removal ? !removal.purge && removal.uid === uid : jobs.some(({ goal }) => goal.uid === uid);
}

/**
 * A deleted name leaves the snapshot once the world holds nothing of it. What a pass before the deletion began is sure to be
 * listed only after a while: nobody would end the job of a route that has left the snapshot.
 */
export function confirmRemovals(
  goal: PlatformGoal,
  observed: Observed,
  jobs: ReadonlySet<string>,
  { listingGraceMs }: PlatformSettings,
): readonly Decision[] {
  const routesWithJobs = new Set(
    [...jobs].map((id) => readJobId(id)).map((parts) => parts && routeKey(parts.tenant, parts.route)),
  );
  const topics = observed.topics && new Set(observed.topics.map((topic) => topic.topic));
  const going = new Map(goal.removedTopics.map((topic) => [`${topic.tenant}/${topic.subject}`, topic.topic]));
  return goal.removed
    .filter(({ tenant, kind, name, at }) => {
      if (kind === 'Route')
        return !routesWithJobs.has(routeKey(tenant, name)) && observed.at >= listedBy(at, listingGraceMs);
      const goes = going.get(`${tenant}/stream/${name}`);
      return topics !== null && (goes === undefined || !topics.has(goes));
    })
    .map(({ tenant, kind, name, revision }) => ({
      ...leftAlone(`${kind}/${name}`),
      actions: [{ kind: 'confirm-removed', tenant, of: kind, name, revision }],
    }));
}
