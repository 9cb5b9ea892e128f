// Who is silent, by the observer's own clock: whatever the workers' clocks say, and whenever they jump.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type BeatSightings, type Certainty, type SightedHeartbeat, sightBeats } from '#core/health/sight-beats.ts';
import { aHeartbeat, aJobEntry, aSplit, theTime } from '#test/support/builders.ts';

const leaseMs = 5_000;
const entry = aJobEntry();

/** An observer that looks at one worker, whose clock is off by `skewMs` and which beats until `diesAtMs`. */
class Watching {
  nowMs = 0;
  skewMs = 0;
  diesAtMs = Number.POSITIVE_INFINITY;
  sightings: BeatSightings = new Map();
  lookedMs: number | undefined;

  /** `tookMs`: for so long the answer is on its way, and is of its end. */
  look(tookMs = 0): SightedHeartbeat {
    const askedMs = this.nowMs;
    this.nowMs += tookMs;
    const beatMs = Math.min(Math.floor(this.nowMs / 1_000) * 1_000, this.diesAtMs);
    const at = theTime + beatMs + this.skewMs;
    const splits = [aSplit({ movedAt: at, seenAt: at })];
    const heartbeat = aHeartbeat(entry, 1, { at, beat: Math.floor(beatMs / 1_000), startedAt: at - 60_000, splits });
    const monotonicMs = 9_000 + askedMs;
    const time = { at: theTime + askedMs, monotonicMs, tookMs, lookedMs: this.lookedMs, leaseMs };
    const { heartbeats, sightings } = sightBeats([heartbeat], this.sightings, time);
    this.sightings = sightings;
    this.lookedMs = monotonicMs;
    return heartbeats[0]!;
  }

  silentMs(): number {
    return theTime + this.nowMs - this.look().at;
  }
}

const certaintyOf = ({ certainty }: SightedHeartbeat): Certainty => certainty ?? 'seen';

describe('a worker whose clock is right', () => {
  test('is judged by what it says, at once', () => {
    const watching = new Watching();
    watching.nowMs = 12_300;
    expect([watching.silentMs(), certaintyOf(watching.look())]).toEqual([300, 'seen']);
  });

  test('that has died is silent since its last beat', () => {
    const watching = new Watching();
    watching.nowMs = 10_000;
    watching.look();
    watching.diesAtMs = 12_000;
    watching.nowMs = 13_000;
    watching.look();
    watching.nowMs = 30_000;
    expect(watching.silentMs()).toBe(18_000);
  });

  test('that had died before anybody looked is not taken for alive, nor yet for gone, until a lease has been watched', () => {
    const watching = new Watching();
    watching.diesAtMs = 1_000;
    watching.nowMs = 60_000;
    expect(certaintyOf(watching.look())).toBe('unsure');
    watching.nowMs = 64_000;
    expect(certaintyOf(watching.look())).toBe('unsure');
    watching.nowMs = 65_100;
    const heartbeat = watching.look();
    expect([certaintyOf(heartbeat), theTime + watching.nowMs - heartbeat.at > leaseMs]).toEqual(['seen', true]);
  });
});

test('a worker that died while nobody looked is suspect for as long as a lease is watched: its last beat seems new', () => {
  const watching = new Watching();
  for (watching.nowMs = 0; watching.nowMs <= 10_000; watching.nowMs += 1_000) watching.look();
  watching.diesAtMs = 20_000;
  const seen = [60_000, 61_000, 64_900].map((nowMs) => {
    watching.nowMs = nowMs;
    return certaintyOf(watching.look());
  });
  expect(seen).toEqual(['suspect', 'suspect', 'suspect']);
  watching.nowMs = 65_100;
  expect([certaintyOf(watching.look()), watching.silentMs() > leaseMs]).toEqual(['seen', true]);
});

test('an answer that took long makes no clock wrong: who beat meanwhile is as new as it is, then and later', () => {
  const watching = new Watching();
  watching.look();
  watching.nowMs = 2_000;
  const heartbeat = watching.look(4_500);
  expect([certaintyOf(heartbeat), heartbeat.at]).toEqual(['seen', theTime + 2_000]);
  for (watching.nowMs = 8_000; watching.nowMs < 20_000; watching.nowMs += 2_500)
    expect(watching.silentMs()).toBeLessThan(1_000);
});

describe('a worker whose clock is wrong', () => {
  test.each([-600_000, -6_000, 600_000])(
    'by %i ms is alive as long as its counter moves [fault 79] [fault 80]',
    (skewMs) => {
      const watching = new Watching();
      watching.skewMs = skewMs;
      for (watching.nowMs = 0; watching.nowMs < 60_000; watching.nowMs += 2_000) {
        watching.look();
        if (watching.nowMs > 2_000) expect(watching.silentMs()).toBeLessThanOrEqual(leaseMs);
        if (watching.nowMs > 4_000) expect(certaintyOf(watching.look())).toBe('seen');
      }
      const { splits, startedAt, at } = watching.look();
      expect([splits[0]!.movedAt - at, startedAt - at]).toEqual([0, -60_000]);
    },
  );

  test('since it was set back by less than a lease, is as new as its beats: what moved between two looks moved after the first', () => {
    const watching = new Watching();
    for (watching.nowMs = 0; watching.nowMs < 10_000; watching.nowMs += 1_000) watching.look();
    watching.skewMs = -4_000;
    for (watching.nowMs += 1_000; watching.nowMs < 20_000; watching.nowMs += 1_000)
      expect(watching.silentMs()).toBeLessThan(1_000);
  });

  test.each([-600_000, 600_000])('since it has jumped by %i ms, is alive, and looked at again [fault 79]', (jumpMs) => {
    const watching = new Watching();
    for (watching.nowMs = 0; watching.nowMs < 10_000; watching.nowMs += 1_000) watching.look();
    watching.skewMs = jumpMs;
    watching.nowMs += 1_000;
    const heartbeat = watching.look();
    expect([certaintyOf(heartbeat), theTime + watching.nowMs - heartbeat.at]).toEqual(['suspect', 0]);
    watching.nowMs += 1_000;
    expect(certaintyOf(watching.look())).toBe('seen');
  });
});

test('whatever its clock does, a worker is never silent while it beats, and always once it has not for a lease [fault 79] [fault 80]', () => {
  const looks = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 200, max: 4_000 }),
      jumpMs: fc.constantFrom(0, 0, -900_000, 7_000, 900_000),
    }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(looks, (steps) => {
      const watching = new Watching();
      watching.look();
      for (const { afterMs, jumpMs } of steps) {
        watching.skewMs += jumpMs;
        watching.nowMs += afterMs;
        const heartbeat = watching.look();
        const isSilent = certaintyOf(heartbeat) === 'seen' && theTime + watching.nowMs - heartbeat.at > leaseMs;
        expect(isSilent).toBe(false);
      }
      watching.diesAtMs = watching.nowMs;
      watching.nowMs += 1_000;
      watching.look();
      watching.nowMs += leaseMs + 1_000;
      expect(watching.silentMs()).toBeGreaterThan(leaseMs);
    }),
  );
});
