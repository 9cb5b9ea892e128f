// JSON operators and functions, over declared jsonb and over the dynamic values of a stream without a schema.

import { EvaluationFault } from '../fault.ts';
import type { TypeName } from '../tree.ts';
import { toJsonValue } from '../values/dynamic.ts';
import {
  containsJson,
  formatJson,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  jsonNull,
  jsonTypeOf,
  sortedObject,
} from '../values/json-value.ts';
import { checkItemCount } from '../values/result-size.ts';
import { showText } from '../values/type-text.ts';
import type { Value } from '../values/value.ts';
import { entry, type FunctionEntry, givenNulls, made } from './entry.ts';

export function memberOf(json: JsonValue, name: string): JsonValue | null {
  return isJsonObject(json) ? (json.get(name) ?? null) : null;
}

/** 0-based; negative counts from the end. */
export function itemOf(json: JsonValue, index: number): JsonValue | null {
  if (isJsonArray(json)) return json.at(index) ?? null;
  // jsonb holds a bare scalar as an array of one, and lets it be seen here.
  return !isJsonObject(json) && (index === 0 || index === -1) ? json : null;
}

function follow(json: JsonValue, path: readonly (string | null)[]): JsonValue | null {
  let current: JsonValue | null = json;
  for (const step of path) {
    if (step === null || current === null) return null;
    if (isJsonArray(current)) current = /^[ \t\n\r\v\f]*[+-]?\d+$/.test(step) ? itemOf(current, Number(step)) : null;
    else current = memberOf(current, step);
  }
  return current;
}

function asText(json: JsonValue | null): string | null {
  if (json === null || json === jsonNull) return null;
  return typeof json === 'string' ? json : formatJson(json, true);
}

function hasKey(json: JsonValue, name: string): boolean {
  if (isJsonObject(json)) return json.has(name);
  if (isJsonArray(json)) return json.includes(name);
  return json === name;
}

function itemsOf(json: JsonValue): readonly JsonValue[] {
  return isJsonArray(json) ? json : [json];
}

function concatenate(left: JsonValue, right: JsonValue): JsonValue {
  if (isJsonObject(left) && isJsonObject(right)) return sortedObject([...left, ...right]);
  const [before, after] = [itemsOf(left), itemsOf(right)];
  checkItemCount(before.length + after.length);
  return [...before, ...after];
}

function notFor(json: JsonValue, what: string): EvaluationFault {
  return new EvaluationFault('invalid_parameter_value', `${what} ${jsonTypeOf(json)}`);
}

function withoutKeys(json: JsonValue, names: readonly (string | null)[]): JsonValue {
  if (isJsonObject(json)) return new Map([...json].filter(([name]) => !names.includes(name)));
  if (isJsonArray(json)) return json.filter((item) => !(typeof item === 'string' && names.includes(item)));
  throw notFor(json, 'cannot delete from');
}

function withoutItem(json: JsonValue, index: number): JsonValue {
  if (!isJsonArray(json)) throw notFor(json, 'cannot delete by integer index from');
  const at = index < 0 ? json.length + index : index;
  return json.filter((_, position) => position !== at);
}

function withoutNulls(json: JsonValue): JsonValue {
  if (isJsonArray(json)) return json.map(withoutNulls);
  if (!isJsonObject(json)) return json;
  return new Map([...json].filter(([, item]) => item !== jsonNull).map(([name, item]) => [name, withoutNulls(item)]));
}

/** A name is the text that the value would have as a JSON scalar. */
function keyText(type: TypeName, value: Exclude<Value, null>): string {
  const json = toJsonValue(type, value);
  if (isJsonArray(json) || isJsonObject(json) || type === 'jsonb') {
    throw new EvaluationFault('invalid_parameter_value', 'key value must be scalar, not array, composite, or json');
  }
  return typeof json === 'string' ? json : showText(type, value);
}

function buildObject(types: readonly TypeName[]): (...values: Value[]) => JsonObject {
  return (...values) => {
    if (values.length % 2 !== 0) {
      throw new EvaluationFault('invalid_parameter_value', 'argument list must have even number of elements');
    }
    const members: [string, JsonValue][] = [];
    for (let index = 0; index < values.length; index += 2) {
      const name = values[index]!;
      if (name === null)
        throw new EvaluationFault('invalid_parameter_value', `argument ${index + 1}: key must not be null`);
      members.push([keyText(types[index]!, name), toJsonValue(types[index + 1]!, values[index + 1]!)]);
    }
    return sortedObject(members);
  };
}

