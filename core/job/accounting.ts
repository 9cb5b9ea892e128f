// Record accounting: each record read is counted exactly once under what became of it (D10).
import { errorClasses } from '#core/job/error-class.ts';

/** Why a record was dropped on purpose: for what was wrong with it, or since it was too old, or there were too many. */
export const dropReasons = [...errorClasses, 'retention', 'overload'] as const;
export type DropReason = (typeof dropReasons)[number];

export interface Accounting {
  readonly in: number;
  readonly out: number;
  readonly filtered: number;
  readonly deadLettered: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** What was written for those counted as out, where one record may become several; absent elsewhere. */
  readonly emitted?: number;
}

export const noRecords: Accounting = { in: 0, out: 0, filtered: 0, deadLettered: 0, dropped: {} };

export function addAccounting(a: Accounting, b: Accounting): Accounting {
  const dropped: Partial<Record<DropReason, number>> = { ...a.dropped };
  for (const [reason, count] of Object.entries(b.dropped) as [DropReason, number][])
    dropped[reason] = (dropped[reason] ?? 0) + count;
  return {
    in: a.in + b.in,
    out: a.out + b.out,
    filtered: a.filtered + b.filtered,
    deadLettered: a.deadLettered + b.deadLettered,
    dropped,
    ...(a.emitted === undefined && b.emitted === undefined ? {} : { emitted: (a.emitted ?? 0) + (b.emitted ?? 0) }),
  };
}

/** What `later` holds beyond `earlier`. */
export function subtractAccounting(later: Accounting, earlier: Accounting): Accounting {
  const dropped: Partial<Record<DropReason, number>> = {};
  for (const [reason, count] of Object.entries(later.dropped) as [DropReason, number][]) {
    const difference = count - (earlier.dropped[reason] ?? 0);
    if (difference !== 0) dropped[reason] = difference;
  }
  return {
    in: later.in - earlier.in,
    out: later.out - earlier.out,
    filtered: later.filtered - earlier.filtered,
    deadLettered: later.deadLettered - earlier.deadLettered,
    dropped,
    ...(later.emitted === undefined ? {} : { emitted: later.emitted - (earlier.emitted ?? 0) }),
  };
}

export const droppedCount = (accounting: Accounting): number =>
  Object.values(accounting.dropped).reduce((sum, count) => sum + count, 0);

/** `in = out + filtered + dead-lettered + dropped`: what must hold at every commit. */
export const isBalanced = (accounting: Accounting): boolean =>
  accounting.in === accounting.out + accounting.filtered + accounting.deadLettered + droppedCount(accounting);
