// Texts of a million characters that are almost a value: each reader refuses them in one pass, whatever they are made of.
import { expect, test } from '@jest/globals';
import { EvaluationFault } from '#core/expression/fault.ts';
import { readText } from '#core/expression/values/type-text.ts';

const chars = 1_000_000;
const beginnings = ['', '0x', '1', '.', '{', '{"', '2024-01-01', '12:00', 'P', '1 day ', '-'];
const fillings = ['1', 'f', ' ', '1_', 'a ', '1.', '\\\\', '@ ', '1 day '];
const types = [
  ...['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'boolean', 'uuid', 'jsonb'],
  ...['timestamptz', 'timestamp', 'date', 'time', 'interval', 'text[]', 'numeric[]', 'interval[]'],
];

/** The condition that reading the text ends in; null when it could be read. */
function refusalOf(type: string, text: string): string | null {
  try {
    readText(type, text);
    return null;
  } catch (error) {
    if (error instanceof EvaluationFault) return error.code;
    throw error;
  }
}

// A reader that went over a text again for each of its characters would not come back within the test's own limit.
test.each(types)('a long text that is nearly a value of type %s is refused in one pass', (type) => {
  for (const beginning of beginnings) {
    for (const filling of fillings) {
      const text = `${beginning}${filling.repeat(chars / filling.length)}!`;
      expect({ beginning, filling, code: refusalOf(type, text) }).toEqual({
        ...{ beginning, filling },
        code: expect.stringMatching(
          /^(invalid_text_representation|invalid_datetime_format|numeric_value_out_of_range)$/,
        ),
      });
    }
  }
});

test('texts of times have at most as many characters as PostgreSQL reads, spaces around them aside', () => {
  const spaces = ' '.repeat(chars);
  expect(readText('date', `${spaces}2024-02-29${spaces}`)).toBe(readText('date', '2024-02-29'));
  expect(readText('time', `${spaces}12:30${spaces}`)).toBe(readText('time', '12:30'));
  expect(readText('interval', `${spaces}1 day${spaces}`)).toEqual(readText('interval', '1 day'));
  expect(refusalOf('interval', `1 day ${'@ '.repeat(200)}`)).toBe('invalid_datetime_format');
  expect(refusalOf('timestamp', `2024-01-01 10:00:00.${'1'.repeat(300)}`)).toBe('invalid_datetime_format');
});

test('a number of an ISO 8601 duration has one point', () => {
  expect(readText('interval', 'P1.5D')).toEqual(readText('interval', '1 day 12:00'));
  expect(refusalOf('interval', 'P1.2.3D')).toBe('invalid_datetime_format');
});
