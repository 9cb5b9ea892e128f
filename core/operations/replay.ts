// A replay of dead letters: which of them, up to where, and how fast; each through the newest revision of the route.

import type { Accounting } from '#core/job/accounting.ts';
import { droppedCount } from '#core/job/accounting.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { type Duplicates, duplicatesAt } from '#core/operations/duplicates.ts';
import type { TopicPositions } from '#core/ports/broker-admin.ts';

/** What is left out takes in all. */
export interface DeadLetterFilter {
  readonly errorClass?: string;
  readonly errorCode?: string;
  /** Over the event as it came; one that is no JSON fits none. */
  readonly where?: string;
}

export interface ReplayPlan {
  readonly kind: 'replay';
  readonly filter: DeadLetterFilter;
  /** Of the topic that the ends are of: one that is made anew has other dead letters. Absent in plans of older versions. */
  readonly topicId?: string;
  /** Dead letters from there on are not of this replay: those that it writes itself, for one. */
  readonly ends: readonly { readonly partition: number; readonly end: string }[];
  /** How many fit now. */
  readonly matching: number;
  /** False: there are more than could be looked through at once, and `matching` is of the oldest. */
  readonly isComplete: boolean;
  readonly recordsPerSecond: number;
  readonly duplicates: Duplicates;
}

export interface ReplayReceipt {
  readonly kind: 'replay';
  /** replayed = passed + filtered + failedAgain + dropped. */
  readonly replayed: number;
  readonly passed: number;
  readonly filtered: number;
  /** Each is a new dead letter, with the number of its replays in a header. */
  readonly failedAgain: number;
  readonly dropped: number;
}

export interface ReplayFacts {
  readonly filter: DeadLetterFilter;
  readonly topicId: string;
  readonly positions: readonly TopicPositions[];
  readonly matching: number;
  readonly isComplete: boolean;
  readonly recordsPerSecond: number;
  readonly sink: SinkGoal;
}

export const planReplay = ({
  filter,
  topicId,
  positions,
  matching,
  isComplete,
  recordsPerSecond,
  sink,
}: ReplayFacts): ReplayPlan => ({
  kind: 'replay',
  ...{ filter, topicId },
  ends: positions.map(({ partition, latest }) => ({ partition, end: latest })),
  ...{ matching, isComplete, recordsPerSecond, duplicates: duplicatesAt(sink) },
});

export const replayReceipt = (account: Accounting): ReplayReceipt => ({
  kind: 'replay',
  replayed: account.in,
  passed: account.out,
  filtered: account.filtered,
  failedAgain: account.deadLettered,
  dropped: droppedCount(account),
});
