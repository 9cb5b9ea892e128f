// Whose rounds stand still is found by its own word, whatever else is under way in its job.
import { expect, test } from '@jest/globals';
import { canarySlot } from '#core/canary/canary-slot.ts';
import { type AilmentFacts, judgeAilments } from '#core/health/ailments.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';
import { aHeartbeat, aJobEntry, theTime } from '#test/support/builders.ts';

const entry = aJobEntry();
const minute = 60_000;

const slotOf = (incarnation: number, change: Partial<SlotRecord> = {}): SlotRecord => ({
  ...{ incarnation, render: entry.render, startedAt: 0, failureCount: 0, nextStartAt: 0, ...change },
});

const beat = (incarnation: number, change: Partial<Parameters<typeof aHeartbeat>[2]> = {}) =>
  aHeartbeat(entry, incarnation, {
    ...{ startedAt: theTime - 10 * minute, lookedAt: theTime, leader: false, ...change },
  });

const judge = (facts: Pick<AilmentFacts, 'slots' | 'heartbeats'>) =>
  judgeAilments({ entry, partitions: 1, unsharedSince: undefined, now: theTime, ...facts });

const hung = { lookedAt: theTime - 3 * minute };

test.each([
  ['another revision is on trial', { [canarySlot]: slotOf(3, { render: 'newer' }) }],
  ['a successor starts beside another', { 1: slotOf(3, { successor: slotOf(4, { render: 'newer' }) }) }],
  ['another has just been started', { 1: slotOf(3, { startedAt: theTime - 500 }) }],
])('a worker whose rounds stand still is told while %s, which may wait for it', (_what, others) => {
  const slots = { 0: slotOf(2), ...others };
  expect(judge({ slots, heartbeats: [beat(2, hung)] }).ailment).toMatchObject({
    kind: 'WorkerStalled',
    incarnation: 2,
  });
  expect(judge({ slots, heartbeats: [beat(2)] }).ailment).toBeNull();
});

test('the one on trial, and a successor, are told as well when theirs stand still', () => {
  const slots = {
    0: slotOf(2, { render: 'older', successor: slotOf(4) }),
    [canarySlot]: slotOf(3, { render: 'newer' }),
  };
  for (const incarnation of [2, 3, 4])
    expect(judge({ slots, heartbeats: [beat(incarnation, hung)] }).ailment).toMatchObject({ incarnation });
});

test('one that has no place, drains, or was never sure to be there is nobody’s ailment', () => {
  const slots = { 0: slotOf(2), [canarySlot]: slotOf(3) };
  const heartbeats = [
    beat(7, hung),
    beat(2, { ...hung, state: 'draining' }),
    { ...beat(3, hung), certainty: 'unsure' as const },
  ];
  expect(judge({ slots, heartbeats }).ailment).toBeNull();
});

test('a partition that is no more excuses no worker that stands still, as a source that does not answer does', () => {
  const errorOf = (code: string) => ({ ...hung, errors: [{ code, message: 'told by it', at: theTime, count: 1 }] });
  const outsideOf = (code: string) =>
    judge({ slots: { 0: slotOf(2) }, heartbeats: [beat(2, errorOf(code))] }).ailment?.outside;
  expect(outsideOf('partition-missing')).toBeNull();
  expect(outsideOf('source-unavailable')).toBe('source-unavailable: told by it');
});
