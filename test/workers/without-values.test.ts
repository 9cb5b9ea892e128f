// Personal data and what a worker says aloud: of a record at fault logs and status get what is wrong, and no value of it.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser, POISON, SCHEMA } from '#core/expression/index.ts';
import { scalarTypes } from '#core/expression/types.ts';
import { chainOf } from '#test/support/run-chain.ts';
import { withoutValues } from '#workers/without-values.ts';

beforeAll(loadParser);

const secret = '4111x1111';

/** The fault of a route over one event of a stream in which `v` has the type, as the worker sets it aside. */
function faultOf(v: unknown, type: string, route: object = {}) {
  const stream = { schema: { fields: { v: type }, onInvalid: 'dead-letter' } };
  const chain = chainOf({ operators: [{ sample: { fraction: 1 } }], ...route }, stream);
  const bytes = new TextEncoder().encode(typeof v === 'string' ? v : JSON.stringify({ v }));
  const place = { partition: 0, offset: 0, timestamp: 0, memory: chain.createMemory() };
  const verdict = chain.process(bytes, 0, bytes.length, place);
  if (verdict !== POISON && verdict !== SCHEMA) return null;
  return { errorClass: verdict === POISON ? 'poison' : 'schema', ...chain.fault! };
}

const refused = scalarTypes.filter((type) => type !== 'text' && type !== 'jsonb');

describe('what is said of a record at fault', () => {
  test.each(refused)('names the field that is to be %s, and not what it held', (type) => {
    for (const value of [secret, `"${secret}`, `: ${secret}`, `2026-01-01 "${secret}"`, [secret]])
      for (const declared of [type, `${type}[]`]) {
        const fault = faultOf([value], declared) ?? faultOf([value], type);
        const said = withoutValues(fault!);
        expect(said).toContain(`field v is declared ${fault!.message.includes(`${type}[]`) ? `${type}[]` : type}`);
        expect(said).toContain('(schema_mismatch)');
        expect(said).not.toContain(secret);
      }
  });

  test('names the field and the type, while the dead letter has the value', () => {
    const fault = faultOf(['4111 1111 1111 1111'], 'bigint[]')!;
    expect(fault.message).toBe('field v is declared bigint[]: got JSON string "4111 1111 1111 1111"');
    expect(withoutValues(fault)).toBe('field v is declared bigint[]: got JSON string (schema_mismatch)');
  });

  test.each(refused)('ends before the text that cannot be read as %s', (type) => {
    const fault = faultOf([secret], 'text[]', { select: `(v[1])::${type} AS x` })!;
    expect(fault.message).toContain(secret);
    expect(withoutValues(fault)).not.toContain(secret);
    expect(withoutValues(fault)).toMatch(/\((invalid|datetime)_[a-z_]+\)$/);
  });

  test.each([
    ['2026-13-01', 'v[1]::date', 'date/time field value out of range (datetime_field_overflow)'],
    ['99999999999', 'v[1]::int', 'value (numeric_value_out_of_range)'],
    ['99999', 'make_date(1985, 4, v[1]::int)', 'date field value out of range (datetime_field_overflow)'],
    ['1114112', 'chr(v[1]::int)', 'requested character not valid for encoding (program_limit_exceeded)'],
    ['(4111', "regexp_replace('a', v[1], 'b')", 'invalid regular expression (invalid_regular_expression)'],
    ['4111', "timezone(v[1], '2026-01-01'::timestamptz)", 'time zone (invalid_parameter_value)'],
    ['{4111', 'v[1]::int[]', 'malformed array literal (invalid_text_representation)'],
    ['0', '4111 / v[1]::int', 'division by zero (division_by_zero)'],
  ])('of %s in %s says what is wrong alone', (value, select, said) => {
    expect(withoutValues(faultOf([value], 'text[]', { select: `${select} AS x` })!)).toBe(said);
  });

  test('says where an event stops being JSON, and not at what', () => {
    expect(withoutValues(faultOf(`{"v":${secret}}`, 'text')!)).toBe('not JSON at byte 9 (malformed_json)');
  });

  test('is the code alone where nobody looked at what else the message holds', () => {
    const message = `time of day ${secret} lies outside of a day`;
    expect(withoutValues({ errorClass: 'poison', code: 'malformed', message })).toBe('malformed');
    expect(withoutValues({ errorClass: 'poison', code: 'internal_error', message })).toBe('internal_error');
    expect(withoutValues({ errorClass: 'schema', code: 'a_code_to_come', message })).toBe('a_code_to_come');
  });

  test('is all of what speaks of schemas, and what a sink answers', () => {
    const message = 'the registry knows no schema 7, which the record names';
    expect(withoutValues({ errorClass: 'poison', code: 'unknown_schema', message })).toBe(
      `${message} (unknown_schema)`,
    );
    const answer = 'the sink answered 400: "no such field"';
    expect(withoutValues({ errorClass: 'rejected', code: 'sink-400', message: answer })).toBe(`${answer} (sink-400)`);
  });

  test('holds nothing of the value, whatever that is', () => {
    const values = fc.string({ minLength: 1, maxLength: 90, unit: 'binary' }).map((text) => `§${text}`);
    fc.assert(
      fc.property(values, fc.constantFrom('bigint', 'timestamptz', 'uuid', 'boolean'), (value, type) => {
        for (const fault of [
          faultOf([value], `${type}[]`),
          faultOf([value], 'text[]', { select: `v[1]::${type} AS x` }),
        ])
          expect(withoutValues(fault!)).not.toContain('§');
      }),
      { numRuns: 60 },
    );
  });
});
