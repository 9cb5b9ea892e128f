// What is told of a job's state: each change once, and books that do not balance whatever else is the matter.
import { describe, expect, test } from '@jest/globals';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Accounting } from '#core/job/accounting.ts';
import { announceStatus } from '#core/plan/announce-status.ts';
import { planJob } from '#core/plan/plan-job.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import { aHeartbeat, aJobEntry, anObservedJob, aTask } from '#test/support/builders.ts';

const entry = aJobEntry();
const account = (out: number): Accounting => ({ in: 10, out, filtered: 3, deadLettered: 1, dropped: { poison: 1 } });

function look(control: ControlRecord | null, accounting: Accounting | null) {
  const heartbeats = accounting === null ? [] : [aHeartbeat(entry, 1, { accounting })];
  const observed = anObservedJob({ tasks: [aTask(entry, 1)], heartbeats, control });
  const decision = announceStatus(entry, planJob(entry, observed, localSettings), observed);
  const reasons = decision.events.map(({ reason, severity }) => `${reason} ${severity}`);
  return { control: decision.control ?? control, books: reasons.filter((reason) => reason.startsWith('Books')) };
}

describe('books that do not balance', () => {
  test('are told once, stand while nobody reports, and are told again when they are right', () => {
    const first = look(planJob(entry, anObservedJob(), localSettings).control, account(5));
    expect(first.books).toEqual([]);
    const broken = look(first.control, account(4));
    expect(broken.books).toEqual(['BooksUnbalanced error']);
    const again = look(broken.control, account(4));
    expect([again.books, again.control?.announced['books']]).toEqual([[], 'unbalanced']);
    const silent = look(again.control, null);
    expect([silent.books, silent.control?.announced['books']]).toEqual([[], 'unbalanced']);
    const mended = look(silent.control, account(5));
    expect([mended.books, mended.control?.announced['books']]).toEqual([['BooksBalanced info'], undefined]);
  });
});
