// How many workers a job should have: each rule by itself.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decideWorkers,
  effectiveWorkers,
  type ScaleDecision,
  type ScaleFacts,
} from '#core/autoscale/decide-workers.ts';
import { awsAutoscale } from '#core/autoscale/settings.ts';
import type { Traffic } from '#core/autoscale/traffic.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;

/** Two workers of 1,000 records/s each, on eight splits. */
const traffic = (changes: Partial<Traffic> = {}): Traffic => ({
  ...{ splits: 8, workers: 2, backlog: 0, backlogGrows: false, arrival: 1_500, peak: 1_600, peakWatchedMs: hour },
  ...{ done: 1_500, isSaturated: false, capacity: 1_000, busy: 0.75, aloneShare: 0 },
  ...changes,
});

const facts = (seen: Partial<Traffic> | null, changes: Partial<ScaleFacts> = {}): ScaleFacts => ({
  ...{ now, spec: { mode: 'on', min: 1, max: 8, drainMs: 300_000 }, settings: awsAutoscale, workers: 2 },
  ...{ traffic: seen === null ? null : traffic(seen), restartMs: 60_000, capacity: null, last: null, regrets: 0 },
  ...{ throttle: null, refused: null },
  ...changes,
});

const overload = { arrival: 3_500, done: 2_000, isSaturated: true, backlog: 400_000, backlogGrows: true };
const settled = { at: now - hour, from: 1, to: 2, done: 900, settledAt: now - hour + 60_000 };
const reasonOf = (decision: ScaleDecision): string =>
  decision.kind === 'change' ? `to ${decision.to}` : decision.reason;
const decide = (...given: Parameters<typeof facts>): string => reasonOf(decideWorkers(facts(...given)));

describe('the number of workers', () => {
  test('stays while it keeps up, and while nothing is known', () => {
    expect([decide({}), decide(null), decide({ capacity: null, busy: 0, done: 0 })]).toEqual([
      'fits',
      'measuring',
      'measuring',
    ]);
  });

  test('grows to what keeps up and gets through what waits in time, with the figures in the reason', () => {
    const decision = decideWorkers(facts(overload));
    expect(decision).toMatchObject({ kind: 'change', to: 8 });
    expect(decision.why).toBe(
      '3500 records/s arrive, 2000/s are done; the 400000 that wait take 3 min, to be below 5m: 2 worker(s) of 1000/s are too few, 8 would do',
    );
    expect(decide({ ...overload, arrival: 2_200 })).toBe('to 4');
  });

  test('grows before the target is missed, where it would be by the time that more workers read', () => {
    expect(decide({ ...overload, backlog: 20_000 })).toBe('fits');
    expect(decide({ ...overload, arrival: 6_000, backlog: 20_000 })).toBe('to 8');
  });

  test.each<[string, Partial<Traffic>, Partial<ScaleFacts>]>([
    ['throttled', overload, { throttle: 2_000 }],
    ['sink-refuses', overload, { refused: 'sink-unavailable' }],
    ['stalled', { ...overload, done: 0 }, {}],
    ['one-split', { ...overload, aloneShare: 0.95 }, {}],
    [
      'at-bound',
      { ...overload, workers: 4, done: 4_000, arrival: 9_000, backlog: 900_000 },
      { workers: 4, spec: { mode: 'on', min: 1, max: 4, drainMs: 300_000 } },
    ],
    ['at-bound', { ...overload, splits: 2 }, {}],
    ['no-gain', overload, { last: { ...settled, at: now - hour / 2, done: 1_950 } }],
    ['cooldown', overload, { last: { ...settled, settledAt: now - 30_000 } }],
  ])('does not grow for %s', (reason, seen, changes) => expect(decide(seen, changes)).toBe(reason));

  const little = { arrival: 400, done: 400, peak: 500, busy: 0.2 };
  test('shrinks once it was more than was needed for the whole calm time, by half at most', () => {
    expect(decide(little)).toBe('to 1');
    expect(decide({ ...little, workers: 8 }, { workers: 8 })).toBe('to 4');
  });

  test.each<[string, Partial<Traffic>, Partial<ScaleFacts>]>([
    ['upstream-silent', { ...little, arrival: 0 }, {}],
    ['catching-up', { ...little, backlog: 100_000 }, {}],
    ['catching-up', { ...little, backlogGrows: true }, {}],
    ['sink-refuses', little, { refused: 'sink-unavailable' }],
    ['cooldown', { ...little, peakWatchedMs: 600_000 }, {}],
    ['cooldown', little, { last: { ...settled, at: now - 800_000 } }],
    ['cooldown', little, { last: { ...settled, at: now - 2_000_000 }, regrets: 2 }],
    ['cooldown', little, { last: settled, restartMs: 600_000 }],
    ['fits', { ...little, peak: 1_900 }, {}],
  ])('does not shrink for %s', (reason, seen, changes) => expect(decide(seen, changes)).toBe(reason));

  test('never has more workers than splits, nor than declared', () => {
    expect(decide({ splits: 3, workers: 3 }, { workers: 5 })).toBe('to 3');
    expect(decide({}, { workers: 2, spec: { mode: 'on', min: 3, max: 8, drainMs: 300_000 } })).toBe('to 3');
    const figures = fc.record({
      ...{ splits: fc.integer({ min: 1, max: 40 }), arrival: fc.integer({ min: 0, max: 50_000 }) },
      ...{
        backlog: fc.integer({ min: 0, max: 9_000_000 }),
        done: fc.integer({ min: 1, max: 50_000 }),
        isSaturated: fc.boolean(),
      },
    });
    const bounds = fc.tuple(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 1, max: 30 }),
    );
    fc.assert(
      fc.property(figures, bounds, (seen, [min, more, workers]) => {
        const spec = { mode: 'on', min, max: min + more, drainMs: 300_000 } as const;
        const decision = decideWorkers(
          facts({ ...seen, workers: Math.min(workers, seen.splits), peak: seen.arrival }, { spec, workers }),
        );
        if (decision.kind !== 'change') return;
        expect(decision.to).not.toBe(workers);
        expect(decision.to).toBeLessThanOrEqual(Math.min(spec.max, seen.splits));
        expect(decision.to).toBeGreaterThanOrEqual(Math.min(min, seen.splits));
      }),
    );
  });

  test('is never one that is worth no more than a smaller one: of 8 splits 5 workers are no more than 4', () => {
    expect([1, 2, 3, 4, 5, 7, 8, 9].map((workers) => effectiveWorkers(workers, 8))).toEqual([
      1,
      2,
      8 / 3,
      4,
      4,
      4,
      8,
      8,
    ]);
    expect(decide({ ...overload, arrival: 3_500 }, { spec: { mode: 'on', min: 1, max: 7, drainMs: 300_000 } })).toBe(
      'to 4',
    );
  });
});
