// A replay of dead letters: its worker is kept running as any job's, until it has passed the ends; its account is the receipt.
import type { ReplayEntry } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { addAccounting, noRecords } from '#core/job/accounting.ts';
import { type ReplayReceipt, replayReceipt } from '#core/operations/replay.ts';
import { partitionOf } from '#core/operations/rewind.ts';
import { type Decision, leftAlone } from '#core/plan/action.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { planJob } from '#core/plan/plan-job.ts';
import { finish } from '#core/plan/plan-operations.ts';
import type { OperationEnding } from '#core/ports/goal-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';

export function planReplayJob(entry: ReplayEntry, observed: ObservedJob, settings: PlatformSettings): Decision {
  const decision = isHeld(entry, observed)
    ? leftAlone(entry.goal.id)
    : planJob(asItStands(entry, observed), observed, settings);
  const ending = observed.splits === null ? null : endingOf(entry, observed.splits);
  const actions = ending === null ? [] : [finish(entry.operation, ending)];
  return { ...decision, actions: [...decision.actions, ...actions], settled: false };
}

/** Under a freeze it goes on as it runs. It is not begun, nor replaced by one of the goal that the freeze holds back. */
const isHeld = ({ freeze, render }: ReplayEntry, { control }: ObservedJob): boolean =>
  freeze !== null && control?.acted?.render !== render;

/** A pause that is declared, or taken back, under a freeze waits for it to be lifted, as any job's does. */
function asItStands(entry: ReplayEntry, { control }: ObservedJob): ReplayEntry {
  return entry.freeze === null ? entry : { ...entry, paused: control?.acted?.paused ?? entry.paused };
}

/** Null while there are dead letters to go. */
function endingOf(entry: ReplayEntry, splits: readonly SplitRecord[]): OperationEnding | null {
  const receipt = replayReceipt(splits.map(({ accounting }) => accounting).reduce(addAccounting, noRecords));
  const outcome = describe(receipt);
  const { topic } = entry.goal.source;
  if (isOfAnotherTopic(entry, splits)) {
    const why = `the rest is lost: topic ${topic} was made anew since, and what is in it now was not meant`;
    return { state: 'failed', outcome: `${outcome}; ${why}`, receipt };
  }
  return isOver(entry, splits) ? { state: 'succeeded', outcome, receipt } : null;
}

const isOfAnotherTopic = ({ operation: { plan } }: ReplayEntry, splits: readonly SplitRecord[]): boolean =>
  plan.topicId !== undefined && splits.some(({ topicId }) => topicId !== plan.topicId);

/** Every dead letter below the ends is committed: done with, whatever became of it. */
const isOver = ({ operation }: ReplayEntry, splits: readonly SplitRecord[]): boolean =>
  operation.plan.ends.every(({ partition, end }) => {
    const record = splits.find(({ split }) => partitionOf(split) === partition);
    return end === '0' || (record !== undefined && BigInt(record.position) >= BigInt(end));
  });

const describe = ({ replayed, passed, filtered, failedAgain, dropped }: ReplayReceipt): string =>
  `${replayed} dead letter(s) replayed: ${passed} passed, ${filtered} filtered, ${failedAgain} failed again, ${dropped} dropped`;
