// One expression evaluated by hand, and the values that PostgreSQL's rules give.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { evaluateExpression, loadParser } from '#core/expression/index.ts';

beforeAll(loadParser);

const value = (text: string, row = '{}'): string => {
  const result = evaluateExpression(text, row, null);
  return result.ok ? `${result.value.json} ${result.value.type}` : result.problem.code;
};

describe('one expression by hand', () => {
  test('gives the value as JSON and its type', () => {
    expect(value('1 + 1')).toBe('2 integer');
    expect(value('upper(a)', '{"a":"x"}')).toBe('"X" text');
    expect(value('a.b', '{"a":{"b":1.10}}')).toBe('1.10 dynamic');
    expect(value('NULL')).toBe('null text');
    expect(value('2 > 1 -- a comment')).toBe('true boolean');
  });

  test('says what is wrong, where the person wrote it', () => {
    expect(evaluateExpression('1 +\n nope(2)', '{}', null)).toEqual({
      ok: false,
      problem: expect.objectContaining({ code: 'undefined_function', line: 2, column: 2 }),
    });
    expect(value('1 / 0')).toBe('division_by_zero');
    expect(value('1 +')).toBe('syntax_error');
    expect(value('1, 2')).toBe('syntax_error');
    expect(value('*')).toBe('syntax_error');
    expect(value('1 AS one')).toBe('1 integer');
    expect(value('a', '[]')).toBe('malformed_json');
  });

  test.each([
    ['SELECT upper(a) AS b', /no statement, and no SELECT/],
    [' with b AS (SELECT 1)', /no statement, and no WITH/],
    ['1 +', /missing at the end/],
    ['1 + )', undefined],
  ])('%s is told what stands there instead', (text, hint) => {
    const result = evaluateExpression(text, '{}', null);
    expect(result).toMatchObject({ ok: false, problem: { code: 'syntax_error' } });
    const told = result.ok || !('hint' in result.problem) ? undefined : result.problem.hint;
    if (hint === undefined) expect(told).toBeUndefined();
    else expect(told).toMatch(hint);
  });
});

describe('values', () => {
  test.each([
    ['integers overflow instead of wrapping', '2147483647 + 1', 'numeric_value_out_of_range'],
    ['an integer quotient is cut towards zero', '-8 / 3', '-2 integer'],
    ['an integer quotient of positive numbers is not rounded', '7 / 2', '3 integer'],
    ['a numeric quotient has 16 significant digits or more', '1.0 / 3', '0.33333333333333333333 numeric'],
    ['what is greater is not equal either', '3 <> 2', 'true boolean'],
    ['what is equal is at most that', '2 <= 2', 'true boolean'],
    ['of arrays that begin alike the shorter is less', 'ARRAY[1] < ARRAY[1, 0]', 'true boolean'],
    ['a numeric keeps its scale', '1.10 * 2', '2.20 numeric'],
    ['numeric halves round away from zero', 'round(2.5)', '3 numeric'],
    ['double halves round to even', 'round(2.5::float8)', '2 double precision'],
    ['doubles print their shortest digits', '0.1::float8 + 0.2', '0.30000000000000004 double precision'],
    ['big numbers are exact', '12345678901234567890 * 10', '123456789012345678900 numeric'],
    ['length counts characters', `length('😀é')`, '2 integer'],
    ['text orders by code point', `'Z' < 'a' AND 'z' < 'é'`, 'true boolean'],
    ['NULL AND false is false', 'NULL AND false', 'false boolean'],
    ['NOT IN with NULL is never true', `'a' NOT IN ('x', NULL)`, 'null boolean'],
    ['the 29th of February moves to the 28th', `(date '2024-02-29' + interval '1 year')::date`, '"2025-02-28" date'],
    [
      'a zone has its summer time [fault 125]',
      `timestamptz '2024-07-01' AT TIME ZONE 'Europe/Berlin'`,
      '"2024-07-01T02:00:00" timestamp',
    ],
    ['regular expressions are linear: no look-ahead', `'a' ~ 'a(?=b)'`, 'invalid_regular_expression'],
    ['nor back references', `'aa' ~ '(a)\\1'`, 'invalid_regular_expression'],
    ['nested repeats do not blow up', `repeat('a', 5000) ~ '^(a+)+$b'`, 'false boolean'],
    ['no function makes gigabytes', `length(repeat('x', 2000000000))`, 'program_limit_exceeded'],
    ['nor do numbers', `'1e999999999'::numeric`, 'numeric_value_out_of_range'],
    ['md5 is md5', `md5('hello')`, '"5d41402abc4b2a76b9719d911017c592" text'],
  ])('%s', (_name, text, expected) => {
    expect(value(text)).toBe(expected);
  });
});
