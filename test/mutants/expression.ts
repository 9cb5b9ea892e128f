// Faults planted in the expression language, each a textual patch that a test must notice.
import type { Mutant } from './mutant.ts';

const by = ['test/core/expression'];

export const expressionMutants: readonly Mutant[] = [
  {
    ...{ name: 'integer-division-rounds', file: 'core/expression/functions/arithmetic.ts', by },
    before: 'check(Math.trunc(a / nonZero(b)))',
    after: 'check(Math.round(a / nonZero(b)))',
  },
  {
    ...{ name: 'integer-overflow-is-no-error', file: 'core/expression/functions/arithmetic.ts', by },
    before: 'if (value > max || value < -max - 1) throw outOfRange(type);',
    after: '',
  },
  {
    ...{ name: 'not-equal-is-less', file: 'core/expression/functions/compare.ts', by },
    before: "'<>': (order) => order !== 0,",
    after: "'<>': (order) => order < 0,",
  },
  {
    ...{ name: 'at-most-is-less', file: 'core/expression/functions/compare.ts', by },
    before: "'<=': (order) => order <= 0,",
    after: "'<=': (order) => order < 0,",
  },
  {
    ...{ name: 'shorter-array-is-greater', file: 'core/expression/functions/compare.ts', by },
    before: 'return a.length - b.length;',
    after: 'return b.length - a.length;',
  },
];
