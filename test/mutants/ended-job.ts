// Faults planted in how jobs end, are fenced, kept for their grace and cleared, each a textual patch that a test must notice.
import { type Mutant, simulated } from './mutant.ts';

const jobs = ['test/core/plan/plan-job.test.ts', 'test/core/plan/plan-pass.test.ts'];
const acting = ['test/functions/reconcile'];
const changing = 'test/simulation/freeze-and-delete.test.ts';
const ending = 'test/core/plan/plan-ended-job.test.ts';
const fenced = 'test/core/plan/fenced-workers.test.ts';
const compiling = 'test/core/graph/compile-platform.test.ts';
const choosing = 'test/core/plan/choose-goal.test.ts';

export const endedJobMutants: readonly Mutant[] = [
  {
    ...{ name: 'what-the-platform-lacks-is-a-wish', file: 'core/graph/unsupported-routes.ts', by: [compiling] },
    before: 'if (found.length > 0) lacking.set(name, found);',
    after: 'if (found.length > sinks.length) lacking.set(name, found);',
  },
  {
    ...{ name: 'unheard-of-route-is-a-wish', file: 'core/plan/plan-endings.ts', by: jobs },
    before: 'if (removal !== undefined && removal.revision >= seen) return true;',
    after: 'return true;',
  },
  {
    ...{ name: 'older-goal-ends-newer-job', file: 'core/plan/plan-endings.ts', by: jobs },
    before: 'const seen = revisionSeen(job);',
    after: 'const seen = Math.min(0, revisionSeen(job));',
  },
  {
    ...{ name: 'unsupported-declaration-is-a-deletion', file: 'core/plan/plan-endings.ts', by: jobs },
    before: 'if (isUnsupported) return false;',
    after: 'if (isUnsupported) return true;',
  },
  {
    ...{ name: 'removal-confirmed-while-jobs-live', file: 'core/plan/plan-endings.ts', by: [...jobs, simulated] },
    before: 'return !routesWithJobs.has(',
    after: 'return true || routesWithJobs.has(',
  },
  {
    ...{ name: 'ended-job-cleared-while-it-works', file: 'core/plan/plan-ended-job.ts', by: jobs },
    before: 'const isGone = alive.length === 0 && !reporting;',
    after: 'const isGone = alive.length >= 0;',
  },
  {
    ...{
      name: 'cleared-before-a-fenced-worker-has-heard-of-it',
      file: 'core/plan/plan-ended-job.ts',
      by: ['test/core/plan/plan-ended-job.test.ts'],
    },
    before: 'if (observed.at < goneAt)',
    after: 'if (observed.at < 0)',
  },
  {
    ...{
      name: 'cleared-by-the-word-of-a-clock',
      file: 'core/plan/plan-ended-job.ts',
      by: ['test/core/plan/plan-ended-job.test.ts'],
    },
    before: 'silentLeases * leaseMs',
    after: 'leaseMs',
  },
  {
    ...{
      name: 'grace-goes-by-the-deletion-before',
      file: 'core/plan/plan-ended-job.ts',
      by: ['test/core/plan/plan-ended-job.test.ts'],
    },
    before: ', declaredAt) + keptMs',
    after: ', 0 * declaredAt) + keptMs',
  },
  {
    ...{ name: 'clearing-goes-on-when-another-has-taken-over', file: 'functions/reconcile/act.ts', by: acting },
    before: '    if (!(await isStillMarked())) return;\n',
    after: '',
  },
  {
    ...{ name: 'cleared-without-a-mark', file: 'core/plan/plan-ended-job.ts', by: jobs },
    before: "announced: { ...control.announced, clearing: 'begun' },",
    after: 'announced: control.announced,',
  },
  {
    ...{
      name: 'control-forgotten-before-the-splits',
      file: 'functions/reconcile/act.ts',
      by: acting,
    },
    before: '  for (const step of [() => parts.splits.clear(job), () => parts.workers.clear(job)]) {',
    after:
      '  await parts.controls.remove(job, controlVersion);\n  for (const step of [() => parts.splits.clear(job), () => parts.workers.clear(job)]) {',
  },
  {
    ...{ name: 'grace-is-none', file: 'core/plan/plan-ended-job.ts', by: [changing, simulated] },
    before: 'Math.max(endedAt, declaredAt) + keptMs',
    after: 'Math.max(endedAt, declaredAt)',
  },
  {
    ...{
      name: 'guard-off',
      file: 'core/plan/destruction-guard.ts',
      by: [changing, 'test/core/plan/destruction-guard.test.ts'],
    },
    before: 'return count.ending > count.allowed;',
    after: 'return count.ending < 0;',
  },
  {
    ...{ name: 'freeze-does-not-keep-from-ending', file: 'core/plan/plan-endings.ts', by: [changing] },
    before: 'const due = ended.filter((one) => !isEndFrozen(one, goal));',
    after: 'const due = ended;',
  },
  {
    ...{ name: 'a-freeze-lets-the-rest-end', file: 'core/plan/plan-endings.ts', by: [changing] },
    before: 'const counted = ended.filter(',
    after: 'const counted = due.filter(',
  },
  {
    ...{ name: 'fences-are-not-remembered', file: 'core/plan/plan-job.ts', by: [ending] },
    before: 'withFences(after, actions, observed.at)',
    after: 'after',
  },
  {
    ...{ name: 'fenced-workers-are-kept-for-good', file: 'core/plan/fenced-workers.ts', by: [fenced] },
    before: "fencedAt < forgottenBy ? 'over' : 'kept'",
    after: "fencedAt < 0 ? 'over' : 'kept'",
  },
  {
    ...{ name: 'cleared-while-it-may-be-listed', file: 'core/plan/plan-ended-job.ts', by: [ending] },
    before: 'goneSince + listingGraceMs',
    after: 'goneSince',
  },
  {
    ...{ name: 'deletion-taken-back-unheard', file: 'functions/reconcile/act.ts', by: acting },
    before: '(await hasChanged(parts, id.tenant, goalSequence, isOfRoute))',
    after: '(await hasChanged(parts, id.tenant, goalSequence, () => false))',
  },
  {
    ...{ name: 'decided-is-begun', file: 'core/plan/plan-ended-job.ts', by: jobs },
    before: "control.announced['clearing'] === 'begun'",
    after: "control.announced['clearing'] !== undefined",
  },
  {
    ...{ name: 'cleared-beside-another-pass', file: 'functions/reconcile/act.ts', by: acting },
    before: 'if (control?.version !== controlVersion) return null;',
    after: 'if (control === null) return null;',
  },
  {
    ...{ name: 'removal-confirmed-before-all-is-listed', file: 'core/plan/plan-endings.ts', by: jobs },
    before: 'observed.at >= listedBy(at, listingGraceMs)',
    after: 'observed.at >= at',
  },
  {
    ...{ name: 'ended-job-starts-under-a-freeze', file: 'core/plan/choose-goal.ts', by: [choosing] },
    before: "control.announced['ended'] !== undefined",
    after: "control.announced['ended'] === ''",
  },
];