/** PostgreSQL's jsonb operators; `result` is jsonb for declared content and dynamic for undeclared. */
function operatorsOver(json: 'jsonb' | 'dynamic'): FunctionEntry[] {
  const member = 'The member of that name.';
  return [
    entry('->', [json, 'text'], json, member, memberOf),
    entry('->', [json, 'integer'], json, 'The element of that index, 0-based; negative counts from the end.', itemOf),
    entry('->>', [json, 'text'], 'text', 'The member of that name, as text.', (from: JsonValue, name: string) =>
      asText(memberOf(from, name)),
    ),
    entry('->>', [json, 'integer'], 'text', 'The element of that index, as text.', (from: JsonValue, index: number) =>
      asText(itemOf(from, index)),
    ),
    entry('#>', [json, 'text[]'], json, 'What lies at the path.', follow),
    entry(
      '#>>',
      [json, 'text[]'],
      'text',
      'What lies at the path, as text.',
      (from: JsonValue, path: readonly string[]) => asText(follow(from, path)),
    ),
    entry('?', [json, 'text'], 'boolean', 'Whether the text is a key of the object or a string of the array.', hasKey),
    entry(
      '?|',
      [json, 'text[]'],
      'boolean',
      'Whether any of the texts is.',
      (from: JsonValue, names: readonly (string | null)[]) => names.some((name) => name !== null && hasKey(from, name)),
    ),
    entry(
      '?&',
      [json, 'text[]'],
      'boolean',
      'Whether all of the texts are.',
      (from: JsonValue, names: readonly (string | null)[]) =>
        names.every((name) => name === null || hasKey(from, name)),
    ),
    entry('@>', [json, 'jsonb'], 'boolean', 'Whether the first contains the second.', containsJson),
    entry(
      '<@',
      ['jsonb', json],
      'boolean',
      'Whether the second contains the first.',
      (part: JsonValue, whole: JsonValue) => containsJson(whole, part),
    ),
    entry('jsonb_typeof', [json], 'text', 'object, array, string, number, boolean or null.', jsonTypeOf),
    entry('jsonb_array_length', [json], 'integer', 'Number of elements of a JSON array.', (from: JsonValue) => {
      if (!isJsonArray(from)) throw notFor(from, 'cannot get array length of a');
      return from.length;
    }),
  ];
}

export const jsonFunctions: readonly FunctionEntry[] = [
  ...operatorsOver('jsonb'),
  ...operatorsOver('dynamic'),
  entry('||', ['jsonb', 'jsonb'], 'jsonb', 'Objects merged (the right wins), arrays joined.', concatenate),
  entry('-', ['jsonb', 'text'], 'jsonb', 'Without the member of that name.', (from: JsonValue, name: string) =>
    withoutKeys(from, [name]),
  ),
  entry('-', ['jsonb', 'text[]'], 'jsonb', 'Without the members of those names.', withoutKeys),
  entry('-', ['jsonb', 'integer'], 'jsonb', 'Without the element of that index.', withoutItem),
  givenNulls(made('jsonb_build_object', ['any...'], 'jsonb', 'An object from names and values in turn.', buildObject)),
  givenNulls(
    made(
      'jsonb_build_array',
      ['any...'],
      'jsonb',
      'An array of the values.',
      (types) =>
        (...values: Value[]) =>
          values.map((value, index) => toJsonValue(types[index]!, value)),
    ),
  ),
  made('to_jsonb', ['any'], 'jsonb', 'The value as JSON.', (types) => (value: Value) => toJsonValue(types[0]!, value)),
  entry('jsonb_strip_nulls', ['jsonb'], 'jsonb', 'Without members that are null.', withoutNulls),
  entry(
    'jsonb_extract_path',
    ['jsonb', 'text...'],
    'jsonb',
    'What lies at the path.',
    (from: JsonValue, ...path: string[]) => follow(from, path),
  ),
  entry(
    'jsonb_extract_path_text',
    ['jsonb', 'text...'],
    'text',
    'What lies at the path, as text.',
    (from: JsonValue, ...path: string[]) => asText(follow(from, path)),
  ),
];
