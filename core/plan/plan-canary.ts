// A revision on trial: its worker in a slot of its own beside those that run, and what comes of comparing them.
import { canarySlot } from '#core/canary/canary-slot.ts';
import type { Comparison } from '#core/canary/compare-revisions.ts';
import { judgeCanary } from '#core/canary/judge-canary.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { triedBeside } from '#core/plan/choose-goal.ts';
import { withoutCanary } from '#core/plan/control.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { ownFault } from '#core/plan/plan-rollout.ts';
import { planEndedSlot, planWantedSlot } from '#core/plan/plan-slot.ts';
import { ownedWorkers } from '#core/plan/plan-strays.ts';
import { type JobScope, type SlotDecision, scopeEvent } from '#core/plan/slot-scope.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';

export type CanaryStage =
  | 'none'
  /** The newest goal has a share of the splits, another has the rest. */
  | 'trial'
  /** It gets the rest as well; the worker that tried it goes on until the others have taken over. */
  | 'promoted'
  /** Somebody has stopped changes while it was on trial: whatever runs goes on. */
  | 'held';

/** `entry`: what the job is brought to; `newest`: as the goal store has it. */
export function canaryStage(entry: JobEntry, newest: JobEntry, before: ControlRecord): CanaryStage {
  if (newest.freeze !== null) return before.slots[canarySlot] === undefined ? 'none' : 'held';
  const isPromoted = before.canary?.render === newest.render && before.canary.promotedAt !== undefined;
  if (isPromoted && before.good?.render !== newest.render && entry.render === newest.render) return 'promoted';
  const beside = triedBeside(newest, before);
  return beside !== null && entry.render === beside.render ? 'trial' : 'none';
}

const nothing: SlotDecision = { record: null, actions: [], events: [], settled: true };

/** `record`: of the slot in which revisions are tried. */
export function planCanarySlot(
  stage: CanaryStage,
  scope: JobScope,
  newest: JobEntry,
  record: SlotRecord | undefined,
): SlotDecision {
  if (stage === 'held') return record ? { ...nothing, record } : nothing;
  const isWanted = scope.whyNone === null && (stage === 'trial' || (stage === 'promoted' && record !== undefined));
  if (isWanted) return planWantedSlot({ ...scope, entry: newest }, canarySlot, record);
  const why = scope.whyNone ?? 'its trial is over';
  return record ? planEndedSlot({ ...scope, whyNone: why }, canarySlot, record) : nothing;
}

export interface CanaryStep {
  readonly memory: Pick<ControlRecord, 'canary' | 'failed'>;
  readonly events: readonly PlatformEvent[];
  readonly settled: boolean;
  readonly nextPassAt?: number;
}

interface TrialFacts {
  readonly stage: CanaryStage;
  readonly scope: JobScope;
  readonly newest: JobEntry;
  readonly before: ControlRecord;
  /** As this pass leaves them. */
  readonly slots: ControlRecord['slots'];
}

export function stepCanary(facts: TrialFacts): CanaryStep {
  const { stage, scope, newest, before, slots } = facts;
  const kept = before.canary === undefined ? {} : { canary: before.canary };
  if (stage === 'held' || stage === 'promoted') return { memory: kept, events: [], settled: true };
  if (stage === 'none' || scope.whyNone !== null) return { memory: {}, events: [], settled: true };
  const record = slots[canarySlot];
  const running = reporting(scope.observed, scope.entry, Object.values(withoutCanary(slots)));
  const tried = reporting(scope.observed, newest, record ? [record] : []);
  const known = before.canary?.render === newest.render ? before.canary : null;
  const memory = known ?? begun(newest, running, scope.now);
  const begin = known === null ? [startedEvent(scope, newest)] : [];
  const verdict = judgeCanary({
    ...{ canary: tried, running, baseline: memory.baseline, now: scope.now, since: memory.since },
    ownFault: record ? ownFault({ [canarySlot]: record }, newest.render, tried) : null,
    ...{ leaseMs: newest.goal.settings.leaseMs, deadlineMs: newest.progressWithinMs },
  });
  const unsettled = { settled: false, nextPassAt: scope.now + newest.goal.settings.heartbeatMs };
  switch (verdict.kind) {
    case 'open':
      return { memory: { canary: memory }, events: begin, ...unsettled };
    case 'promoted': {
      const events = [...begin, promotedEvent(scope, newest, verdict.comparison, verdict.why)];
      return { memory: { canary: { ...memory, promotedAt: scope.now } }, events, ...unsettled };
    }
    case 'rejected': {
      const failed = { revision: newest.goal.revision, render: newest.render, at: scope.now, why: verdict.why };
      return { memory: { failed }, events: [...begin, rejectedEvent(scope, newest, verdict)], ...unsettled };
    }
  }
}

const begun = (newest: JobEntry, running: readonly Heartbeat[], now: number) => ({
  ...{ render: newest.render, revision: newest.goal.revision, since: now },
  baseline: Object.fromEntries(running.map(({ incarnation, accounting }) => [String(incarnation), accounting])),
});

/** Those that hold one of the slots and work by the goal. */
function reporting(
  { at, heartbeats }: ObservedJob,
  { goal, render }: JobEntry,
  slots: readonly SlotRecord[],
): readonly Heartbeat[] {
  const incarnations = ownedWorkers(slots);
  return heartbeats.filter(
    (heartbeat) =>
      heartbeat.render === render &&
      heartbeat.state !== 'draining' &&
      at - heartbeat.at <= goal.settings.leaseMs &&
      incarnations.has(heartbeat.incarnation),
  );
}

const evidenceOf = (scope: JobScope, newest: JobEntry, comparison: Comparison, why: string) => {
  const { against: _against, doubts: _doubts, ...sides } = comparison;
  return { tried: newest.goal.revision, runs: scope.entry.goal.revision, why, ...sides };
};

function startedEvent(scope: JobScope, { goal }: JobEntry): PlatformEvent {
  const message = `Revision ${goal.revision} is tried on a share of the splits; revision ${scope.entry.goal.revision} runs on with the others.`;
  return scopeEvent(scope, 'info', 'CanaryStarted', message);
}

function promotedEvent(scope: JobScope, newest: JobEntry, comparison: Comparison, why: string): PlatformEvent {
  const { canary, running } = comparison;
  const message = `Revision ${newest.goal.revision} gets the rest of the splits: ${why} (${canary.in} records, ${canary.bad} of them set aside or dropped, beside ${running.in} and ${running.bad} by revision ${scope.entry.goal.revision}).`;
  return scopeEvent(scope, 'info', 'CanaryPromoted', message, evidenceOf(scope, newest, comparison, why));
}

function rejectedEvent(
  scope: JobScope,
  newest: JobEntry,
  { comparison, why }: { readonly comparison: Comparison; readonly why: string },
): PlatformEvent {
  const [tried, runs] = [newest.goal.revision, scope.entry.goal.revision];
  const message = `Revision ${tried} makes room again (${why}): revision ${runs} gets its splits back. The goal is as declared: apply a mended revision, or restart the job to try this one again.`;
  const evidence = { failed: tried, ...evidenceOf(scope, newest, comparison, why) };
  return scopeEvent(scope, 'error', 'RolledBack', message, evidence);
}
