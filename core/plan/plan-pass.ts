// A whole pass: the platform's goal against the observed world, target by target; no target waits for another.
import { planScaling, type ScaleStep } from '#core/autoscale/plan-scaling.ts';
import { rememberScale } from '#core/autoscale/remember-scale.ts';
import { asScaled } from '#core/autoscale/workers-wanted.ts';
import type { JobEntry, PlatformGoal } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { limits } from '#core/limits.ts';
import { isReplay, readJobId } from '#core/names.ts';
import { type Decision, leftAlone } from '#core/plan/action.ts';
import { announceStatus } from '#core/plan/announce-status.ts';
import { chooseGoal } from '#core/plan/choose-goal.ts';
import { freshControl } from '#core/plan/control.ts';
import { holdDestruction } from '#core/plan/destruction-guard.ts';
import { describeFreeze, freezeOver } from '#core/plan/freeze.ts';
import { holdBehind, isBehind } from '#core/plan/hold-behind.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { Observed, ObservedJob } from '#core/plan/observed.ts';
import {
  goOnClearing,
  holdEnding,
  isBeingCleared,
  isStillWhole,
  listedBy,
  planEndedJob,
} from '#core/plan/plan-ended-job.ts';
import { isFleetWide, needsCorrection } from '#core/plan/plan-health.ts';
import { leaveBehind, planJob } from '#core/plan/plan-job.ts';
import { planOperations } from '#core/plan/plan-operations.ts';
import { planReplayJob } from '#core/plan/plan-replay.ts';
import { planTopics } from '#core/plan/plan-topics.ts';
import { taskRevision } from '#core/plan/task-tags.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';

/** Topics first: workers that start before their topics exist wait for them. Decisions without effect are left out. */
export function planPass(goal: PlatformGoal, observed: Observed, settings: PlatformSettings): readonly Decision[] {
  const topics = observed.topics === null ? [] : planTopics(goal, observed.topics, observed.at);
  const wanted = new Set([...goal.jobs, ...goal.replays].map((entry) => entry.goal.id));
  const jobs = observeJobs(observed, wanted);
  if (jobs === null) return topics;
  const partitions = new Map(observed.topics?.map((topic) => [topic.topic, topic.partitions]));
  const live = goal.jobs.map(
    (entry) => [entry, { ...observedOf(entry, jobs.get(entry.goal.id), observed), partitions }] as const,
  );
  const scaling = planScaling(live, settings);
  const fleetWide = ailAtOnce(live, settings);
  const decisions = live.map(
    ([entry, job]) => restOfClearing(job) ?? planLiveJob(entry, job, settings, scaling.get(entry.goal.id), fleetWide),
  );
  const replays = goal.replays.map((entry) => {
    const job = observedOf(entry, jobs.get(entry.goal.id), observed);
    return restOfClearing(job) ?? planReplayJob(entry, job, settings);
  });
  const routes = routesOf(goal);
  const ended = [...jobs].filter(([id, job]) => !wanted.has(id) && isEnded(id, job, routes));
  const endings = planEndings(ended, goal, routes, [...new Set([...jobs.keys(), ...wanted])], settings);
  return [
    ...topics,
    ...decisions,
    ...replays,
    ...endings,
    ...confirmRemovals(goal, observed, new Set(jobs.keys()), settings),
  ].filter(hasEffect);
}

/** Whether so many jobs would have a worker replaced that reports that what they show is no fault of theirs. */
function ailAtOnce(live: readonly (readonly [JobEntry, ObservedJob])[], settings: PlatformSettings): boolean {
  if (live.length <= limits.correctJobsAtOnceMin) return false;
  const ailing = live.filter(([entry, job]) => needsCorrection(entry, job, settings.listingGraceMs)).length;
  const bounds = { jobsMin: limits.correctJobsAtOnceMin, share: limits.correctJobsAtOnceShare };
  return isFleetWide(ailing, live.length, bounds);
}

