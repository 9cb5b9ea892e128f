// Jobs whose goal is older than what was carried out: held, and what counts as somebody's decision.
import { describe, expect, test } from '@jest/globals';
import { freshControl } from '#core/plan/control.ts';
import { holdBehind, isBehind } from '#core/plan/hold-behind.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Operation } from '#core/ports/goal-store.ts';
import { aJobEntry, aJobGoal, theTime } from '#test/support/builders.ts';

const entryOf = (revision: number, requested: readonly Operation[] = []) =>
  aJobEntry({ goal: aJobGoal({ revision }), requested });
const { id, uid } = entryOf(1).goal;
const acted = (revisionActed: number, announced: ControlRecord['announced'] = {}): ControlRecord => ({
  ...freshControl(id, uid),
  ...{ revisionActed, announced },
});
const held = { frozen: 'older-goal-3', frozenAt: String(theTime) };
const asked = (kind: Operation['kind'], requestedAt: number): Operation => ({
  ...{ tenant: 'default', job: 'plays.out', uid, id: 'one', sequence: 1, kind, author: 'ann', reason: '' },
  ...{ state: 'requested', requestedAt },
});

describe('a job is behind', () => {
  test.each([
    ['never where nothing was carried out', entryOf(3), null, false],
    ['not where its goal is the one that was carried out', entryOf(3), acted(3), false],
    ['not where its goal is newer', entryOf(4), acted(3), false],
    ['where more was carried out than the store holds', entryOf(3), acted(5), true],
    ['still, where it was held for that very revision', entryOf(3), acted(5, held), true],
    ['still, where the store went back further', entryOf(2), acted(5, held), true],
    ['not any more, once its route was declared again', entryOf(4), acted(5, held), false],
    ['not any more, once it is restarted', entryOf(3, [asked('restart', theTime + 1)]), acted(5, held), false],
    [
      'still, where the restart is of the other history',
      entryOf(3, [asked('restart', theTime - 1)]),
      acted(5, held),
      true,
    ],
    [
      'still, where a restart was asked for before it was held',
      entryOf(3, [asked('restart', theTime)]),
      acted(5),
      true,
    ],
    ['still, where something else is asked for', entryOf(3, [asked('pause', theTime + 1)]), acted(5, held), true],
  ])('%s', (_when, entry, control, expected) => {
    expect(isBehind(entry, control)).toBe(expected);
  });
});

describe('a job that is behind', () => {
  test('is held as by a freeze of it alone', () => {
    expect(holdBehind(entryOf(3), acted(5)).freeze).toMatchObject({ scope: 'job', author: 'reconciler' });
  });

  test('stays held by whoever holds it already', () => {
    const freeze = { tenant: 'default', scope: 'fleet' as const, name: '', author: 'ann', reason: '', at: theTime };
    const entry = { ...entryOf(3), freeze };
    expect(holdBehind(entry, acted(5))).toBe(entry);
  });
});
