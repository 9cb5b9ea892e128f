// A whole pass: the platform's goal against the observed world, target by target; no target waits for another.
import { planScaling, type ScaleStep } from '#core/autoscale/plan-scaling.ts';
import { rememberScale } from '#core/autoscale/remember-scale.ts';
import { asScaled } from '#core/autoscale/workers-wanted.ts';
import type { JobEntry, PlatformGoal } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { limits } from '#core/limits.ts';
import { type Decision, leftAlone } from '#core/plan/action.ts';
import { announceStatus } from '#core/plan/announce-status.ts';
import { chooseGoal } from '#core/plan/choose-goal.ts';
import { freshControl } from '#core/plan/control.ts';
import { describeFreeze } from '#core/plan/freeze.ts';
import { holdBehind, isBehind } from '#core/plan/hold-behind.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { Observed, ObservedJob } from '#core/plan/observed.ts';
import { goOnClearing, isBeingCleared } from '#core/plan/plan-ended-job.ts';
import { confirmRemovals, planEndings } from '#core/plan/plan-endings.ts';
import { isFleetWide, needsCorrection } from '#core/plan/plan-health.ts';
import { leaveBehind, planJob } from '#core/plan/plan-job.ts';
import { planOperations } from '#core/plan/plan-operations.ts';
import { planReplayJob } from '#core/plan/plan-replay.ts';
import { planTopics } from '#core/plan/plan-topics.ts';

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
  return [
    ...topics,
    ...decisions,
    ...replays,
    ...planEndings(goal, jobs, wanted, settings),
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
