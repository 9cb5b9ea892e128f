// Edges where PostgreSQL's answer is not the first that comes to mind; each is compared with the real one as well.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { evaluateExpression, loadParser } from '#core/expression/index.ts';
import { Interval, parseInterval } from '#core/expression/values/interval.ts';
import { showText } from '#core/expression/values/type-text.ts';

beforeAll(loadParser);

function resultOf(expression: string): string {
  const result = evaluateExpression(expression, '{}', null);
  return result.ok ? result.value.json : result.problem.code;
}

describe('the text of an interval', () => {
  test.each([
    ['1 2:00', '1 day 02:00:00'],
    ['2 1 hour', '2 days 01:00:00'],
    ['1 day 2', '1 day 00:00:02'],
    ['1-2 3 4:05', '1 year 2 mons 3 days 04:05:00'],
    ['-1-2 +3 -4:05:06', '-1 years -2 mons +3 days -04:05:06'],
    ['1 sec 1.5 ms', '00:00:01.0015'],
    ['12:34.5', '00:12:34.5'],
    ['- 1:00', '-01:00:00'],
    ['1 day, 2:00', '1 day 02:00:00'],
    ['1h30m', '01:30:00'],
    ['1 day 2:00 ago', '-1 days -02:00:00'],
  ])('%s is %s', (text, shown) => {
    expect(showText('interval', parseInterval(text))).toBe(shown);
  });

  test.each([
    '1 2 3',
    '1 2',
    '1 year 1 year',
    '1 hour 2:00',
    '2:00 3:00',
    '1 mon 1-2',
    '1.5 sec 1 ms',
    'day 1',
    '1 ago',
  ])('%s says a field twice, or none', (text) => {
    expect(resultOf(`'${text}'::interval`)).toBe('invalid_datetime_format');
  });

  test.each(['1-12', '1:60', '1:2:61', '61:00.5'])('%s is out of range', (text) => {
    expect(resultOf(`'${text}'::interval`)).toBe('interval_field_overflow');
  });

  test('that we show is read as the same interval', () => {
    for (const months of [0, 1, -1, 14, -14]) {
      for (const days of [0, 3, -3]) {
        for (const micros of [0n, 1n, -1n, 3_723_500_000n, -3_723_500_000n, 360_000_000_000n]) {
          const interval = new Interval(months, days, micros);
          expect(parseInterval(showText('interval', interval))).toEqual(interval);
        }
      }
    }
  });

  test.each([
    [`interval '1.5' hour`, '01:00:00'],
    [`interval '1-2' year`, '1 year'],
    [`interval '1 day 2' hour`, '1 day 02:00:00'],
    [`interval '1.5' second`, '00:00:01.5'],
    [`interval '5' day`, '5 days'],
    [`('1 day 02:30:40'::text)::interval minute`, '1 day 02:30:00'],
  ])('%s keeps nothing below the unit', (expression, shown) => {
    expect(resultOf(`(${expression})::text`)).toBe(`"${shown}"`);
  });
});

describe('an operator or a function', () => {
  test.each([
    [`ARRAY['a'] || NULL`, '["a"]'],
    [`NULL || ARRAY['a']`, '["a"]'],
    [`ARRAY['a'] || '{x,NULL}'`, '["a","x",null]'],
    [`ARRAY['a'] || 'x'`, 'invalid_text_representation'],
    [`ARRAY['a'] || 'x'::text`, '["a","x"]'],
    [`ARRAY['a'] || NULL::text`, '["a",null]'],
    [`ARRAY[1] || 2`, '[1,2]'],
    [`nullif(date '2024-01-01', timestamp '2024-01-01 10:00')`, '"2024-01-01"'],
    [`nullif(date '2024-01-01', timestamp '2024-01-01')`, 'null'],
    [`nullif(1, 2.0)::text`, '"1"'],
    [`'infinity'::date + time '10:00'`, '"infinity"'],
    [`date '294276-12-31' + time '24:00'`, 'datetime_field_overflow'],
    [`date_bin('1 day', timestamp '2024-01-01', 'infinity')`, 'datetime_field_overflow'],
    [`date_bin('1 mon', timestamp 'infinity', '2024-01-01')`, '"infinity"'],
    [`width_bucket(1::float8, -1e308::float8, 1e308::float8, 4)`, '3'],
    [`initcap('ßa ǆx x½y ﬁx ŉa ΑΣ ας ᾳα აბ')`, '"Ssa ǅx X½Y Fix ʼNa Ας Ας ᾼα აბ"'],
    [`initcap('hELLO o''neil mac-donald a1b')`, `"Hello O'Neil Mac-Donald A1b"`],
  ])('%s gives %s', (expression, json) => {
    expect(resultOf(expression)).toBe(json);
  });
});

describe('a cast', () => {
  test.each([
    ['ARRAY[1.236, NULL]::numeric(5,2)[]', '[1.24,null]'],
    [`'{1.236}'::numeric(5,2)[]`, '[1.24]'],
    [`string_to_array('abc,d', ',')::varchar(2)[]`, '["ab","d"]'],
    ['ARRAY[12345.6]::numeric(5,2)[]', 'numeric_value_out_of_range'],
    [`'1999-12-31 23:59:59.5'::timestamp(0)`, '"1999-12-31T23:59:59"'],
    [`'2000-01-01 00:00:00.5'::timestamp(0)`, '"2000-01-01T00:00:01"'],
    [`'23:59:58.5'::time(0)`, '"23:59:59"'],
    ['ARRAY[true, NULL, false]::text', '"{t,NULL,f}"'],
    ['concat(ARRAY[true])', '"{t}"'],
    ['ARRAY[true, false]::text[]', '["true","false"]'],
  ])('%s gives %s', (expression, json) => {
    expect(resultOf(expression)).toBe(json);
  });
});
