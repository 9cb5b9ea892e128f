// Alerts of a job: raised above the threshold, cleared well below it, unmoved by what is not known.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeAlerts } from '#core/health/judge-alerts.ts';

const spec = { lag: 300_000, deadLetterRate: 0.01 };
const names = (values: { lag: number | null; deadLetterRate: number | null }, before: readonly string[] = []) =>
  judgeAlerts(spec, values, before).map(({ name }) => name);

test('above its threshold an alert is raised, with the numbers that it stands on', () => {
  expect(judgeAlerts(spec, { lag: 420_400, deadLetterRate: 0.0234 }, [])).toEqual([
    { name: 'lag', message: 'lag is 7m, to be at most 5m' },
    { name: 'deadLetterRate', message: 'the share of dead letters is 2.34%, to be at most 1%' },
  ]);
  expect(names({ lag: 300_000, deadLetterRate: 0.01 })).toEqual([]);
});

test('one that is raised stays so until it is well below its threshold', () => {
  expect(names({ lag: 290_000, deadLetterRate: 0 }, ['lag'])).toEqual(['lag']);
  expect(names({ lag: 240_000, deadLetterRate: 0 }, ['lag'])).toEqual([]);
});

test('what is not known raises nothing and clears nothing', () => {
  expect(names({ lag: null, deadLetterRate: null })).toEqual([]);
  expect(names({ lag: null, deadLetterRate: null }, ['lag'])).toEqual(['lag']);
});

test('an alert that is not declared any more is not raised, whatever was', () => {
  expect(judgeAlerts({}, { lag: 1e9, deadLetterRate: 1 }, ['lag', 'deadLetterRate'])).toEqual([]);
});

test('judged again on the same values, nothing changes', () => {
  const value = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: null });
  fc.assert(
    fc.property(value, value, fc.subarray(['lag', 'deadLetterRate']), (lag, deadLetterRate, before) => {
      const once = names({ lag, deadLetterRate }, before);
      expect(names({ lag, deadLetterRate }, once)).toEqual(once);
    }),
  );
});
