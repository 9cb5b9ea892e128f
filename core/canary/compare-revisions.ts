// A revision on trial beside the one that runs: what both did in the same time, and whether that speaks for or against it. Pure.
import {
  type Accounting,
  addAccounting,
  droppedCount,
  isBalanced,
  noRecords,
  subtractAccounting,
} from '#core/job/accounting.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { percent } from '#core/percent.ts';
import { sum } from '#core/sum.ts';

/** What the workers that run had done when the trial began, by incarnation: later ones began from nothing. */
export type Baseline = Readonly<Record<string, Accounting>>;

export interface Side {
  readonly workers: number;
  readonly splits: number;
  readonly in: number;
  readonly out: number;
  readonly filtered: number;
  /** Set aside or dropped: what the revision could not make anything of. */
  readonly bad: number;
  readonly lagRecords: number;
  /** How long a worker is busy with a thousand records; null while there are too few to say. */
  readonly busyMsPerThousand: number | null;
  readonly isBalanced: boolean;
}

export interface Comparison {
  readonly canary: Side;
  readonly running: Side;
  /** Against it, for good: its records or its books tell. */
  readonly against: readonly string[];
  /** Against it as long as it is so: it may still get over it. */
  readonly doubts: readonly string[];
}

/** So many records of its own say enough. */
export const recordsEnough = 1_000;
/** At fewer records a second it is chance how long one takes. */
const perSecondMin = 50;
/** Of fewer nothing can be said. */
export const recordsMin = 20;
const slowerMax = 3;
const busyMin = 0.9;

export function compareRevisions(
  canary: readonly Heartbeat[],
  running: readonly Heartbeat[],
  baseline: Baseline,
): Comparison {
  const [mine, theirs] = [sideOf(canary, {}), sideOf(running, baseline)];
  const bad = badShare(mine, theirs);
  // Beside one that has read next to nothing it may be the records' own fault.
  const isComparable = theirs.in >= recordsMin;
  const against = [...(isComparable ? bad : []), ...unbalanced(mine)];
  const doubts = [...(isComparable ? [] : bad), ...lagging(mine, theirs), ...slow(canary, mine, theirs)];
  return { canary: mine, running: theirs, against, doubts };
}

function sideOf(heartbeats: readonly Heartbeat[], baseline: Baseline): Side {
  const account = heartbeats
    .map(({ accounting, incarnation }) => subtractAccounting(accounting, baseline[incarnation] ?? noRecords))
    .reduce(addAccounting, noRecords);
  const splits = heartbeats.flatMap((heartbeat) => heartbeat.splits);
  // What retention took before it was read, no revision could have made anything of.
  const missed = account.dropped.retention ?? 0;
  const perSecond = sum(heartbeats.map(({ inPerSecond }) => inPerSecond));
  const busy = sum(heartbeats.map(({ busyRatio }) => busyRatio));
  return {
    ...{ workers: heartbeats.length, splits: splits.length },
    ...{ in: account.in - missed, out: account.out, filtered: account.filtered },
    bad: account.deadLettered + droppedCount(account) - missed,
    lagRecords: sum(splits.map(({ lagRecords }) => lagRecords)),
    busyMsPerThousand: perSecond < perSecondMin ? null : Math.round((busy / perSecond) * 1_000_000),
    isBalanced: isBalanced(account),
  };
}

const shareOf = ({ bad, in: read }: Side): number => (read === 0 ? 0 : bad / read);
const perSplit = ({ lagRecords, splits }: Side): number => lagRecords / Math.max(1, splits);

/** Three standard deviations of a share among so many: a few bad records among few are no proof. */
const chance = (share: number, count: number): number => 3 * Math.sqrt((share * (1 - share)) / count);

function badShare(mine: Side, theirs: Side): readonly string[] {
  if (mine.in < recordsMin) return [];
  const share = shareOf(mine);
  const atLeast = share - chance(share, mine.in);
  if (atLeast <= 2 * shareOf(theirs) + 0.01 && !isHalfAsGood(mine, theirs)) return [];
  return [
    `${percent(share)} of ${mine.in} records were set aside or dropped, beside ${percent(shareOf(theirs))} of ${theirs.in} by the revision that runs`,
  ];
}

/** Beside one that sets half aside no share is twice as bad. By what is expected at the bound: where all are bad nothing was seen to vary. */
function isHalfAsGood(mine: Side, theirs: Side): boolean {
  const bound = (1 + shareOf(theirs)) / 2;
  return shareOf(mine) > bound + chance(bound, mine.in);
}

const unbalanced = (mine: Side): readonly string[] =>
  mine.isBalanced
    ? []
    : [`its books do not balance: ${mine.in} in, ${mine.out + mine.filtered + mine.bad} accounted for`];

function lagging(mine: Side, theirs: Side): readonly string[] {
  const [behind, beside] = [perSplit(mine), perSplit(theirs)];
  if (behind <= 2 * beside + recordsEnough) return [];
  return [`${Math.round(behind)} records wait in a split, beside ${Math.round(beside)} at the revision that runs`];
}

/** Only where it is all that it can do: one that has time to spare may take it. */
function slow(canary: readonly Heartbeat[], mine: Side, theirs: Side): readonly string[] {
  const [its, usual] = [mine.busyMsPerThousand, theirs.busyMsPerThousand];
  const isBusy = canary.some(({ busyRatio }) => busyRatio >= busyMin);
  if (its === null || usual === null || !isBusy || its <= slowerMax * usual) return [];
  return [`a thousand records take ${its} ms, beside ${usual} ms by the revision that runs`];
}
