// What is done about a job that ails although its workers report: one worker is replaced, as long as the restart budget lasts and the cause may be its own.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { type Ailment, judgeAilments } from '#core/health/ailments.ts';
import type { AilmentHandling, HealthRecord } from '#core/health/health-record.ts';
import type { Action } from '#core/plan/action.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { isUnlistedForLong } from '#core/plan/slot-drift.ts';
import { type JobScope, scopeEvent } from '#core/plan/slot-scope.ts';
import { taskIncarnation } from '#core/plan/task-tags.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import { formatDuration } from '#core/spec/quantity.ts';

export interface HealthStep {
  readonly memory: Pick<ControlRecord, 'health'>;
  readonly actions: readonly Action[];
  readonly events: readonly PlatformEvent[];
  readonly settled: boolean;
}

/** `slots`: as this pass leaves them. */
export function planHealth(scope: JobScope, { health }: ControlRecord, slots: ControlRecord['slots']): HealthStep {
  const { entry, observed, now } = scope;
  const corrections = health?.corrections?.render === entry.render ? health.corrections : undefined;
  const { ailment, unsharedSince } =
    scope.whyNone === null ? judge(entry, observed, slots, health) : { ailment: null, unsharedSince: undefined };
  if (ailment === null) return quiet(remember({ unsharedSince, corrections }));
  const handled = handle(scope, ailment, corrections);
  const isNew = handled === 'replaced' && corrections?.incarnation !== ailment.incarnation;
  const counted = isNew
    ? {
        ...{ render: entry.render, incarnation: ailment.incarnation },
        at: [...recentOf(scope, corrections), now],
      }
    : corrections;
  const { kind, incarnation, why } = ailment;
  const known = health?.ailment;
  const isTold = known?.kind === kind && known.incarnation === incarnation && known.handled === handled;
  const told = isTold ? known : { kind, incarnation, why, since: now, handled };
  return {
    memory: remember({ unsharedSince, corrections: counted, ailment: told }),
    actions: handled === 'replaced' ? stopOf(scope, ailment) : [],
    events: isTold ? [] : [eventOf(scope, ailment, handled, counted?.at.length ?? 0)],
    settled: handled !== 'replaced',
  };
}

const quiet = (memory: HealthStep['memory']): HealthStep => ({ memory, actions: [], events: [], settled: true });

/** Nothing undefined is stored, and nothing at all where nothing is to be remembered. */
function remember(
  health: { readonly [Key in keyof HealthRecord]: HealthRecord[Key] | undefined },
): HealthStep['memory'] {
  const known = Object.entries(health).filter(([, value]) => value !== undefined);
  return known.length === 0 ? {} : { health: Object.fromEntries(known) };
}

const judge = (entry: JobEntry, observed: ObservedJob, slots: ControlRecord['slots'], health?: HealthRecord) =>
  judgeAilments({
    ...{ entry, slots, heartbeats: observed.heartbeats, now: observed.at },
    partitions: observed.partitions?.get(entry.goal.source.topic),
    unsharedSince: health?.unsharedSince,
  });

type Corrections = NonNullable<HealthRecord['corrections']> | undefined;

const recentOf = ({ entry, now }: JobScope, corrections: Corrections): readonly number[] =>
  (corrections?.at ?? []).filter((at) => now - at < entry.restartBudget.perMs);

function handle(scope: JobScope, ailment: Ailment, corrections: Corrections): AilmentHandling {
  // Asked before: asked again, should the first request have been lost.
  if (corrections?.incarnation === ailment.incarnation) return 'replaced';
  if (ailment.outside !== null) return 'outside';
  if (scope.isFleetWide) return 'fleet-wide';
  return recentOf(scope, corrections).length >= scope.entry.restartBudget.count ? 'budget-spent' : 'replaced';
}

/** In order: what it has read is delivered and committed, and what hangs is ended by the runtime. */
function stopOf({ entry, observed }: JobScope, { incarnation, kind }: Ailment): readonly Action[] {
  const task = observed.tasks.find((one) => taskIncarnation(one) === incarnation);
  if (task === undefined || !['starting', 'running'].includes(task.state)) return [];
  return [{ kind: 'stop-worker', job: entry.goal.id, taskId: task.taskId, why: whyStopped[kind] }];
}

const whyStopped: Readonly<Record<Ailment['kind'], string>> = {
  LeaderStalled: 'it leads, and shares nothing out',
  WorkerStalled: 'it takes no part',
  CheckpointStale: 'it leads, and takes no checkpoint',
};

function eventOf(scope: JobScope, ailment: Ailment, handled: AilmentHandling, count: number): PlatformEvent {
  const { count: allowed, perMs } = scope.entry.restartBudget;
  const budget = `${allowed} within ${formatDuration(perMs)}`;
  const what: Readonly<Record<AilmentHandling, string>> = {
    replaced: `it is told to end, and another takes its place (correction ${count} of ${budget})`,
    'budget-spent': `workers were replaced for it ${budget}, in vain. It is left as it runs: look at its log, then change the route or restart the job`,
    'fleet-wide': 'nothing is restarted, since so many jobs show the like at once that the cause lies outside',
    outside: `nothing is restarted, since the worker says what refuses: ${ailment.outside}`,
  };
  const message = `${ailment.why.charAt(0).toUpperCase()}${ailment.why.slice(1)}: ${what[handled]}.`;
  const reason = handled === 'budget-spent' ? 'CorrectionsSpent' : ailment.kind;
  const evidence = { ...ailment.evidence, handled, outside: ailment.outside };
  return scopeEvent(scope, handled === 'budget-spent' ? 'error' : 'warning', reason, message, evidence);
}

/** Whether a worker of the job would be replaced now for what ails it, or for being unknown to the runtime. */
export function needsCorrection(entry: JobEntry, observed: ObservedJob, listingGraceMs: number): boolean {
  const { control, heartbeats, tasks, at } = observed;
  if (control === null || entry.paused) return false;
  const known = new Set(tasks.map(taskIncarnation));
  const isUnlisted = Object.values(control.slots).some(
    (slot) =>
      isUnlistedForLong(slot, at, listingGraceMs) &&
      !known.has(slot.incarnation) &&
      heartbeats.some(({ incarnation }) => incarnation === slot.incarnation),
  );
  if (isUnlisted) return true;
  const { ailment } = judge(entry, observed, control.slots, control.health);
  return (
    ailment !== null && ailment.outside === null && control.health?.corrections?.incarnation !== ailment.incarnation
  );
}

/** So many at once have a cause that no restart of theirs removes. */
export const isFleetWide = (
  ailing: number,
  jobs: number,
  bounds: { readonly jobsMin: number; readonly share: number },
) => ailing > Math.max(bounds.jobsMin, Math.floor(bounds.share * jobs));