/** Too many at once are asked about first; frozen ones stay as they are. */
function planEndings(
  ended: readonly (readonly [string, ObservedJob])[],
  goal: PlatformGoal,
  routes: RouteIndex,
  known: readonly string[],
  settings: PlatformSettings,
): readonly Decision[] {
  const { listingGraceMs, worker } = settings;
  const due = ended.filter(([id]) => !isEndFrozen(id, goal, routes));
  // Frozen ones wait with the others: a freeze of some is no word for the end of the rest.
  const counted = ended.filter(([id, job]) => !isReplay(id) && isStillWhole(job)).map(([id]) => id);
  const held = holdDestruction(
    counted,
    known.filter((id) => !isReplay(id)),
    goal.approvals,
    settings.guard,
  );
  return due.map(([id, job]) => {
    if (!held.jobs.has(id))
      return planEndedJob(id, job, {
        ...{ leaseMs: worker.leaseMs, keptMs: keptMs(id, routes, settings), listingGraceMs },
        ...{ declaredAt: endDeclaredAt(id, routes), goalSequence: goal.sequence },
      });
    const { ending, of, allowed } = held.counts.get(readJobId(id)!.tenant)!;
    const message = `${ending} of ${of} jobs would end at once, more than the ${allowed} that may without asking: nothing is stopped. If it is wished: millrace approve.`;
    return holdEnding(id, job, message);
  });
}

/** The owner is the declaration's that ends it: the deletion's, or the route's that has lost the sink. */
function isEndFrozen(id: string, goal: PlatformGoal, routes: RouteIndex): boolean {
  const parts = readJobId(id);
  if (!parts || goal.freezes.length === 0) return false;
  const { removals, jobs } = ofRoute(parts, routes);
  const owner = removals[0]?.metadata.owner ?? jobs[0]?.goal.owner ?? '';
  return freezeOver({ tenant: parts.tenant, name: parts.name, owner }, goal.freezes) !== null;
}

type JobParts = NonNullable<ReturnType<typeof readJobId>>;

/** What is wished of the routes, by tenant and name: one look a job, however many there are. */
interface RouteIndex {
  readonly jobs: ReadonlyMap<string, readonly JobEntry[]>;
  readonly removals: ReadonlyMap<string, readonly GoalRevision[]>;
  readonly unsupported: ReadonlySet<string>;
}

const routeKey = (tenant: string, route: string): string => `${tenant}/${route}`;

const routesOf = ({ jobs, removed, unsupported }: PlatformGoal): RouteIndex => ({
  jobs: Map.groupBy(jobs, ({ goal }) => routeKey(goal.tenant, goal.route)),
  removals: Map.groupBy(
    removed.filter(({ kind }) => kind === 'Route'),
    ({ tenant, name }) => routeKey(tenant, name),
  ),
  unsupported: new Set(
    unsupported.flatMap(({ revision }) =>
      revision.kind === 'Route' ? [routeKey(revision.tenant, revision.name)] : [],
    ),
  ),
});

function ofRoute({ tenant, route }: JobParts, { jobs, removals, unsupported }: RouteIndex) {
  const key = routeKey(tenant, route);
  return { jobs: jobs.get(key) ?? [], removals: removals.get(key) ?? [], isUnsupported: unsupported.has(key) };
}

/** Nobody can come back to a name that lives another life by now, to a replay, or to what was to go at once. */
function keptMs(id: string, routes: RouteIndex, { deletionGraceMs }: PlatformSettings): number {
  const parts = readJobId(id);
  if (!parts || isReplay(id)) return 0;
  const { removals, jobs } = ofRoute(parts, routes);
  const [removal] = removals;
  if (removal) return removal.purge || removal.uid !== parts.uid ? 0 : deletionGraceMs;
  return jobs.some(({ goal }) => goal.uid === parts.uid) ? deletionGraceMs : 0;
}

function endDeclaredAt(id: string, routes: RouteIndex): number | null {
  const parts = readJobId(id);
  if (!parts) return null;
  const { removals, jobs } = ofRoute(parts, routes);
  return removals[0]?.at ?? jobs[0]?.declaredAt ?? null;
}

/** What was left half cleared is cleared in full before anything of the job begins again, frozen or not. */
const restOfClearing = ({ control }: ObservedJob): Decision | null =>
  control !== null && isBeingCleared(control) ? goOnClearing(control) : null;

const hasEffect = (decision: Decision): boolean =>
  decision.control !== null || decision.actions.length > 0 || decision.events.length > 0 || !decision.settled;

function planLiveJob(
  declared: JobEntry,
  observed: ObservedJob,
  settings: PlatformSettings,
  step: ScaleStep | undefined,
  fleetWide: boolean,
): Decision {
  const entry = holdBehind(declared, observed.control);
  if (observed.earlier === 'unknown') return announceStatus(entry, lookAgain(entry, observed), observed);
  const chosen = chooseGoal(entry, observed.control, observed.earlier);
  if (chosen.kind === 'none') {
    const behind = isBehind(entry, observed.control) ? observed.control : null;
    return behind === null
      ? planWait(entry, observed, chosen.why)
      : announceStatus(entry, leaveBehind(entry, behind, observed.at), observed);
  }
  const scaled = asScaled(chosen.entry, step?.record);
  const decision = rememberScale(planJob(scaled, observed, settings, entry, fleetWide), step, observed.control);
  const control = decision.control ?? observed.control ?? freshControl(entry.goal.id, entry.goal.uid);
  const finished = planOperations(scaled, control, observed, entry);
  const actions = [...decision.actions, ...finished];
  return announceStatus(entry, { ...decision, actions }, observed);
}

