// What a running worker takes over of stored settings, and what it passes over.
import { describe, expect, test } from '@jest/globals';
import { storedLive } from '#core/job/live-settings.ts';
import { aJobGoal, anErrorPolicy } from '#test/support/builders.ts';
import { silent } from '#test/support/silent-logger.ts';
import { takeOver } from '#workers/live-goal.ts';

const dropping = { ...anErrorPolicy, poison: 'drop' as const };

describe('a worker', () => {
  test('takes newer settings over once, and passes older ones over', () => {
    const goal = structuredClone(aJobGoal({ revision: 2 }));
    const newer = storedLive(aJobGoal({ revision: 3, errors: dropping }));
    expect([takeOver({ goal, log: silent }, newer), takeOver({ goal, log: silent }, newer)]).toEqual([true, false]);
    expect(takeOver({ goal, log: silent }, storedLive(aJobGoal({ revision: 2 })))).toBe(false);
    expect(goal).toMatchObject({ revision: 3, errors: dropping });
  });

  test('takes of settings for a sink of another kind what fits its own, and that once', () => {
    const goal = structuredClone(aJobGoal());
    const batch = { records: 7 };
    const hook = { kind: 'http', batch } as unknown as typeof goal.sink;
    const stored = storedLive(aJobGoal({ revision: 2, errors: dropping, sink: hook }));
    expect([takeOver({ goal, log: silent }, stored), takeOver({ goal, log: silent }, stored)]).toEqual([true, false]);
    expect(goal).toMatchObject({ revision: 2, errors: dropping });
    expect(goal.sink).toEqual(aJobGoal().sink);
  });
});
