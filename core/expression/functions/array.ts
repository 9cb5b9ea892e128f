// Array functions; arrays have one dimension and start at 1.
import { EvaluationFault } from '../fault.ts';
import type { TypeName } from '../tree.ts';
import { checkItemCount, checkTextSize } from '../values/result-size.ts';
import { elementOf } from '../values/type-rules.ts';
import { outputText } from '../values/type-text.ts';
import type { Value } from '../values/value.ts';
import { comparerOf } from './compare.ts';
import { entry, type FunctionEntry, givenNulls, made } from './entry.ts';

type Items = readonly Value[];

function sameBy(type: TypeName): (left: Value, right: Value) => boolean {
  const compare = comparerOf(type);
  return (left, right) => (left === null || right === null ? left === right : compare(left, right) === 0);
}

function contains(type: TypeName): (whole: Items, part: Items) => boolean {
  const compare = comparerOf(type);
  return (whole, part) =>
    part.every((item) => item !== null && whole.some((own) => own !== null && compare(own, item) === 0));
}

function positionOf(types: readonly TypeName[]): (items: Items | null, item: Value) => number | null {
  const same = sameBy(types[1]!);
  return (items, item) => {
    const index = items === null ? -1 : items.findIndex((own) => same(own, item));
    return index < 0 ? null : index + 1;
  };
}

function joined(
  types: readonly TypeName[],
): (items: Items | null, separator: string | null, forNull?: string | null) => string | null {
  const type = elementOf(types[0]!);
  return (items, separator, forNull = null) => {
    if (items === null || separator === null) return null;
    const texts: string[] = [];
    let chars = 0;
    for (const item of items) {
      const text = item === null ? forNull : outputText(type, item);
      if (text === null) continue;
      chars += text.length + separator.length;
      checkTextSize(chars);
      texts.push(text);
    }
    return texts.join(separator);
  };
}

function split(text: string | null, delimiter: string | null, asNull: string | null): Items | null {
  if (text === null) return null;
  if (text === '') return [];
  const parts = delimiter === null ? [...text] : delimiter === '' ? [text] : text.split(delimiter);
  return parts.map((part) => (part === asNull ? null : part));
}

const ofDimension = (read: (items: Items) => number): ((items: Items, dimension: number) => number | null) => {
  return (items, dimension) => (dimension === 1 && items.length > 0 ? read(items) : null);
};

export const arrayFunctions: readonly FunctionEntry[] = [
  entry('cardinality', ['anyarray'], 'integer', 'Number of elements.', (items: Items) => items.length),
  entry(
    'array_length',
    ['anyarray', 'integer'],
    'integer',
    'Number of elements; NULL when empty. The second argument is 1.',
    ofDimension((items) => items.length),
  ),
  entry(
    'array_upper',
    ['anyarray', 'integer'],
    'integer',
    'Index of the last element; NULL when empty.',
    ofDimension((items) => items.length),
  ),
  entry(
    'array_lower',
    ['anyarray', 'integer'],
    'integer',
    'Index of the first element, 1; NULL when empty.',
    ofDimension(() => 1),
  ),
  entry('array_ndims', ['anyarray'], 'integer', 'Number of dimensions, 1; NULL when empty.', (items: Items) =>
    items.length > 0 ? 1 : null,
  ),
  givenNulls(
    made(
      'array_position',
      ['anyarray', 'anyelement'],
      'integer',
      'Index of the first equal element, or NULL.',
      positionOf,
    ),
  ),
  givenNulls(
    made(
      'array_append',
      ['anyarray', 'anyelement'],
      'anyarray',
      'With the element at the end.',
      () => (items: Items | null, item: Value) => [...(items ?? []), item],
    ),
  ),
  givenNulls(
    made(
      'array_prepend',
      ['anyelement', 'anyarray'],
      'anyarray',
      'With the element at the start.',
      () => (item: Value, items: Items | null) => [item, ...(items ?? [])],
    ),
  ),
  givenNulls(made('array_cat', ['anyarray', 'anyarray'], 'anyarray', 'Both, one after the other.', () => joinArrays)),
  givenNulls(
    made(
      'array_remove',
      ['anyarray', 'anyelement'],
      'anyarray',
      'Without the elements equal to the value.',
      (types) => {
        const same = sameBy(types[1]!);
        return (items: Items | null, drop: Value) => items?.filter((item) => !same(item, drop)) ?? null;
      },
    ),
  ),
  givenNulls(
    made(
      'array_replace',
      ['anyarray', 'anyelement', 'anyelement'],
      'anyarray',
      'Elements equal to the first value replaced by the second.',
      (types) => {
        const same = sameBy(types[1]!);
        return (items: Items | null, from: Value, to: Value) =>
          items?.map((item) => (same(item, from) ? to : item)) ?? null;
      },
    ),
  ),
  givenNulls(
    made('array_to_string', ['anyarray', 'text'], 'text', 'The texts of the elements, with a separator.', joined),
  ),
  givenNulls(
    made('array_to_string', ['anyarray', 'text', 'text'], 'text', 'As above, with a text for NULL elements.', joined),
  ),
  givenNulls(
    made(
      'string_to_array',
      ['text', 'text'],
      'text[]',
      'The parts between delimiters.',
      () => (text: string | null, delimiter: string | null) => split(text, delimiter, null),
    ),
  ),
  givenNulls(
    made(
      'string_to_array',
      ['text', 'text', 'text'],
      'text[]',
      'As above; parts equal to the third are NULL.',
      () => split,
    ),
  ),
  entry(
    'trim_array',
    ['anyarray', 'integer'],
    'anyarray',
    'Without the last n elements.',
    (items: Items, count: number) => {
      if (count < 0 || count > items.length) {
        throw new EvaluationFault(
          'array_subscript_error',
          `number of elements to trim must be between 0 and ${items.length}`,
        );
      }
      return items.slice(0, items.length - count);
    },
  ),
  entry('array_reverse', ['anyarray'], 'anyarray', 'In reverse.', (items: Items) => [...items].reverse()),
  givenNulls(made('||', ['anyarray', 'anyarray'], 'anyarray', 'Both arrays, one after the other.', () => joinArrays)),
  givenNulls(
    made(
      '||',
      ['anyarray', 'anyelement'],
      'anyarray',
      'With the element at the end.',
      () => (items: Items | null, item: Value) => [...(items ?? []), item],
    ),
  ),
  givenNulls(
    made(
      '||',
      ['anyelement', 'anyarray'],
      'anyarray',
      'With the element at the start.',
      () => (item: Value, items: Items | null) => [item, ...(items ?? [])],
    ),
  ),
  made('@>', ['anyarray', 'anyarray'], 'boolean', 'Whether the first holds every element of the second.', (types) =>
    contains(elementOf(types[0]!)),
  ),
  made('<@', ['anyarray', 'anyarray'], 'boolean', 'Whether the second holds every element of the first.', (types) => {
    const holds = contains(elementOf(types[0]!));
    return (part: Items, whole: Items) => holds(whole, part);
  }),
  made('&&', ['anyarray', 'anyarray'], 'boolean', 'Whether the two have an element in common.', (types) => {
    const compare = comparerOf(elementOf(types[0]!));
    return (a: Items, b: Items) => a.some((x) => x !== null && b.some((y) => y !== null && compare(x, y) === 0));
  }),
];

function joinArrays(left: Items | null, right: Items | null): Items | null {
  if (left === null || right === null) return left ?? right;
  checkItemCount(left.length + right.length);
  return [...left, ...right];
}
