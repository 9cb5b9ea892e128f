// Faults planted in what notices that a job ails, and in what is done about it.
import { type Mutant, simulated } from './mutant.ts';

const by = ['test/core/plan/plan-health.test.ts'];
const forgiving = ['test/core/plan/forgive-failures.test.ts'];

export const healthMutants: readonly Mutant[] = [
  {
    ...{ name: 'stalled-leader-is-left', file: 'core/health/ailments.ts', by: [...by, simulated] },
    before: 'now - lookedAt > patienceMs(entry)',
    after: 'now - lookedAt > 1e12',
  },
  {
    ...{ name: 'a-blink-without-a-holder-is-evidence', file: 'core/health/ailments.ts', by },
    before: 'now - since <= lasting',
    after: 'now - since < 0',
  },
  {
    ...{ name: 'stale-checkpoint-is-left', file: 'core/health/ailments.ts', by: [...by, simulated] },
    before: 'age.agedMs <= correctedAtTimes * age.allowedMs',
    after: 'age.agedMs > 0',
  },
  {
    ...{ name: 'new-leader-answers-for-the-old-one', file: 'core/health/checkpoint-age.ts', by },
    before: 'Math.max(takenAt ?? 0, leadsSince(leader))',
    after: '(takenAt ?? leadsSince(leader))',
  },
  {
    ...{ name: 'what-refuses-is-cured-by-restarts', file: 'core/plan/plan-health.ts', by },
    before: "if (ailment.outside !== null) return 'outside';",
    after: '',
  },
  {
    ...{ name: 'the-fleet-is-restarted', file: 'core/plan/plan-health.ts', by },
    before: "if (scope.isFleetWide) return 'fleet-wide';",
    after: '',
  },
  {
    ...{ name: 'nobody-counts-who-ails', file: 'core/plan/plan-pass.ts', by },
    before: 'return isFleetWide(ailing, live.length, bounds);',
    after: 'return isFleetWide(0 * ailing, live.length, bounds);',
  },
  {
    ...{ name: 'corrections-without-end', file: 'core/plan/plan-health.ts', by },
    before: '>= scope.entry.restartBudget.count ?',
    after: '< 0 ?',
  },
  {
    ...{ name: 'each-pass-counts-a-correction', file: 'core/plan/plan-health.ts', by },
    before: "if (corrections?.incarnation === ailment.incarnation) return 'replaced';",
    after: '',
  },
  {
    ...{ name: 'a-listing-that-lags-is-drift', file: 'core/plan/slot-drift.ts', by },
    before: 'unlistedSince !== undefined && now - unlistedSince > listingGraceMs;',
    after: 'unlistedSince !== undefined && now >= unlistedSince;',
  },
  {
    ...{ name: 'unlisted-worker-lives-on', file: 'core/plan/slot-drift.ts', by: [...by, simulated] },
    before: '!scope.isFleetWide && isUnlistedForLong(record, scope.now, scope.settings.listingGraceMs);',
    after: 'scope.now < 0 && isUnlistedForLong(record, scope.now, scope.settings.listingGraceMs);',
  },
  {
    ...{ name: 'unlisted-stray-lives-on', file: 'core/plan/plan-strays.ts', by: [...by, simulated] },
    before: 'at - startedAt > 2 * listingGraceMs)',
    after: 'at - startedAt < 0)',
  },
  {
    ...{ name: 'cut-off-again-and-again-at-once', file: 'core/plan/replace-worker.ts', by },
    before: 'Math.max(drifted, madeProgress(scope, record) ? 0 : record.failureCount)',
    after: 'Math.min(drifted, 0) + (madeProgress(scope, record) ? 0 : record.failureCount)',
  },
  {
    ...{
      name: 'a-hung-worker-holds-up-a-trial',
      file: 'core/health/ailments.ts',
      by: ['test/core/health/ailments.test.ts'],
    },
    before: 'const still = inattentive(facts, settled);',
    after: 'const still = inattentive(facts, undisturbed(facts, settled) ?? []);',
  },
  {
    ...{ name: 'failures-count-for-ever', file: 'core/plan/forgive-failures.ts', by: forgiving },
    before: 'hasReportedFor(forgiveAfterMs, heartbeat)',
    after: 'hasReportedFor(1e15, heartbeat)',
  },
  {
    ...{ name: 'a-pass-writes-to-forgive', file: 'core/plan/plan-slot.ts', by: [...forgiving, simulated] },
    before: 'return { record, actions: [], events: [], ...awaited(scope, record, health.lookAgain) };',
    after:
      'return { record: forgiven(record, latestHeartbeat(scope, record.incarnation)), actions: [], events: [], ...awaited(scope, record, health.lookAgain) };',
  },
  {
    ...{
      name: 'last-words-are-a-sign-of-life',
      file: 'core/plan/restart-backoff.ts',
      by: ['test/core/status/assess-job.test.ts'],
    },
    before: ' && !isWaiting(slot)',
    after: '',
  },
  {
    ...{
      name: 'told-by-the-word-of-a-suspect',
      file: 'core/plan/announce-status.ts',
      by: ['test/core/plan/announce-status.test.ts'],
    },
    before: "certainty !== 'seen')",
    after: "certainty === 'unsure')",
  },
  {
    ...{
      name: 'slow-listing-makes-a-clock-wrong',
      file: 'core/health/sight-beats.ts',
      by: ['test/core/health/sight-beats.test.ts'],
    },
    before: 'time.at + time.tookMs - at',
    after: 'time.at - at',
  },
  {
    ...{
      name: 'moved-long-before-the-last-look',
      file: 'core/health/sight-beats.ts',
      by: ['test/core/health/sight-beats.test.ts'],
    },
    before: 'heardMs - lookedMs + aheadMsMax',
    after: 'Infinity',
  },
  {
    ...{
      name: 'one-look-clears-a-suspect',
      file: 'core/health/sight-beats.ts',
      by: ['test/core/health/sight-beats.test.ts'],
    },
    before: 'const sighting = known?.counter === heartbeat.beat ? known : moved(heartbeat, known, time);',
    after:
      'const sighting = known?.counter === heartbeat.beat ? { ...known, isSuspect: false } : moved(heartbeat, known, time);',
  },
  {
    ...{
      name: 'judged-by-another-topic',
      file: 'core/plan/plan-health.ts',
      by: ['test/core/plan/plan-health.test.ts'],
    },
    before: 'observed.partitions?.get(entry.goal.source.topic)',
    after: '[...(observed.partitions?.values() ?? [])].at(-1)',
  },
];
