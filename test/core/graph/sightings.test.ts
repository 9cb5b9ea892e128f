// Whether somebody else is still there: judged by a counter of theirs and a clock of ours.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isSilent, type Sightings, sight } from '#core/graph/sightings.ts';

const leaseMs = 10_000;
const nobody: Sightings = new Map();

describe('a sighting', () => {
  test('is as old as the counter has stood still, however often one looks', () => {
    let seen = sight(nobody, [['w1', 7]], 1_000);
    for (const nowMs of [2_000, 5_000, 10_999]) {
      seen = sight(seen, [['w1', 7]], nowMs);
      expect(isSilent(seen, 'w1', nowMs, leaseMs)).toBe(false);
    }
    seen = sight(seen, [['w1', 7]], 11_000);
    expect(isSilent(seen, 'w1', 11_000, leaseMs)).toBe(true);
  });

  test('begins anew when the counter moves, backwards too', () => {
    const seen = sight(nobody, [['w1', 7]], 0);
    for (const counter of [6, 8]) {
      const moved = sight(seen, [['w1', counter]], 9_000);
      expect(isSilent(moved, 'w1', 18_999, leaseMs)).toBe(false);
      expect(isSilent(moved, 'w1', 19_000, leaseMs)).toBe(true);
    }
  });

  test('of one who was never seen says nothing, and one who is gone is forgotten', () => {
    expect(isSilent(nobody, 'w1', 1e9, leaseMs)).toBe(false);
    const gone = sight(sight(nobody, [['w1', 7]], 0), [], 5_000);
    expect(isSilent(gone, 'w1', 1e9, leaseMs)).toBe(false);
    // Seen again, it has its whole lease.
    const back = sight(gone, [['w1', 7]], 6_000);
    expect(isSilent(back, 'w1', 15_999, leaseMs)).toBe(false);
  });

  test('never calls silent whose counter moved within a lease, and always whose did not', () => {
    const steps = fc.array(fc.record({ waitMs: fc.integer({ min: 1, max: 6_000 }), beats: fc.boolean() }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(steps, (list) => {
        let [nowMs, counter, movedMs] = [0, 1, 0];
        let seen = sight(nobody, [['w1', counter]], nowMs);
        for (const { waitMs, beats } of list) {
          nowMs += waitMs;
          if (beats) [counter, movedMs] = [counter + 1, nowMs];
          seen = sight(seen, [['w1', counter]], nowMs);
          expect(isSilent(seen, 'w1', nowMs, leaseMs)).toBe(nowMs - movedMs >= leaseMs);
        }
      }),
    );
  });
});
