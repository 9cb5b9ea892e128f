// What a route's expressions do to an event, and what is refused when they are declared.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createProcessor, loadParser, planRoute, type RouteProgram, type RowType } from '#core/expression/index.ts';
import { planned, runProgram, runRoute } from '#test/support/run-expression.ts';

const scalar = (type: 'text' | 'bigint' | 'timestamptz' | 'numeric' | 'double precision') =>
  ({ kind: 'scalar', type }) as const;
const row: RowType = [
  { name: 'id', type: scalar('text') },
  { name: 'ts', type: scalar('timestamptz') },
  { name: 'country', type: scalar('text') },
  {
    name: 'device',
    type: {
      kind: 'object',
      fields: [
        { name: 'os', type: scalar('text') },
        { name: 'model', type: scalar('text') },
      ],
    },
  },
  { name: 'durationMs', type: scalar('bigint') },
  { name: 'tags', type: { kind: 'array', element: scalar('text') } },
];

beforeAll(loadParser);

describe('a route', () => {
  test('filters and projects: the example of the interfaces', () => {
    const route = {
      where: `country = 'US' AND device.os LIKE 'i%'`,
      select: `id, ts, device.os AS os, "durationMs" / 1000.0 AS seconds, upper(country) AS cc`,
      key: 'cc',
    };
    const event = `{"id":"a","country":"US","device":{"os":"ios"},"durationMs":1500,"ts":"2026-01-01T00:00:00Z"}`;
    expect(runRoute(route, event, row)).toEqual({
      verdict: 'passed',
      out: '{"id":"a","ts":"2026-01-01T00:00:00Z","os":"ios","seconds":1.5000000000000000,"cc":"US"}',
      key: 'US',
      fault: null,
      mismatchCount: 0,
    });
    expect(runRoute(route, '{"id":"b","country":"DE"}', row).verdict).toBe('filtered');
    expect(runRoute(route, '{"id":"b"}', row).verdict).toBe('filtered');
  });

  test('without select is the identity: nothing is written', () => {
    const program = planned({ where: 'true' }, row);
    expect(program.identity).toBe(true);
    expect(program.output).toEqual(row);
    expect(runProgram(program, '{"id":"a"}')).toMatchObject({ verdict: 'passed', out: '' });
    expect(planned({ select: '*' }, row).identity).toBe(true);
  });

  test('keeps the bytes of bare fields: decimals, long ids, escapes', () => {
    const event = '{"a":1.10,"b":12345678901234567890,"c":"\\u0041\\/","d":{ "x" : [1, 2] },"e":1E5}';
    expect(runRoute({ select: 'a, b, c, d, e, f' }, event).out).toBe(
      '{"a":1.10,"b":12345678901234567890,"c":"\\u0041\\/","d":{ "x" : [1, 2] },"e":1E5,"f":null}',
    );
  });

  test('with a star copies every member and adds columns, which replace members of the same name', () => {
    expect(runRoute({ select: '*, upper(c) AS cc' }, '{ "c":"x", "d":1.10 }').out).toBe('{"c":"x", "d":1.10,"cc":"X"}');
    expect(runRoute({ select: '*, upper(c) AS cc' }, '{"cc":0,"c":"x","e":[{"cc":1},","]}').out).toBe(
      '{"c":"x","e":[{"cc":1},","],"cc":"X"}',
    );
    expect(runRoute({ select: '1 AS one, *' }, '{}').out).toBe('{"one":1}');
    expect(runRoute({ select: '*, 1 AS a' }, '{"\\u0061":5}').out).toBe('{"a":1}');
    expect(planned({ select: '*, 1 AS one' }, row).output?.map((field) => field.name)).toEqual([
      ...row.map((field) => field.name),
      'one',
    ]);
  });

  test('expands a declared object by its star', () => {
    expect(runRoute({ select: 'device.*' }, '{"device":{"os":"a","model":"b"}}', row).out).toBe(
      '{"os":"a","model":"b"}',
    );
  });

  test('gives the key as text: strings without quotes and escapes, numbers as written, NULL as none', () => {
    expect(runRoute({ key: 'k' }, '{"k":"a\\nb\\u00e9"}').key).toBe('a\nbé');
    expect(runRoute({ key: 'k' }, '{"k":1.10}').key).toBe('1.10');
    expect(runRoute({ key: 'a.b' }, '{"a":{"b":"x"}}').key).toBe('x');
    expect(runRoute({ key: 'k' }, '{"k":null}').key).toBeNull();
    expect(runRoute({ select: 'lower(a) AS k', key: 'k' }, '{"a":"ÄB"}').key).toBe('äb');
    expect(runRoute({ select: 'a AS k', key: 'k' }, '{}').key).toBeNull();
    expect(runRoute({ select: '*, 1 AS one', key: 'a' }, '{"a":7}').key).toBe('7');
  });

  test('writes computed values as JSON', () => {
    const select = `to_timestamp(0) AS t, timestamp '2020-01-01' AS l, date '2020-01-01' AS d, 'NaN'::float8 AS n, 1e15::float8 AS f,
      interval '1 day' AS i, ARRAY['a', NULL] AS r, '{"b": 1, "a": [1.10]}'::jsonb AS j, 'q"\\' AS q, 2.50 AS m, 'Infinity'::numeric AS y`;
    expect(runRoute({ select }, '{}').out).toBe(
      '{"t":"1970-01-01T00:00:00Z","l":"2020-01-01T00:00:00","d":"2020-01-01","n":"NaN","f":1e+15,"i":"1 day","r":["a",null],' +
        '"j":{"a":[1.10],"b":1},"q":"q\\"\\\\","m":2.50,"y":"Infinity"}',
    );
  });

  test('makes an event whose evaluation fails poison, with PostgreSQL’s name for the error', () => {
    expect(runRoute({ select: '1 / a AS x' }, '{"a":0}')).toMatchObject({
      verdict: 'poison',
      fault: 'division_by_zero',
      out: '',
    });
    expect(runRoute({ where: 'a::int > 5' }, '{"a":"x"}').fault).toBe('invalid_text_representation');
    expect(runRoute({ where: 'a::smallint > 5' }, '{"a":40000}').fault).toBe('numeric_value_out_of_range');
  });

  test('says schema when a declared field holds what it cannot', () => {
    const read = { where: `"durationMs" > 5` };
    expect(runRoute(read, '{"durationMs":"6"}', row)).toMatchObject({ verdict: 'schema', fault: 'schema_mismatch' });
    expect(runRoute(read, '{"durationMs":6.5}', row).verdict).toBe('schema');
    expect(runRoute(read, '{"durationMs":6.0}', row).verdict).toBe('passed');
    expect(runRoute(read, '{"durationMs":9223372036854775808}', row).verdict).toBe('schema');
    expect(runRoute(read, '{"durationMs":6,"id":5}', row).verdict).toBe('passed');
    const declared = planned(read, row, 'declared');
    expect(runProgram(declared, '{"durationMs":6,"id":5}').verdict).toBe('schema');
    expect(runProgram(declared, '{"durationMs":6,"device":[]}').verdict).toBe('schema');
    expect(runProgram(declared, '{"durationMs":6,"tags":["a",1]}').verdict).toBe('schema');
    expect(runProgram(declared, '{"durationMs":6,"ts":"2026-02-30T00:00:00Z"}').verdict).toBe('schema');
    expect(
      runProgram(declared, '{"durationMs":6,"ts":1767225600000,"tags":["a",null],"device":{"os":null}}').verdict,
    ).toBe('passed');
  });

  test('reads timestamps from ISO text and epoch milliseconds alike', () => {
    const route = { where: `ts = timestamptz '2026-01-01T00:00:00Z'` };
    expect(runRoute(route, '{"ts":"2026-01-01T01:00:00+01:00"}', row).verdict).toBe('passed');
    expect(runRoute(route, '{"ts":1767225600000}', row).verdict).toBe('passed');
    expect(runRoute(route, '{"ts":1767225600000}').verdict).toBe('passed');
  });

  test('survives JSON, and runs the same', () => {
    const program = planned({ where: `a IN ('x', 'y') OR b > 1.5`, select: '*, a || b AS c', key: 'c' });
    const copy = JSON.parse(JSON.stringify(program)) as RouteProgram;
    expect(copy).toEqual(program);
    fc.assert(
      fc.property(
        fc.record({
          a: fc.oneof(fc.constantFrom('x', 'z'), fc.jsonValue()),
          b: fc.oneof(fc.double({ noNaN: true }), fc.string()),
        }),
        (event) => {
          const text = JSON.stringify(event);
          expect(runProgram(copy, text)).toEqual(runProgram(program, text));
        },
      ),
    );
  });

  test('refuses a program of another version', () => {
    const program = { ...planned({}), version: 99 } as unknown as RouteProgram;
    expect(() => createProcessor(program)).toThrow('version 99');
  });
});

