// What people try in languages that are evaluated by the host's own: here a name is a column, and nothing of JavaScript is behind it.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { evaluateExpression, loadParser } from '#core/expression/index.ts';

beforeAll(loadParser);

const row = '{"a":{"b":1},"list":[1],"text":"x"}';
const value = (text: string): string => {
  const result = evaluateExpression(text, row, null);
  return result.ok ? result.value.json : `refused: ${result.problem.code}`;
};

/** Reading what a JavaScript object inherits, by every way to a field that there is. */
const inherited = ['constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf'].flatMap(
  (name) => [
    `"${name}"`,
    `a."${name}"`,
    `a."constructor"."${name}"`,
    `a->'${name}'`,
    `a->>'${name}'`,
    `text."${name}"`,
    `list->'${name}'`,
  ],
);

/** Calling what the host has. */
const calls = [
  '"eval"($$1$$)',
  '"Function"($$return process$$)',
  'constructor($$return process$$)',
  'a."constructor"($$x$$)',
  'process."getBuiltinModule"($$node:child_process$$)',
  'require($$node:fs$$)',
  'import($$node:fs$$)',
  '"globalThis"."process"',
  '(SELECT pg_read_file($$/etc/passwd$$))',
  'pg_read_file($$/etc/passwd$$)',
  'pg_sleep(10)',
  'lo_import($$/etc/passwd$$)',
  'dblink($$host=10.0.0.1$$, $$SELECT 1$$)',
  'current_setting($$data_directory$$)',
  'set_config($$a.b$$, $$c$$, false)',
  'query_to_xml($$SELECT 1$$, true, true, $$$$)',
];

describe('an expression', () => {
  const before = Object.getOwnPropertyNames(Object.prototype).sort();

  test.each(inherited)('%s finds no field of that name in the event', (text) => {
    expect(value(text)).toMatch(/^(null|refused: \w+)$/);
  });

  test.each(calls)('%s calls nothing', (text) => {
    expect(value(text)).toMatch(/^(null|refused: \w+)$/);
  });

  test.each(['"__proto__"', 'a."__proto__"', 'a."__proto__"."constructor"', "a->'__proto__'"])(
    '%s is no way to what all objects share',
    (text) => {
      expect(value(text)).toMatch(/^(null|refused: \w+)$/);
    },
  );

  test('an event whose keys are names of JavaScript’s own keeps them for itself', () => {
    const hostile = '{"__proto__":{"admin":true},"constructor":"c","a":{"__proto__":{"admin":true}}}';
    expect(evaluateExpression('admin', hostile, null)).toMatchObject({ ok: true, value: { json: 'null' } });
    expect(evaluateExpression('a.admin', hostile, null)).toMatchObject({ ok: true, value: { json: 'null' } });
    expect(evaluateExpression('"constructor"', hostile, null)).toMatchObject({ ok: true, value: { json: '"c"' } });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test('nothing of all this has changed what objects have in common', () => {
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(before);
  });
});
