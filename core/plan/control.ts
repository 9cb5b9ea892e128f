// A job's control record before anything was decided, whom its slots name, and what it remembers of operations.
import { canarySlot } from '#core/canary/canary-slot.ts';
import type { ControlRecord, PlacedWorker, SlotRecord } from '#core/ports/control-store.ts';
import type { Operation } from '#core/ports/goal-store.ts';

export const freshControl = (job: string, uid: string): ControlRecord => ({
  job,
  uid,
  version: 0,
  incarnationLast: 0,
  revisionActed: 0,
  slots: {},
  announced: {},
  tasks: [],
  restartSequence: 0,
});

/** Of each slot its worker, and the one that is to take its place. */
export const placedWorkers = (slots: readonly SlotRecord[]): readonly PlacedWorker[] =>
  slots.flatMap((slot) => [slot, ...(slot.successor ? [slot.successor] : [])]);

/** A worker of that goal has a slot, or is to have it. */
export const hasWorkerOf = (render: string, slots: ControlRecord['slots']): boolean =>
  placedWorkers(Object.values(slots)).some((worker) => worker.render === render);

/** Those that the goal itself wants: the one for trials is not among them. */
export const withoutCanary = (slots: ControlRecord['slots']): ControlRecord['slots'] =>
  Object.fromEntries(Object.entries(slots).filter(([slot]) => Number(slot) !== canarySlot));

/** Whether the operation, a rewind or a switch, or one that was asked for after it, has set its positions. */
export const hasPlaced = (
  { placedSequence = 0, placedRequestedAt = Number.POSITIVE_INFINITY }: ControlRecord,
  { sequence, requestedAt }: Operation,
): boolean => placedSequence >= sequence && placedRequestedAt >= requestedAt;