describe('a stream without schema', () => {
  const holds = (where: string, event: string): string => runRoute({ where }, event).verdict;

  test('types a field by its JSON value', () => {
    expect(holds('a > 5', '{"a":6}')).toBe('passed');
    expect(holds('a > 5', '{"a":12345678901234567890.5}')).toBe('passed');
    expect(holds('a = 1.0', '{"a":1.00}')).toBe('passed');
    expect(holds(`a = 'x'`, '{"a":"\\u0078"}')).toBe('passed');
    expect(holds('a', '{"a":true}')).toBe('passed');
    expect(holds('a = b', '{"a":[1,2],"b":[1, 2.0]}')).toBe('passed');
    expect(holds('a.b[2].c = 7', '{"a":{"b":[1,{"c":7}]}}')).toBe('passed');
    expect(holds(`'x' = ANY (tags)`, '{"tags":["y","x"]}')).toBe('passed');
  });

  test('takes the texts NaN, Infinity and -Infinity for the numbers that JSON has none for', () => {
    const declared: RowType = [{ name: 'n', type: scalar('numeric') }];
    const verdict = (where: string, event: string, rowType: RowType | null): string => {
      const { verdict, mismatchCount } = runRoute({ where }, event, rowType);
      return mismatchCount === 0 ? verdict : `${verdict}, counted`;
    };
    for (const rowType of [declared, null]) {
      expect(verdict('n > 5', '{"n":"NaN"}', rowType)).toBe('passed');
      expect(verdict('n = 5', '{"n":"NaN"}', rowType)).toBe('filtered');
      expect(verdict('(n < 5) IS FALSE', '{"n":"Infinity"}', rowType)).toBe('passed');
      expect(verdict('5 > n', '{"n":"-Infinity"}', rowType)).toBe('passed');
      expect(verdict('n > 5', '{"n":"\\u004eaN"}', rowType)).toBe('passed');
      expect(verdict('n > 5', '{"n":null}', rowType)).toBe('filtered');
      expect(verdict('n > 5', '{}', rowType)).toBe('filtered');
    }
    for (const other of ['"nan"', '"6"', 'true', '[6]', '{"a":6}']) {
      expect(verdict('(n > 5) IS NULL', `{"n":${other}}`, null)).toBe('passed, counted');
    }
  });

  test('makes a comparison of different types NULL and counts it', () => {
    for (const where of ['a > 5', 'a = 5', 'a IN (5, 6)', 'a + 1 > 0', 'a = b']) {
      expect({ where, ...runRoute({ where }, '{"a":"6","b":6}') }).toMatchObject({
        verdict: 'filtered',
        mismatchCount: expect.any(Number),
      });
      expect(runRoute({ where }, '{"a":"6","b":6}').mismatchCount).toBeGreaterThan(0);
    }
    expect(runRoute({ where: `a = 'x'` }, '{"a":5}').mismatchCount).toBe(1);
    expect(runRoute({ where: `a LIKE 'x%'` }, '{"a":5}').mismatchCount).toBe(1);
    expect(runRoute({ where: `a = 'x'` }, '{}').mismatchCount).toBe(0);
  });

  test('walks real nested events with JSON operators', () => {
    const event = '{"server_zones":{"hg.nginx.org":{"responses":{"5xx":12}}}}';
    const path = `server_zones->'hg.nginx.org'->'responses'->>'5xx'`;
    expect(holds(`(${path})::int > 10`, event)).toBe('passed');
    expect(holds(`(${path})::int > 12`, event)).toBe('filtered');
    expect(runRoute({ select: `${path} AS errors` }, event).out).toBe('{"errors":"12"}');
  });

  test('decides constants in place exactly as by decoding', () => {
    const decimal = fc.stringMatching(/^-?(0|[1-9]\d{0,17})(\.\d{1,6})?(e[+-]?\d)?$/);
    fc.assert(
      fc.property(decimal, decimal, fc.constantFrom('=', '<>', '<', '<=', '>', '>='), (a, b, operator) => {
        const inPlace = holds(`x ${operator} ${b}`, `{"x":${a}}`);
        expect(inPlace).toBe(holds(`(x::numeric + 0) ${operator} ${b}::numeric`, `{"x":${a}}`));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('what is refused when it is declared', () => {
  const problem = (text: string, declared: RowType | null = row) => {
    const result = planRoute({ where: text }, declared);
    return result.ok ? null : result.problem[0]!;
  };

  test.each([
    ['a subquery', 'id = (SELECT 1)', 'subquery', 6],
    ['an aggregate', 'count(*) > 1', 'aggregate count()', 1],
    ['a window function', 'rank() OVER () > 1', 'window function rank()', 1],
    ['now()', 'ts > now()', 'now()', 6],
    ['CURRENT_DATE', 'ts > CURRENT_DATE', 'CURRENT_DATE', 6],
    ['random()', 'random() > 0.5', 'random()', 1],
    ['a parameter', 'id = $1', 'parameter', 6],
    ['a second clause', `id = 'x' ORDER BY id`, 'ORDER BY', 10],
    ['a set', `generate_series(1, 2) > 1`, 'set of rows', 1],
  ])('%s, by name', (_name, text, message, column) => {
    expect(problem(text)).toMatchObject({
      code: 'feature_not_supported',
      message: expect.stringContaining(message),
      line: 1,
      column,
    });
  });

  test('a statement, several statements, a broken one', () => {
    expect(problem(`id = 'x'; DROP TABLE users`)).not.toBeNull();
    expect(problem('id = ')).toMatchObject({ code: 'syntax_error', line: 1 });
    expect(problem(`id = 'x' AND\n  (country = 'é' OR )`)).toMatchObject({ code: 'syntax_error', line: 2, column: 21 });
    expect(problem('')).toMatchObject({ code: 'syntax_error' });
  });

  test('a field that the schema lacks, with the nearest names', () => {
    expect(problem(`'é' = id\n AND contry = 'x'`)).toMatchObject({
      code: 'undefined_column',
      line: 2,
      column: 6,
      hint: 'did you mean country?',
    });
    expect(problem('durationMs > 5')!.hint).toContain('"durationMs"');
    expect(problem(`device.oss = 'x'`)!.hint).toContain('os');
  });

  test('types that do not go together, with what to do', () => {
    expect(problem('id > 5')).toMatchObject({
      code: 'undefined_function',
      message: 'operator does not exist: text > integer',
    });
    expect(problem(`(a->>'b') > 5`, null)!.hint).toContain('::numeric');
    expect(problem('"durationMs"')).toMatchObject({ code: 'datatype_mismatch' });
    expect(problem(`"durationMs" = 'x'`)).toMatchObject({ code: 'invalid_text_representation', column: 16 });
    expect(problem('uper(id) = id')!.hint).toContain('upper');
  });

  test('output columns without a name, or with the same one', () => {
    expect(planRoute({ select: 'id, id' }, row)).toMatchObject({
      ok: false,
      problem: [{ code: 'duplicate_column', column: 5 }],
    });
    expect(planRoute({ select: '*, upper(id) AS country' }, row)).toMatchObject({
      ok: false,
      problem: [{ code: 'duplicate_column' }],
    });
    expect(planRoute({ select: '1 + 1' }, row)).toMatchObject({ ok: false, problem: [{ code: 'unnamed_column' }] });
    expect(planRoute({ select: 'id AS "__proto__"' }, row)).toMatchObject({
      ok: false,
      problem: [{ code: 'reserved_name' }],
    });
    expect(planRoute({ select: 'id', key: 'country' }, row)).toMatchObject({
      ok: false,
      problem: [{ code: 'undefined_column' }],
    });
  });

  test('what is too long, too deep or too large', () => {
    expect(problem(`id = '${'x'.repeat(20_000)}'`)).toMatchObject({ code: 'program_limit_exceeded' });
    expect(problem(`${'NOT '.repeat(3_000)}true`)).toMatchObject({ code: 'program_limit_exceeded' });
    expect(problem(`${'('.repeat(4_000)}true${')'.repeat(4_000)}`)).toBeNull();
    expect(problem(Array.from({ length: 1_500 }, () => '1=1').join(' OR '))).toMatchObject({
      code: 'program_limit_exceeded',
    });
    expect(problem(`id = 'still working'`)).toBeNull();
  });

  test('all problems of a route at once', () => {
    const result = planRoute({ where: 'nope = 1', select: 'id, also_nope, now() AS n' }, row);
    expect(result.ok ? [] : result.problem.map(({ code }) => code)).toEqual([
      'undefined_column',
      'undefined_column',
      'feature_not_supported',
    ]);
  });
});
