// A replay of dead letters: its worker is kept running as any job's, until it has passed the ends; its account is the receipt.
import type { ReplayEntry } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { addAccounting, noRecords } from '#core/job/accounting.ts';
import { type ReplayReceipt, replayReceipt } from '#core/operations/replay.ts';
import { partitionOf } from '#core/operations/rewind.ts';
import type { Decision } from '#core/plan/action.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { planJob } from '#core/plan/plan-job.ts';
import { finish } from '#core/plan/plan-operations.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';

export function planReplayJob(entry: ReplayEntry, observed: ObservedJob, settings: PlatformSettings): Decision {
  const decision = planJob(entry, observed, settings);
  if (observed.splits === null || !isOver(entry, observed.splits)) return { ...decision, settled: false };
  const account = observed.splits.map(({ accounting }) => accounting).reduce(addAccounting, noRecords);
  const receipt = replayReceipt(account);
  const ending = finish(entry.operation, { state: 'succeeded', outcome: describe(receipt), receipt });
  return { ...decision, actions: [...decision.actions, ending], settled: false };
}

/** Every dead letter below the ends is committed: done with, whatever became of it. */
const isOver = ({ operation }: ReplayEntry, splits: readonly SplitRecord[]): boolean =>
  operation.plan.ends.every(({ partition, end }) => {
    const record = splits.find(({ split }) => partitionOf(split) === partition);
    return end === '0' || (record !== undefined && BigInt(record.position) >= BigInt(end));
  });

const describe = ({ replayed, passed, filtered, failedAgain, dropped }: ReplayReceipt): string =>
  `${replayed} dead letter(s) replayed: ${passed} passed, ${filtered} filtered, ${failedAgain} failed again, ${dropped} dropped`;
