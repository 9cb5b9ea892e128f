// What a heartbeat says of its own times: true to each other whatever becomes of the worker's wall clock.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { shiftHeartbeat } from '#core/health/sight-beats.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { aJobGoal } from '#test/support/builders.ts';
import { type HeartbeatFacts, Heartbeats } from '#workers/heartbeats.ts';
import type { WorkerParts } from '#workers/parts.ts';

const begunMs = 7_000.25;
const split = {
  ...{ name: 'events/0', epoch: 1, state: 'reading', fetchOffset: 3, endOffset: 3, lagRecords: 0 },
  ...{ durable: { position: 3, topicId: 't', accounting: noRecords }, own: noRecords },
  ...{ movedMs: begunMs, seenMs: begunMs },
};

/** All of it happened when the worker began. */
const facts: HeartbeatFacts = {
  ...{ state: 'running', leadsSinceMs: begunMs, lookedMs: begunMs, retired: noRecords, errors: [] },
  holdings: [{ report: split }] as unknown as HeartbeatFacts['holdings'],
  lastCheckpoint: { sequence: 1, asOfMs: begunMs },
  paths: { isRefused: false, newestAt: null, mismatchCount: 0, gathering: null, errors: [], usages: [] },
};

/** A worker whose wall clock is set `skewMs` away after it has begun, `livedMs` before it sends. */
function heartbeatOf(startedAt: number, livedMs: number, skewMs: number): Heartbeat {
  let passedMs = 0;
  let offMs = 0;
  const clock = { now: () => startedAt + passedMs + offMs, monotonicMs: () => begunMs + passedMs };
  const goal = aJobGoal();
  const identity = { job: goal.id, worker: `${goal.id}/1/0`, incarnation: 1, slot: 0, render: 'r', pid: 1 };
  const heartbeats = new Heartbeats({ clock, goal, identity } as unknown as WorkerParts);
  passedMs = livedMs;
  offMs = skewMs;
  return heartbeats.next(facts);
}

describe('a heartbeat', () => {
  const day = 86_400_000;

  test('says all its times by the clock as it goes when it is sent: one that was set meanwhile changes no age', () => {
    fc.assert(
      fc.property(fc.nat(day), fc.integer({ min: -day, max: day }), (livedMs, skewMs) => {
        const startedAt = 1_800_000_000_000;
        const heartbeat = heartbeatOf(startedAt, livedMs, skewMs);
        expect(heartbeat).toMatchObject({ at: startedAt + livedMs + skewMs, startedAt: startedAt + skewMs });
        // As its reader sees it, who knows by how much its clock is off now.
        expect(shiftHeartbeat(heartbeat, startedAt + livedMs)).toMatchObject({
          ...{ startedAt, leadingSince: startedAt, lookedAt: startedAt },
          lastCheckpoint: { sequence: 1, at: startedAt },
          splits: [{ movedAt: startedAt, seenAt: startedAt }],
        });
      }),
    );
  });
});
