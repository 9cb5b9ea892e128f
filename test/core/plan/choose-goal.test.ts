// Which goal a job is brought to, where that is not the newest.
import { describe, expect, test } from '@jest/globals';
import { canarySlot } from '#core/canary/canary-slot.ts';
import { planSink } from '#core/operations/switch.ts';
import { chooseGoal } from '#core/plan/choose-goal.ts';
import { freshControl } from '#core/plan/control.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Operation } from '#core/ports/goal-store.ts';
import { aJobEntry } from '#test/support/builders.ts';

const good = { revision: 1, render: 'good' };
const base = aJobEntry();
const entry = { ...base, onRedeploy: 'canary' as const, goal: { ...base.goal, revision: 2 } };
const stored = base.goal;
const aControl = (more: Partial<ControlRecord>): ControlRecord => ({
  ...freshControl(stored.id, stored.uid),
  ...{ good, acted: { ...good, paused: false } },
  ...more,
});

describe('a newer goal of a job that is to try them on a share', () => {
  test('is tried beside the one that has got somewhere', () => {
    expect(chooseGoal(entry, aControl({}), stored)).toMatchObject({ kind: 'earlier', why: 'tried' });
  });

  test('is none where it is a switch, which takes place at once', () => {
    const toOther = { ...planSink('plays', 'plays-2', 2), revision: entry.goal.revision };
    const operation: Operation = {
      ...{ id: 'op1', tenant: 'default', job: stored.name, uid: stored.uid, kind: 'switch', sequence: 9 },
      ...{ state: 'requested', author: 'ann', reason: '', requestedAt: 0, plan: toOther },
    };
    const switched = { ...entry, requested: [operation] };
    expect(chooseGoal(switched, aControl({}), stored)).toEqual({ kind: 'newest', entry: switched });
  });

  test('is none where its workers would be as those that have the job’s slots already', () => {
    const slot = { incarnation: 1, render: entry.render, startedAt: 0, failureCount: 0, nextStartAt: 0 };
    expect(chooseGoal(entry, aControl({ slots: { 0: slot } }), stored)).toEqual({ kind: 'newest', entry });
    const onTrial = { [canarySlot]: slot };
    expect(chooseGoal(entry, aControl({ slots: onTrial }), stored)).toMatchObject({ why: 'tried' });
  });
});

describe('a frozen job', () => {
  const freeze = {
    tenant: 'default',
    scope: 'job' as const,
    name: 'plays.out',
    author: 'ann',
    reason: 'a test',
    at: 0,
  };
  const frozen = { ...entry, freeze };

  test('stays at what was carried out last', () => {
    expect(chooseGoal(frozen, aControl({}), stored)).toMatchObject({ kind: 'earlier', why: 'frozen' });
  });

  test('that had ended, and whose route was given back since, is not started', () => {
    const chosen = chooseGoal(frozen, aControl({ announced: { ended: '1' } }), stored);
    expect(chosen).toEqual({ kind: 'none', why: 'its workers have ended' });
  });
});
