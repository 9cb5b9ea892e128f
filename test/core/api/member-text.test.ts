// A member of a JSON object is cut out with the text that it was sent with.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { memberText } from '#core/api/member-text.ts';

test.each([
  ['{"row":{"n":9007199254740993}}', '{"n":9007199254740993}'],
  ['{ "a" : "row" , "row" : { "n" : 1.10 } , "b" : 1 }', '{ "n" : 1.10 }'],
  ['{"a":{"row":1,"b":[{"row":2}]},"row":{"row":3}}', '{"row":3}'],
  ['{"a":"\\"row\\":{}","\\u0072ow":{"x":"}],\\\\"}}', '{"x":"}],\\\\"}'],
  ['{"row":1e400}', '1e400'],
])('of %s the row is %s', (text, row) => {
  expect(memberText(text, 'row')).toBe(row);
});

test.each(['{}', '{"rows":{}}', '{"a":"row"}', '{"a":["row"]}'])('%s has no row', (text) => {
  expect(memberText(text, 'row')).toBeNull();
});

test('of any object each member is what a parser reads', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, 2), (object, indent) => {
      const text = JSON.stringify(object, null, indent);
      for (const [name, value] of Object.entries(object))
        expect(memberText(text, name)).toBe(
          JSON.stringify(value, null, indent).replaceAll('\n', `\n${' '.repeat(indent)}`),
        );
    }),
  );
});
