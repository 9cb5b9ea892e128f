// Faults planted in what changes a job while it runs: live settings, layers, giving up, switches.
import type { Mutant } from './mutant.ts';

const layers = ['test/core/config/layers.test.ts'];
const switches = ['test/core/plan/plan-switch.test.ts'];

export const changeMutants: readonly Mutant[] = [
  {
    ...{ name: 'weakest-layer-holds', file: 'core/config/layers.ts', by: layers },
    before: 'strength(setting) >= strength(known)',
    after: 'strength(setting) <= strength(known)',
  },
  {
    ...{ name: 'override-of-an-earlier-life', file: 'core/graph/compile-platform.ts', by: layers },
    before: 'entry.uid}`',
    after: '"u-plays"}`',
  },
  {
    ...{ name: 'configuration-compiled-once', file: 'core/graph/platform-compiler.ts', by: ['test/core/graph'] },
    before: '    config,\n  ]);',
    after: '  ]);',
  },
  {
    ...{ name: 'want-of-permission-given-up', file: 'core/job/give-up.ts', by: ['test/core/job/give-up.test.ts'] },
    before: "if (refused === 'auth') return policy.auth;",
    after: "if (refused === 'auth') return policy.retryable.endsIn;",
  },
  {
    ...{ name: 'given-up-at-once', file: 'core/job/give-up.ts', by: ['test/core/job/give-up.test.ts'] },
    before: 'giveUpAfterMs !== null && failingForMs >= giveUpAfterMs',
    after: 'giveUpAfterMs !== null',
  },
  {
    ...{ name: 'switch-before-its-revision', file: 'core/plan/plan-switch.ts', by: switches },
    before: 'if (goal.revision < plan.revision) {',
    after: 'if (goal.revision < 0) {',
  },
  {
    ...{ name: 'switch-sets-what-cannot-be-seen', file: 'core/plan/plan-switch.ts', by: switches },
    before: "  const { splits } = observed;\n  if (splits === null) return { kind: 'hold', by, placements: [] };",
    after: '  const splits = observed.splits ?? [];',
  },
  {
    ...{ name: 'switch-from-the-latest-split', file: 'core/operations/switch.ts', by: ['test/core/operations'] },
    before: 'times.length === 0 ? null : Math.min(...times)',
    after: 'times.length === 0 ? null : Math.max(...times)',
  },
  {
    ...{ name: 'unbalanced-books-told-never', file: 'core/plan/announce-status.ts', by: ['test/core/plan'] },
    before: "if (balanced.status === 'false') return balanced.message;",
    after: '',
  },
  {
    ...{ name: 'throttle-forgotten-in-live-settings', file: 'core/job/live-settings.ts', by: layers },
    before: 'return { errors, throttle, gathering',
    after: 'return { errors, throttle: throttle && null, gathering',
  },
];
