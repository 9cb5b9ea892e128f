// What one event can ask for: results have a largest size, and a number costs what its own digits cost, not what they stand for.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createByteSink, createProcessor, loadParser, planRoute, type RowType } from '#core/expression/index.ts';

beforeAll(loadParser);

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const numeric = { kind: 'scalar', type: 'numeric' } as const;
const fields: RowType = [
  { name: 't', type: { kind: 'scalar', type: 'text' } },
  { name: 'n', type: numeric },
  { name: 'ns', type: { kind: 'array', element: numeric } },
  { name: 'ds', type: { kind: 'array', element: { kind: 'scalar', type: 'double precision' } } },
  { name: 'j', type: { kind: 'scalar', type: 'jsonb' } },
];

/** What `select` gives as JSON text, or the condition that the event ends in. */
function resultOf(expression: string, row: object | string, rowType: RowType | null = fields): string {
  const planned = planRoute({ select: `${expression} AS v` }, rowType);
  if (!planned.ok) throw new Error(planned.problem.map((problem) => problem.message).join());
  const processor = createProcessor(planned.value);
  const bytes = encoder.encode(typeof row === 'string' ? row : JSON.stringify(row));
  const out = createByteSink(256);
  processor.process(bytes, 0, bytes.length, out);
  return processor.fault === null ? decoder.decode(out.bytes.subarray(5, out.length - 1)) : processor.fault.code;
}

const charsMax = 4 * 1024 * 1024;
const half = 'x'.repeat(charsMax / 2);

describe('a text that an expression makes has at most 4 Mi characters', () => {
  test.each([
    [`t || t`, half, 'x'],
    [`t || 1`, 'x'.repeat(charsMax - 1), 'x'],
    [`1 || t`, 'x'.repeat(charsMax - 1), 'x'],
    [`concat(t, t)`, half, 'x'],
    [`concat_ws('', t, t)`, half, 'x'],
    [`array_to_string(ARRAY[t, t], '')`, half, 'x'],
    [`replace(t, 'x', 'xx')`, half, 'x'],
    [`regexp_replace(t, '^(x*)$', '\\1\\1')`, half, 'x'],
    [`regexp_replace(t, 'x{250}', repeat('y', 500), 'g')`, 'x'.repeat(2_097_000), 'x'.repeat(1_000)],
    [`overlay(t PLACING t FROM 1 FOR 0)`, half, 'x'],
    [`quote_literal(t)`, "'".repeat(charsMax / 2 - 1), 'x'],
    [`upper(t)`, 'ß'.repeat(charsMax / 2), 'x'],
    [`initcap(t)`, half + half, 'x'],
    [`lpad('x', t::integer)`, '419430', '5'],
    [`repeat(t, 2)`, half, 'x'],
  ])('%s', (expression, t, more) => {
    expect(resultOf(`char_length(${expression}) <= ${charsMax}`, { t })).toBe('true');
    expect(resultOf(`char_length(${expression})`, { t: t + more })).toBe('program_limit_exceeded');
  });

  test('a replacement that names its match again and again is refused before it is put together', () => {
    const by = '\\&'.repeat(100_000);
    expect(resultOf(`regexp_replace(t, '.*', j ->> 0)`, { t: half, j: [by] })).toBe('program_limit_exceeded');
  });

  test('a separator counts as often as it stands in the text', () => {
    const row = { t: 'x'.repeat(100_000), ns: Array.from({ length: 1_000 }, () => 1) };
    expect(resultOf(`array_to_string(ns, t)`, row)).toBe('program_limit_exceeded');
    expect(resultOf(`concat_ws(t, ${'1,'.repeat(50)} 1)`, row)).toBe('program_limit_exceeded');
  });
});

