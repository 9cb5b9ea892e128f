// Any Avro schema with a value of it: as another implementation takes it, and as the JSON that ours should give.
import fc from 'fast-check';
import { formatReal } from '#core/expression/values/float.ts';

export interface AnyAvro {
  readonly schema: unknown;
  /** For avsc, unions wrapped. */
  readonly value: unknown;
  readonly json: unknown;
}

const named = (): (() => string) => {
  let count = 0;
  return () => `T${count++}`;
};

/** Names are given when a schema is made, so that none occurs twice. */
type Made = (name: () => string) => AnyAvro;

const constant =
  (schema: unknown, value: unknown, json: unknown = value): Made =>
  () => ({ schema, value, json });

/** Up to 52 bits: avsc counts in doubles. */
const long = fc.oneof(
  fc.maxSafeInteger().map((value) => Math.trunc(value / 2)),
  fc.integer(),
  fc.integer({ min: -100, max: 100 }),
);
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.constantFrom('', '"', '\\', '\u0000\n\u001f'));
const fieldName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/).filter((name) => name !== '__proto__');
const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array));
const finite = fc.double({ noDefaultInfinity: true, noNaN: true });

const scalar: fc.Arbitrary<Made> = fc.oneof(
  fc.constant(constant('null', null)),
  fc.boolean().map((value) => constant('boolean', value)),
  fc.integer().map((value) => constant('int', value)),
  long.map((value) => constant('long', value)),
  fc
    .float({ noDefaultInfinity: true, noNaN: true })
    .map((value) => constant('float', value, Number(formatReal(value)))),
  finite.map((value) => constant('double', value)),
  text.map((value) => constant('string', value)),
  bytes.map((value) => constant('bytes', value, value.toString('base64'))),
  bytes.map(
    (value): Made =>
      (name) => ({
        schema: { type: 'fixed', name: name(), size: value.length },
        value,
        json: value.toString('base64'),
      }),
  ),
  fc.nat(2).map(
    (index): Made =>
      (name) => ({
        schema: { type: 'enum', name: name(), symbols: ['A', 'B', 'C'] },
        value: 'ABC'[index],
        json: 'ABC'[index],
      }),
  ),
);

/** Without what JSON escapes by one backslash: JSON.parse of Node 24.21 takes the name `\"` for a backslash at times. */
const mapKey = text.filter((key) => key !== '__proto__' && !/["\\]/.test(key));

/** Items of one list have one schema: the first's. */
const listOf = (item: fc.Arbitrary<Made>): fc.Arbitrary<Made> =>
  fc.tuple(item, fc.nat(3)).map(
    ([make, count]): Made =>
      (name) => {
        const { schema, value, json } = make(name);
        return {
          schema: { type: 'array', items: schema },
          value: Array(count).fill(value),
          json: Array(count).fill(json),
        };
      },
  );

const mapOf = (item: fc.Arbitrary<Made>): fc.Arbitrary<Made> =>
  fc.tuple(item, fc.uniqueArray(mapKey, { maxLength: 3 })).map(
    ([make, keys]): Made =>
      (name) => {
        const { schema, value, json } = make(name);
        const all = (one: unknown): unknown => Object.fromEntries(keys.map((key) => [key, one]));
        return { schema: { type: 'map', values: schema }, value: all(value), json: all(json) };
      },
  );

const nullable = (item: fc.Arbitrary<Made>): fc.Arbitrary<Made> =>
  fc.tuple(item, fc.boolean(), fc.boolean()).map(
    ([make, first, holdsNull]): Made =>
      (name) => {
        const { schema, value, json } = make(name);
        if (schema === 'null') return { schema, value, json };
        const branches = first ? ['null', schema] : [schema, 'null'];
        return holdsNull
          ? { schema: branches, value: null, json: null }
          : { schema: branches, value: { [titleOf(schema)]: value }, json };
      },
  );

/** Of three types, told apart by name. */
const unionOf = (item: fc.Arbitrary<Made>): fc.Arbitrary<Made> =>
  fc.tuple(item, fc.nat(2)).map(
    ([make, place]): Made =>
      (name) => {
        const { schema, value, json } = make(name);
        const title = titleOf(schema);
        const others = ['null', 'string', 'long', 'boolean'].filter((other) => other !== title).slice(0, 2);
        const branches = [...others];
        branches.splice(place, 0, schema as string);
        if (schema === 'null') return { schema: branches, value: null, json: null };
        return { schema: branches, value: { [title]: value }, json: { [title]: json } };
      },
  );

const titleOf = (schema: unknown): string => {
  if (typeof schema === 'string') return schema;
  const { type, name } = schema as { type: string; name?: string };
  return name ?? type;
};

const recordOf = (item: fc.Arbitrary<Made>): fc.Arbitrary<Made> =>
  fc.uniqueArray(fc.tuple(fieldName, item), { maxLength: 5, selector: ([name]) => name }).map(
    (fields): Made =>
      (name) => {
        const title = name();
        const made = fields.map(([field, make]) => [field, make(name)] as const);
        return {
          schema: {
            type: 'record',
            name: title,
            fields: made.map(([field, { schema }]) => ({ name: field, type: schema })),
          },
          value: Object.fromEntries(made.map(([field, { value }]) => [field, value])),
          json: Object.fromEntries(made.map(([field, { json }]) => [field, json])),
        };
      },
  );

const { any } = fc.letrec<{ any: Made }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    nullable(scalar),
    // A union may not stand directly in a union.
    unionOf(scalar),
    listOf(tie('any')),
    mapOf(tie('any')),
    recordOf(tie('any')),
  ),
}));

export const anyAvro: fc.Arbitrary<AnyAvro> = recordOf(any).map((make) => make(named()));
