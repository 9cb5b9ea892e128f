// Faults planted in the control loop, each a textual patch that a test must notice.
import { type Mutant, simulated } from './mutant.ts';

const jobs = ['test/core/plan/plan-job.test.ts', 'test/core/plan/plan-pass.test.ts'];
const acting = ['test/functions/reconcile'];
const changing = 'test/simulation/freeze-and-delete.test.ts';
const rolling = 'test/simulation/rollback.test.ts';
const holding = 'test/core/plan/hold-behind.test.ts';
const restoring = ['test/simulation/restored-goals.test.ts', 'test/core/plan/goal-history.test.ts'];
const beside = 'test/simulation/lower-latency.test.ts';

const choosing = 'test/core/plan/choose-goal.test.ts';
const scaling = ['test/core/autoscale'];
const trying = ['test/core/canary', 'test/simulation/canary.test.ts'];
const replaying = 'test/core/plan/plan-replay.test.ts';
const compiling = 'test/core/graph/compile-platform.test.ts';
const watches = 'test/core/plan/plan-watches.test.ts';
const differential = 'test/simulation/differential.test.ts';

export const controlLoopMutants: readonly Mutant[] = [
  {
    ...{ name: 'replay-of-what-was-not-meant', file: 'core/plan/plan-replay.ts', by: [replaying] },
    before: 'plan.topicId !== undefined && splits',
    after: 'plan.topicId === null && splits',
  },
  {
    ...{ name: 'replay-over-before-its-last', file: 'core/plan/plan-replay.ts', by: [replaying, simulated] },
    before: 'BigInt(record.position) >= BigInt(end)',
    after: 'BigInt(record.position) + 1n >= BigInt(end)',
  },
  {
    ...{ name: 'what-cannot-be-read-is-implied', file: 'core/graph/compile-platform.ts', by: [compiling] },
    before: '.filter(({ name }) => !unread.has(name))',
    after: '.filter(({ name }) => !unread.has(name) || true)',
  },
  {
    ...{ name: 'taken-back-setting-stays', file: 'core/plan/plan-topics.ts', by: ['test/core/plan/plan-pass.test.ts'] },
    before: 'observed.own.includes(name)',
    after: '!observed.own.includes(name)',
  },
  {
    ...{ name: 'former-source-is-kept-on', file: 'core/plan/job-change.ts', by: [differential] },
    before: 'runs.render !== wanted.render;',
    after: 'false;',
  },
  {
    ...{ name: 'workers-go-while-something-waits', file: 'core/autoscale/decide-workers.ts', by: scaling },
    before: 'traffic.backlog > quiet || traffic.backlogGrows)',
    after: 'false)',
  },
  {
    ...{ name: 'silence-is-little-to-do', file: 'core/autoscale/decide-workers.ts', by: scaling },
    before: 'if (traffic.arrival === 0)',
    after: 'if (traffic.arrival < 0)',
  },
  {
    ...{ name: 'more-workers-than-splits', file: 'core/autoscale/decide-workers.ts', by: scaling },
    before: 'Math.min(spec.max, traffic.splits)',
    after: 'spec.max',
  },
  {
    ...{ name: 'budget-without-end', file: 'core/autoscale/plan-scaling.ts', by: scaling },
    before: 'inTurn.slice(left)',
    after: 'inTurn.slice(inTurn.length)',
  },
  {
    ...{ name: 'number-of-workers-is-forgotten', file: 'core/autoscale/remember-scale.ts', by: scaling },
    before: 'const isKept = isSame(before ?? null, record ?? null);',
    after: 'const isKept = true;',
  },
  {
    ...{ name: 'canary-takes-every-split', file: 'core/canary/canary-slot.ts', by: trying },
    before: 'Math.max(1, Math.floor(splitCount * share))',
    after: 'splitCount',
  },
  {
    ...{ name: 'canary-is-compared-with-all-that-ever-was', file: 'core/canary/compare-revisions.ts', by: trying },
    before: 'baseline[incarnation] ?? noRecords',
    after: 'noRecords',
  },
  {
    ...{ name: 'few-bad-records-are-proof', file: 'core/canary/compare-revisions.ts', by: trying },
    before: 'share - chance(share, mine.in)',
    after: 'share',
  },
  {
    ...{ name: 'nothing-is-worse-than-half-bad', file: 'core/canary/compare-revisions.ts', by: trying },
    before: ' && !isHalfAsGood(mine, theirs)',
    after: '',
  },
  {
    ...{ name: 'doubts-hold-a-canary-for-ever', file: 'core/canary/judge-canary.ts', by: trying },
    before: 'now - since >= deadlineMs',
    after: 'now - since < 0',
  },
  {
    ...{ name: 'canary-is-promoted-at-birth', file: 'core/canary/judge-canary.ts', by: trying },
    before: 'hasReportedFor(leaseMs, heartbeat)',
    after: 'hasReportedFor(0, heartbeat)',
  },
  {
    ...{ name: 'a-restart-is-tried', file: 'core/plan/choose-goal.ts', by: trying },
    before: ' || good.revision === entry.goal.revision',
    after: '',
  },
  {
    ...{ name: 'a-freeze-ends-a-trial', file: 'core/plan/plan-canary.ts', by: trying },
    before: "return before.slots[canarySlot] === undefined ? 'none' : 'held';",
    after: "return 'none';",
  },
  {
    ...{ name: 'worker-on-trial-counts-as-one-of-the-others', file: 'core/plan/plan-job.ts', by: trying },
    before: 'const regular = withoutCanary(slots);',
    after: 'const regular = slots;',
  },
  {
    ...{ name: 'alarms-outlive-their-job', file: 'core/plan/plan-watches.ts', by: [watches, differential] },
    before: '!keys.has(keyOf(watch)) &&',
    after: 'false &&',
  },
  {
    ...{ name: 'missing-taken-for-gone', file: 'core/health/worker-health.ts', by: [...jobs, simulated] },
    before: 'sinceStartMs <= deadlines.listingGraceMs ?',
    after: 'sinceStartMs < 0 ?',
  },
  {
    ...{ name: 'silence-compared-the-wrong-way', file: 'core/health/worker-health.ts', by: jobs },
    before: 'const reporting = silentMs <= deadlines.leaseMs;',
    after: 'const reporting = silentMs >= deadlines.leaseMs;',
  },
  {
    ...{ name: 'never-reported-waits-for-ever', file: 'core/health/worker-health.ts', by: jobs },
    before: 'return sinceStartMs <= deadlines.startDeadlineMs',
    after: 'return sinceStartMs <= Number.MAX_SAFE_INTEGER',
  },
  {
    ...{ name: 'unknown-taken-for-empty', file: 'core/plan/plan-pass.ts', by: jobs },
    before: 'if (tasks === null || heartbeats === null || controls === null) return null;',
    after: '',
  },
  {
    ...{ name: 'restored-goal-is-carried-out', file: 'core/plan/hold-behind.ts', by: jobs },
    before: 'control.revisionActed <= goal.revision',
    after: 'control.revisionActed >= 0',
  },
  {
    ...{ name: 'frozen-for-ever', file: 'core/plan/hold-behind.ts', by: jobs },
    before: 'if (goal.revision > Number(',
    after: 'if (goal.revision < Number(',
  },
  {
    ...{ name: 'restart-of-another-history-decides', file: 'core/plan/hold-behind.ts', by: [holding] },
    before: 'requestedAt > Number(',
    after: 'requestedAt !== Number(',
  },
  {
    ...{ name: 'restored-store-is-taken-for-the-same', file: 'core/plan/goal-history.ts', by: restoring },
    before: 'hashThere === seen.hash',
    after: 'hashThere !== null',
  },
  {
    ...{ name: 'fleet-goes-on-by-a-restored-store', file: 'functions/reconcile/read-goals.ts', by: restoring },
    before: 'for (const tenant of tenants)',
    after: 'for (const tenant of [...tenants].slice(1))',
  },
  {
    ...{ name: 'incarnation-given-twice', file: 'core/plan/plan-job.ts', by: [...jobs, simulated] },
    before: 'nextIncarnation: () => ++incarnationLast',
    after: 'nextIncarnation: () => incarnationLast + 1',
  },
  {
    ...{ name: 'adoption-forgets-what-was-seen', file: 'core/plan/adopt-control.ts', by: [...jobs, simulated] },
    before: ': Math.max(...seen) + unseenMax',
    after: ': 0 * unseenMax',
  },
  {
    ...{ name: 'adopted-numbers-are-given-twice', file: 'core/plan/adopt-control.ts', by: jobs },
    before: ': Math.max(...seen) + unseenMax',
    after: ': Math.max(...seen) + 0 * unseenMax',
  },
  {
    ...{ name: 'unseen-numbers-are-given-twice', file: 'core/plan/adopt-control.ts', by: jobs },
    before: 'Math.floor(ageMs / firstPassMs)',
    after: '0 * Math.floor(ageMs / firstPassMs)',
  },
  {
    ...{ name: 'namesake-stays', file: 'core/plan/plan-slot.ts', by: jobs },
    before: '?.render !== record.render)',
    after: '?.render !== record.render && scope.isFleetWide)',
  },
  {
    ...{ name: 'control-written-without-version', file: 'core/plan/plan-job.ts', by: [...jobs, simulated] },
    before: '{ ...record, version: before.version + 1 }',
    after: '{ ...record, version: before.version }',
  },
  {
    ...{ name: 'strays-are-left-running', file: 'core/plan/plan-strays.ts', by: [...jobs, simulated] },
    before: "task.state === 'stopped' || task.state === 'stopping') continue;",
    after: "task.state !== 'starting') continue;",
  },
  {
    ...{ name: 'client-token-not-from-the-incarnation', file: 'core/plan/replace-worker.ts', by: [...jobs, simulated] },
    before: 'clientToken: contentHash({ worker, render }),',
    after: 'clientToken: contentHash({ job: goal.id, slot, render }),',
  },
  {
    ...{ name: 'successor-without-fencing', file: 'core/plan/plan-slot.ts', by: jobs },
    before: "[{ kind: 'fence-worker', job: goal.id, worker }, ...stop('silent for longer than its lease')],",
    after: "stop('silent for longer than its lease'),",
  },
  {
    ...{ name: 'outdated-worker-left-alone', file: 'core/plan/plan-slot.ts', by: jobs },
    before: 'const outdated = needsSuccessor(record, scope.entry);',
    after: 'const outdated = record.render === "";',
  },
  {
    ...{ name: 'no-backoff', file: 'core/plan/restart-backoff.ts', by: jobs },
    before: 'if (failuresBefore === 0) return 0;',
    after: 'return 0;',
  },
  {
    ...{ name: 'failures-are-never-counted', file: 'core/plan/replace-worker.ts', by: jobs },
    before: 'failuresBefore + 1,\n    scope.now,',
    after: '0,\n    scope.now,',
  },
  {
    ...{ name: 'lost-request-is-not-repeated', file: 'core/plan/plan-slot.ts', by: [...jobs, simulated] },
    before: 'health.listed ? [] : [startAction(scope, slot, record)]',
    after: '[]',
  },
  {
    ...{
      name: 'quarantine-speaks-against-no-goal',
      file: 'core/plan/plan-rollout.ts',
      by: ['test/core/plan/plan-rollout.test.ts'],
    },
    before: 'worker.quarantinedAt !== undefined && worker.faults !== undefined',
    after: 'worker.quarantinedAt !== undefined && worker.render !== render',
  },
  {
    ...{
      name: 'frozen-at-what-was-given-up',
      file: 'core/plan/choose-goal.ts',
      by: ['test/simulation/rollback.test.ts'],
    },
    before: 'failed?.render !== acted.render) return acted;',
    after: 'failed?.render !== undefined) return acted;',
  },
  {
    ...{
      name: 'carried-out-before-a-worker-was-asked-for',
      file: 'core/plan/plan-job.ts',
      by: ['test/simulation/freeze-and-delete.test.ts'],
    },
    before: 'paused || hasWorkerOf(render, slots)',
    after: 'true || hasWorkerOf(render, slots)',
  },
  {
    ...{
      name: 'last-words-are-progress',
      file: 'core/job/heartbeat.ts',
      by: ['test/core/plan/plan-rollout.test.ts'],
    },
    before: 'at - startedAt >= spanMs;',
    after: 'at - startedAt >= 0 * spanMs;',
  },
  {
    ...{ name: 'found-bad-beside-nothing', file: 'core/canary/compare-revisions.ts', by: trying },
    before: 'const isComparable = theirs.in >= recordsMin;',
    after: 'const isComparable = theirs.in >= 0 * recordsMin;',
  },
  {
    ...{ name: 'topics-shrink-is-growth', file: 'core/plan/plan-topics.ts', by: jobs },
    before: 'if (observed.partitions < partitions) {',
    after: 'if (observed.partitions !== partitions) {',
  },
  {
    ...{ name: 'drift-is-not-seen', file: 'core/plan/plan-topics.ts', by: [...jobs, simulated] },
    before: 'observed.config[name] !== value',
    after: 'observed.config[name] === undefined',
  },
  {
    ...{
      name: 'stale-control-is-ignored',
      file: 'functions/reconcile/act.ts',
      by: ['test/simulation/overlapping', simulated],
    },
    before: "(await parts.controls.write(decision.control)) === 'stale') return 'overtaken';",
    after: "(await parts.controls.write(decision.control)) === null) return 'overtaken';",
  },
  {
    ...{ name: 'late-plan-is-carried-out', file: 'functions/reconcile/act.ts', by: acting },
    before: 'parts.clock.now() - begunAt > limits.decisionMsMax;',
    after: 'parts.clock.now() - begunAt > Number.MAX_SAFE_INTEGER;',
  },
  {
    ...{ name: 'topic-deleted-on-an-old-goal', file: 'functions/reconcile/act.ts', by: acting },
    before: 'since.revisions.some(concerns)',
    after: 'since.revisions.length < 0 && since.revisions.some(concerns)',
  },
  {
    ...{
      name: 'refused-task-is-taken-for-started',
      file: 'functions/reconcile/act.ts',
      by: acting,
    },
    before: "if (outcome.kind === 'refused') throw",
    after: "if (outcome.kind === 'nothing' as string) throw",
  },
  {
    ...{ name: 'one-target-stops-the-pass', file: 'functions/reconcile/run-pass.ts', by: acting },
    before: 'const failureCount = (backoff.get(decision.target)?.failureCount ?? 0) + 1;',
    after: 'throw error;\n    const failureCount = 1;',
  },
  {
    ...{ name: 'sweep-waits-with-the-executions', file: 'functions/reconcile/pass-driver.ts', by: acting },
    before: 'if (this.#running === null || nobodyLooked) this.nudge',
    after: 'if (this.#running === null) this.nudge',
  },
  {
    ...{ name: 'passes-overlap-in-one-process', file: 'functions/reconcile/pass-driver.ts', by: acting },
    before: 'const next = last.then(turn)',
    after: 'const next = turn()',
  },
  {
    ...{
      name: 'render-depends-on-the-revision',
      file: 'core/graph/compile-platform.ts',
      by: ['test/core/graph/compile-platform.test.ts'],
    },
    before: 'const { revision: _revision, owner: _owner, ...shaping } = goal;',
    after: 'const { owner: _owner, ...shaping } = goal;',
  },
  {
    ...{ name: 'running-beside-former-workers', file: 'core/status/in-sync.ts', by: ['test/core/status'] },
    before: 'if (inPlace === wanted && leaving > 0)',
    after: 'if (leaving < 0)',
  },
  {
    ...{ name: 'running-without-its-workers', file: 'core/status/decide-phase.ts', by: ['test/core/status'] },
    before:
      "if (sync.status !== 'true' && sync.reason !== 'Frozen') return { phase: 'Deploying', message: sync.message };",
    after: '',
  },
  {
    ...{ name: 'topic-goes-before-its-grace', file: 'core/plan/plan-topics.ts', by: [...jobs, changing] },
    before: 'goal.at >= keptUntil &&',
    after: '',
  },
  {
    ...{ name: 'freeze-ends-nobody-but-starts', file: 'core/plan/choose-goal.ts', by: [changing] },
    before: 'return entry.freeze === null ? chooseGood(entry, control, stored) : chooseFrozen(entry, control, stored);',
    after: 'return chooseGood(entry, control, stored);',
  },
  {
    ...{ name: 'given-up-and-tried-again', file: 'core/plan/choose-goal.ts', by: [rolling, simulated] },
    before: 'return control?.failed?.render === entry.render ? (control.good ?? null) : null;',
    after: 'return control?.failed?.render === entry.render && control.failed.at < 0 ? (control.good ?? null) : null;',
  },
  {
    ...{ name: 'blamed-for-an-outage', file: 'core/plan/plan-rollout.ts', by: [rolling] },
    before: '(exitCode !== null && ownFaults.includes(exitCode))',
    after: 'exitCode !== null',
  },
  {
    ...{ name: 'old-one-ends-before-the-new-one-is-ready', file: 'core/plan/plan-slot.ts', by: [beside] },
    before:
      "if (healthOf(scope, successor).health.kind === 'alive' && heartbeat !== null && isReady(heartbeat, goal)) {",
    after: 'if (heartbeat === null || isReady(heartbeat, goal)) {',
  },
  {
    ...{
      name: 'silence-by-the-workers-clock',
      file: 'core/health/sight-beats.ts',
      by: ['test/core/health/sight-beats.test.ts'],
    },
    before: 'const shifted = shiftHeartbeat(heartbeat, time.at - silentMs);',
    after: 'const shifted = heartbeat;',
  },
  {
    ...{ name: 'budget-never-spent', file: 'core/plan/replace-worker.ts', by: ['test/simulation/quarantine.test.ts'] },
    before: 'if (recent.length <= restartBudget.count) return null;',
    after: 'if (recent.length >= 0) return null;',
  },
  {
    ...{
      name: 'answers-for-the-goal-before',
      file: 'core/plan/replace-worker.ts',
      by: ['test/core/plan/plan-job.test.ts'],
    },
    before: 'const faultsBefore = isOfGoal ? record.faults : undefined;',
    after: 'const faultsBefore = record.faults;',
  },
  {
    ...{ name: 'what-has-the-slots-is-put-on-trial', file: 'core/plan/choose-goal.ts', by: [choosing] },
    before: '|| hasWorkerOf(entry.render, withoutCanary(control.slots))',
    after: '',
  },
];