const lookAgainMs = 5_000;

/** Which goal it goes by cannot be read now. It is not brought to the newest for that: that one may have been given up. */
const lookAgain = ({ goal }: JobEntry, { at }: ObservedJob): Decision => ({
  ...leftAlone(goal.id),
  ...{ settled: false, nextPassAt: at + lookAgainMs },
});

/** Nothing is done, which is told once; where nothing is remembered of the job yet, only its status says so. */
function planWait({ goal, freeze }: JobEntry, { control, at }: ObservedJob, why: string): Decision {
  const nothing = leftAlone(goal.id);
  if (control === null || control.announced['waits'] === why) return nothing;
  const message = `Revision ${goal.revision} waits: ${freeze ? `${describeFreeze(freeze)}, and ` : ''}${why}.`;
  return {
    ...nothing,
    control: { ...control, version: control.version + 1, announced: { ...control.announced, waits: why } },
    events: [jobEvent(goal, at, 'info', 'Waiting', message)],
  };
}

const observedOf = (entry: JobEntry, job: ObservedJob | undefined, observed: Observed): ObservedJob => ({
  ...(job ?? { at: observed.at, tasks: [], heartbeats: [], control: null }),
  earlier: observed.earlier.get(entry.goal.id) ?? null,
  splits: observed.splits.get(entry.goal.id) ?? null,
  ...trafficOf(entry, observed),
});

function trafficOf({ goal }: JobEntry, { traffic }: Observed): Pick<ObservedJob, 'traffic'> {
  const known = traffic?.get(goal.id);
  return known === undefined ? {} : { traffic: known };
}

/** By job id; null when a part of the world could not be observed: unknown is never taken for empty. */
function observeJobs(observed: Observed, wanted: ReadonlySet<string>): Map<string, ObservedJob> | null {
  const { tasks, heartbeats, controls, at } = observed;
  if (tasks === null || heartbeats === null || controls === null) return null;
  const tasksOf = Map.groupBy(tasks, (task) => task.job);
  const heartbeatsOf = Map.groupBy(heartbeats, (heartbeat) => heartbeat.job);
  const controlOf = new Map(controls.map((control) => [control.job, control]));
  const ids = new Set([...tasksOf.keys(), ...heartbeatsOf.keys(), ...controlOf.keys()]);
  const jobs = new Map<string, ObservedJob>();
  for (const id of ids) {
    const job: ObservedJob = {
      at,
      tasks: tasksOf.get(id) ?? [],
      heartbeats: heartbeatsOf.get(id) ?? [],
      control: controlOf.get(id) ?? null,
      ...{ earlier: null, splits: null },
    };
    const onlyStoppedTasks =
      !job.control && job.heartbeats.length === 0 && job.tasks.every((task) => task.state === 'stopped');
    // Of one that is wanted they tell which numbers its workers have had.
    if (!onlyStoppedTasks || wanted.has(id)) jobs.set(id, job);
  }
  return jobs;
}

/**
 * Is there an explicit wish that this job be no more? Its route is deleted, or lives a new life, or has lost the sink. A
 * route that the goal store has never heard of is no wish: an empty or restored store must not stop what runs (D12). Nor is
 * a goal that is older than what was seen of the job: it was read before somebody wished for the job.
 */
function isEnded(id: string, job: ObservedJob, routes: RouteIndex): boolean {
  const parts = readJobId(id);
  if (!parts) return false;
  const { jobs, removals, isUnsupported } = ofRoute(parts, routes);
  if (isUnsupported) return false;
  const seen = revisionSeen(job);
  if (removals.some(({ revision }) => revision >= seen)) return true;
  return jobs.some(({ goal }) => goal.revision >= seen);
}

/** The newest revision of its route that anything seen of the job was made for. */
function revisionSeen({ control, tasks, heartbeats }: ObservedJob): number {
  const revisions = [...tasks.map(taskRevision), ...heartbeats.map(({ revision }) => revision)];
  return Math.max(control?.revisionActed ?? 0, ...revisions);
}

/**
 * A deleted name leaves the snapshot once the world holds nothing of it. What a pass before the deletion began is sure to be
 * listed only after a while: nobody would end the job of a route that has left the snapshot.
 */
function confirmRemovals(
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
