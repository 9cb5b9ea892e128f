// A plan as people read it.
import { describe, expect, test } from '@jest/globals';
import { formatPlan } from '#cli/print/plan.ts';
import { formatTryPage } from '#cli/print/try-page.ts';
import type { PlannedChange } from '#core/api/wire.ts';

const plain = (_: unknown, text: string): string => text;
const change = (more: Partial<PlannedChange>): PlannedChange => ({
  kind: 'Route',
  name: 'plays',
  outcome: 'change',
  class: 'none',
  fields: [],
  effects: [],
  jobs: [],
  jobChanges: [],
  expectedPauseMs: 0,
  expectedDuplicates: '',
  cost: { before: 0, after: 0 },
  problems: [],
  tests: [],
  ...more,
});
const cost = { before: 9.5, after: 19, currency: 'USD', pricesAsOf: '2025-06-01' };
const show = (...changes: readonly PlannedChange[]): readonly string[] =>
  formatPlan({ hash: 'h', changes, cost, wouldChange: true, refused: false }, plain).split('\n');

describe('a plan', () => {
  test('says of each field what it was and will be, and how heavy that is', () => {
    const fields = [
      { path: 'spec.where', before: "type = 'play'", after: "type = 'stop'", class: 'stop-start' as const },
      { path: 'spec.resources', before: null, after: { workers: 2 }, class: 'rolling' as const },
      { path: 'metadata.labels.tier', before: '1', after: null, class: 'none' as const },
    ];
    expect(
      show(
        change({
          class: 'stop-start',
          fields,
          expectedPauseMs: 2_000,
          expectedDuplicates: 'none expected',
          effects: ['job plays.out: restarts'],
          cost: { before: 9.5, after: 19 },
          jobChanges: [
            {
              ...{ name: 'plays.out', class: 'stop-start', state: 'kept', sink: 'plays' },
              ...{ expectedPauseMs: 2_000, expectedDuplicates: 'none expected' },
            },
          ],
        }),
      ),
    ).toEqual([
      '~ Route plays: change',
      "    ~ spec.where: type = 'play' → type = 'stop'  (stop-start)",
      '    + spec.resources: {"workers":2}  (rolling)',
      '    - metadata.labels.tier: 1',
      '    stop-start: workers drain and stop, then new ones start',
      '    expected pause: 2.0 s',
      '    expected duplicates: none expected',
      '    cost a month: $9.50 → $19.00',
      '    plays.out into plays: positions and books kept, pause about 2.0 s',
      '    → job plays.out: restarts',
      'Plan: 1 to change.',
      'Cost a month on AWS (list prices of 2025-06-01): $9.50 → $19.00.',
      'Plan hash: h',
      '',
    ]);
  });

  test('shows the two sides of a long text below each other', () => {
    const fields = [
      { path: 'spec.where', before: 'a'.repeat(50), after: 'b'.repeat(50), class: 'stop-start' as const },
    ];
    expect(show(change({ fields })).slice(1, 4)).toEqual([
      '    ~ spec.where:  (stop-start)',
      `        - ${'a'.repeat(50)}`,
      `        + ${'b'.repeat(50)}`,
    ]);
  });

  test('tells an effect of several documents once, and each test’s outcome', () => {
    const tests = [
      { name: 'keeps US', passed: true, message: '' },
      { name: 'drops DE', passed: false, message: 'got 1 event' },
    ];
    const shown = show(
      change({ kind: 'Stream', name: 'events', outcome: 'create', effects: ['topic events: created'] }),
      change({ outcome: 'create', effects: ['topic events: created', 'job plays.out: starts'], tests }),
    );
    expect(shown).toEqual([
      '+ Stream events: create',
      '    → topic events: created',
      '+ Route plays: create',
      '    → job plays.out: starts',
      '    ✓ test: keeps US',
      '    ✗ test: drops DE: got 1 event',
      'Plan: 2 to create.',
      'Cost a month on AWS (list prices of 2025-06-01): $9.50 → $19.00.',
      'Plan hash: h',
      '',
    ]);
  });
});

test('a tried event is shown before and after, with its fault where it fails', () => {
  const records = [
    { verdict: 'passed' as const, partition: 0, offset: '7', before: { a: 1 }, after: { b: 2 } },
    { verdict: 'filtered' as const, partition: 0, offset: '8', before: { a: 2 }, after: null },
    {
      verdict: 'poison' as const,
      partition: 1,
      offset: '0',
      before: { a: 0 },
      after: null,
      fault: { code: 'division_by_zero', message: 'division by zero' },
    },
  ];
  expect(formatTryPage({ read: 3, passed: 1, filtered: 1, failed: 1, mismatches: 0, records }, plain)).toBe(
    [
      '✓ passed   0/7  {"a":1}',
      '         → {"b":2}',
      '· filtered 0/8  {"a":2}',
      '✗ poison   1/0  {"a":0}',
      '           division_by_zero: division by zero',
      '3 read: 1 passed, 1 filtered, 1 failed',
      '',
    ].join('\n'),
  );
});