describe('numbers with large exponents', () => {
  const many = (item: string): string => `[${Array.from({ length: 40_000 }, () => item).join(',')}]`;

  test('many of them are read, compared and passed on at the cost of their own digits', () => {
    const row = `{"ns":${many('1e131071')}}`;
    expect(resultOf('cardinality(ns)', row)).toBe('40000');
    expect(resultOf('ns', row)).toBe(many('1e131071'));
    expect(resultOf('array_position(ns, 2e131071)', row)).toBe('null');
    expect(resultOf('array_position(ns, 1e131070)', row)).toBe('null');
    expect(resultOf('ns @> ARRAY[10e131070]', row)).toBe('true');
    expect(resultOf('cardinality(ns::text[]) > 0', row)).toBe('program_limit_exceeded');
    expect(resultOf('ns::text', row)).toBe('program_limit_exceeded');
    expect(resultOf('ns || 1', row)).toBe('program_limit_exceeded');
    expect(resultOf('a', `{"a":${many('1e131071')}}`, null)).toBe(many('1e131071'));
    expect(resultOf('a::text', `{"a":${many('1e131071')}}`, null)).toBe('program_limit_exceeded');
    expect(resultOf('a::text[]', `{"a":${many('1e131071')}}`, null)).toBe('program_limit_exceeded');
    expect(resultOf(`j || '[]'`, `{"j":${many('1e131071')}}`)).toBe('program_limit_exceeded');
    expect(resultOf('ds', `{"ds":${many('1e-131071')}}`)).toBe(many('1e-131071'));
  });

  test('are ordered among each other and with all others', () => {
    const compared = (left: string, right: string): string =>
      resultOf(`n < (j ->> 0)::numeric`, `{"n":${left},"j":["${right}"]}`);
    expect(compared('1e100', '1e101')).toBe('true');
    expect(compared('1e101', '1e100')).toBe('false');
    expect(compared('-1e101', '-1e100')).toBe('true');
    expect(compared('9e100', '10e99')).toBe('false');
    expect(compared('10e99', '11e99')).toBe('true');
    expect(compared('1e100', `1${'0'.repeat(100)}.5`)).toBe('true');
    expect(compared('1e100', `${'9'.repeat(100)}.5`)).toBe('false');
    expect(compared('11e100', `10${'9'.repeat(100)}.5`)).toBe('false');
    expect(compared('-1e100', '0.5')).toBe('true');
    expect(compared('1e100', '-2')).toBe('false');
  });

  test('are counted with as if their zeros were written', () => {
    expect(resultOf('n + 1', '{"n":1e70}')).toBe(`1${'0'.repeat(69)}1`);
    expect(resultOf('-n', '{"n":1e70}')).toBe(`-1${'0'.repeat(70)}`);
    expect(resultOf('abs(n)', '{"n":-1e70}')).toBe(`1${'0'.repeat(70)}`);
    expect(resultOf('sign(n)', '{"n":-1e70}')).toBe('-1');
    expect(resultOf('n::float8', '{"n":12e70}')).toBe('1.2e+71');
    expect(resultOf('n::float4', '{"n":1e39}')).toBe('numeric_value_out_of_range');
    expect(resultOf('n::bigint', '{"n":1e70}')).toBe('numeric_value_out_of_range');
  });

  test('logarithms, roots and powers of them come back', () => {
    expect(resultOf('ln(n)', '{"n":1e20000}')).toBe('46051.701859880914');
    expect(resultOf('ln(n)', '{"n":1e131071}')).toBe('301802.13072382256');
    expect(resultOf('log(n)', '{"n":1e131071}')).toBe('131071.00000000000');
    expect(resultOf('sqrt(n) = 1e65535', '{"n":1e131070}')).toBe('true');
    expect(resultOf('power(n, 0.5)', '{"n":1e131071}')).toBe('numeric_value_out_of_range');
    expect(resultOf('exp(n)', '{"n":6000}')).toBe('numeric_value_out_of_range');
    expect(resultOf('exp(-n) = 0', '{"n":1e131071}')).toBe('true');
    expect(resultOf('power(2::numeric, n)', '{"n":1e-20}')).toBe('1.00000000000000000001');
    expect(resultOf('power(2::numeric, n) = 1', '{"n":1e-16383}')).toBe('true');
  });
});

test('of a number with more decimals than the type has, the first that is too many rounds the last that is kept', () => {
  const decimals = (tail: string): string => `{"n":0.${'0'.repeat(16_382)}1${tail}}`;
  expect(resultOf('n * 2 = 3e-16383 - 1e-16383', decimals('4'.repeat(1_000_000)))).toBe('true');
  expect(resultOf('n = 2e-16383', decimals(`5${'0'.repeat(1_000_000)}`))).toBe('true');
});

test('arrays and lists of JSON have at most 4 Mi items', () => {
  const items = Array.from({ length: 300_000 }, () => 1);
  const doubled = (name: string, times: number): string =>
    times === 0 ? name : `(${doubled(name, times - 1)} || ${doubled(name, times - 1)})`;
  expect(resultOf(`cardinality(${doubled('ns', 1)})`, { ns: items })).toBe('600000');
  expect(resultOf(`cardinality(${doubled('ns', 4)})`, { ns: items })).toBe('program_limit_exceeded');
  expect(resultOf(`jsonb_array_length(${doubled('j', 4)})`, { j: items })).toBe('program_limit_exceeded');
});
