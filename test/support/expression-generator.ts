// Random typed expressions and rows for the differential test, drawn from the function table itself.
import type { FunctionEntry } from '#core/expression/functions/entry.ts';
import { functionGroups } from '#core/expression/functions/table.ts';
import type { RowType, ScalarType } from '#core/expression/types.ts';
import type { Random } from './seeded-random.ts';

type TypeName = string;

/** Two fields of each type, so that they meet each other. */
const fieldTypes: readonly TypeName[] = [
  'text',
  'boolean',
  'smallint',
  'integer',
  'bigint',
  'numeric',
  'real',
  'double precision',
  'timestamptz',
  'timestamp',
  'date',
  'time',
  'interval',
  'uuid',
  'jsonb',
  'text[]',
  'integer[]',
];

const fieldsOf = (type: TypeName): readonly [string, string] => {
  const stem = type.replaceAll(/[^a-z]/g, '') + (type.endsWith('[]') ? 's' : '');
  return [`${stem}_a`, `${stem}_b`];
};

export const rowType: RowType = fieldTypes.flatMap((type) =>
  fieldsOf(type).map((name) => ({
    name,
    type: type.endsWith('[]')
      ? { kind: 'array' as const, element: { kind: 'scalar' as const, type: type.slice(0, -2) as ScalarType } }
      : { kind: 'scalar' as const, type: type as ScalarType },
  })),
);

/** The same row as PostgreSQL's record definition. */
export const recordDefinition = fieldTypes
  .flatMap((type) => fieldsOf(type).map((name) => `${name} ${type}`))
  .join(', ');

/** Values of each type as JSON; the edges first. */
const values: Readonly<Record<TypeName, readonly string[]>> = {
  text: [
    '""',
    '"a"',
    '"abc"',
    '"Hello World"',
    '"ÄöüßΣς"',
    '"😀x"',
    '"  pad "',
    '"12"',
    '"-3.5"',
    '"a,b,,c"',
    '"aXbXc"',
    '"%_"',
    '"true"',
    '"2024-02-29"',
    '"x\\ny"',
  ],
  boolean: ['true', 'false'],
  smallint: ['0', '1', '-1', '7', '32767', '-32768', '100'],
  integer: ['0', '1', '-1', '2', '3', '10', '42', '-7', '2147483647', '-2147483648', '1000'],
  bigint: ['0', '1', '-1', '5', '9223372036854775807', '-9223372036854775808', '4294967296', '123456789012'],
  numeric: [
    '0',
    '0.0',
    '1',
    '-1',
    '1.5',
    '-2.5',
    '0.001',
    '123.456',
    '-99999.99999',
    '1e20',
    '0.1',
    '3.14159265358979323846',
    '100.00',
    '12345678901234567890.12345',
    '1e100',
    '"NaN"',
    '"Infinity"',
    '"-Infinity"',
  ],
  real: ['0', '1', '-1.5', '0.1', '3.25', '123456.7', '1e10', '-1e-5', '"NaN"', '"-Infinity"'],
  'double precision': [
    ...['0', '1', '-1', '0.1', '2.5', '-3.75', '1e15', '1e-7', '123456789.123', '1e300', '0.5', '1.5'],
    ...['"NaN"', '"Infinity"'],
  ],
  timestamptz: [
    '"2024-02-29T12:34:56.789Z"',
    '"1970-01-01T00:00:00Z"',
    '"2000-01-01T00:00:00+02:00"',
    '"1969-12-31T23:59:59.999999Z"',
    '"2024-12-30T23:00:00Z"',
    '"0044-03-15T00:00:00Z"',
    '"2024-10-27T00:30:00Z"',
  ],
  timestamp: [
    '"2024-02-29T12:34:56.789"',
    '"1970-01-01T00:00:00"',
    '"2024-03-31T02:30:00"',
    '"1999-12-31T23:59:59.5"',
    '"2024-10-27T02:30:00"',
  ],
  date: ['"2024-02-29"', '"1970-01-01"', '"2023-12-31"', '"2021-01-03"', '"1900-01-01"'],
  time: ['"00:00:00"', '"12:34:56.789"', '"23:59:59.999999"', '"06:00:00"'],
  interval: [
    '"1 day"',
    '"1 mon"',
    '"-1 mon 3 days"',
    '"02:03:04.5"',
    '"1 year 2 mons -3 days 04:05:06"',
    '"00:00:00"',
    '"-00:00:01"',
    '"36:00:00"',
  ],
  uuid: ['"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', '"00000000-0000-0000-0000-000000000000"'],
  jsonb: [
    '{"a":1,"b":{"c":[1,2,"x"]},"d":null}',
    '[1,2,3]',
    '[]',
    '{}',
    '"text"',
    '12.50',
    'true',
    '["a","b"]',
    '{"a":"text","bb":1.10,"k":true}',
  ],
  'text[]': ['[]', '["a"]', '["a","b",null]', '["x y","",",\\""]', '["abc","abc"]'],
  'integer[]': ['[]', '[1]', '[1,2,3]', '[3,null,1]', '[42,42]'],
};

export function randomRow(random: Random): string {
  const members = fieldTypes.flatMap((type) =>
    fieldsOf(type).flatMap((name) => {
      const roll = random.next();
      if (roll < 0.06) return [];
      return [`"${name}":${roll < 0.1 ? 'null' : random.pick(values[type]!)}`];
    }),
  );
  return `{${members.join(',')}}`;
}

const units = [
  'year',
  'month',
  'day',
  'hour',
  'minute',
  'second',
  'week',
  'quarter',
  'decade',
  'century',
  'millennium',
  'milliseconds',
  'microseconds',
];
const fields = [...units, 'epoch', 'dow', 'isodow', 'doy', 'isoyear', 'nonsense'];
const zones = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Nowhere/None'],
  ...['CET', 'IST', 'EST', 'PST8PDT', 'AET'],
];
const patterns = ['a', '^a', 'b+', '[a-c]+', '(a)(b)?', 'x|y', '^$', 'o.*d', '\\d+', '(l+)o', '[^a-z]', 'X', ' '];
const likes = ['a%', '%b%', '_', '%', 'abc', 'A%', '%c', '_b_', '\\%\\_', '%l_o%'];

/** Arguments that only make sense from a list, by function name and place. */
const special: Readonly<Record<string, Readonly<Record<number, readonly string[]>>>> = {
  date_trunc: { 0: units, 2: zones },
  extract: { 0: fields },
  date_part: { 0: fields },
  timezone: { 0: zones },
  '~': { 1: patterns },
  '!~': { 1: patterns },
  '~*': { 1: patterns },
  '!~*': { 1: patterns },
  '~~': { 1: likes },
  '!~~': { 1: likes },
  '~~*': { 1: likes },
  '!~~*': { 1: likes },
  regexp_like: { 1: patterns, 2: ['i', 'g', ''] },
  regexp_replace: { 1: patterns, 2: ['-', '<\\1>', '[\\&]', ''], 3: ['g', 'i', 'gi', ''] },
  regexp_match: { 1: patterns, 2: ['i', ''] },
  regexp_count: { 1: patterns },
  substring: { 1: patterns },
  regexp_split_to_array: { 1: patterns },
  like_escape: { 1: ['x', '', 'ab'] },
  '->': { 1: ['a', 'b', 'zz'] },
  '->>': { 1: ['a', 'b', 'd'] },
  '?': { 1: ['a', 'b', 'zz'] },
};
/** Integer places that must stay small: lengths, counts, exponents. */
const smallIntegers: ReadonlySet<string> = new Set(
  'repeat lpad rpad left right substr substring split_part overlay chr round trunc << >> array_length array_upper array_lower trim_array width_bucket'.split(
    ' ',
  ),
);
const smallNumbers = ['0', '1', '2', '3', '-1', '5', '10', '65', '-3'];
/** Written as they may be, and left out: internal names, and functions whose result type differs by design. */
const left = new Set(['similar_to_escape', 'like_escape']);

const byResult = new Map<TypeName, FunctionEntry[]>();
for (const { entries } of functionGroups) {
  for (const entry of entries) {
    if (
      left.has(entry.name) ||
      isApproximate(entry) ||
      isSwapped(entry) ||
      entry.arguments.includes('dynamic') ||
      entry.result === 'dynamic'
    )
      continue;
    for (const type of resultsOf(entry)) byResult.set(type, [...(byResult.get(type) ?? []), entry]);
  }
}

/** PostgreSQL rewrites these to the operator with its sides swapped, so of two errors it meets the other first. */
function isSwapped(entry: FunctionEntry): boolean {
  const [first, second] = entry.arguments;
  if (entry.name !== '+') return false;
  return (
    (first === 'integer' && second === 'date') || (first === 'interval' && second !== 'interval') || first === 'time'
  );
}

/** Functions over doubles whose last digit depends on the C library; they are compared on their own, with a tolerance. */
export function isApproximate(entry: FunctionEntry): boolean {
  const names = ['exp', 'ln', 'log', 'log10', 'power', 'pow', '^', 'cbrt'];
  return names.includes(entry.name) && entry.arguments.includes('double precision');
}

function resultsOf(entry: FunctionEntry): readonly TypeName[] {
  return entry.result === 'anyarray' ? ['text[]', 'integer[]'] : [entry.result];
}

const literalTypes: ReadonlySet<TypeName> = new Set(['text', 'jsonb', 'text[]', 'integer[]']);

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Constants stand between these, so that PostgreSQL can be kept from folding them while it plans. */
const constantMarks = /⟦(.*?)⟧/gs;

export function withPlainConstants(expression: string): string {
  return expression.replaceAll(constantMarks, '$1');
}

/** `hide` gives its argument back, but the planner does not know. */
export function withHiddenConstants(expression: string): string {
  return expression.replaceAll(constantMarks, 'hide($1)');
}

function literal(random: Random, type: TypeName): string {
  return `⟦${literalText(random, type)}⟧`;
}

function literalText(random: Random, type: TypeName): string {
  if (random.next() < 0.06) return `NULL::${type}`;
  const json = random.pick(values[type]!);
  if (type.endsWith('[]')) {
    const items = JSON.parse(json) as (string | number | null)[];
    const texts = items.map((item) => (item === null ? 'NULL' : typeof item === 'number' ? String(item) : quote(item)));
    return `ARRAY[${texts.join(',')}]::${type}`;
  }
  if (type === 'jsonb') return `${quote(json)}::jsonb`;
  if (type === 'boolean') return json;
  const text = json.startsWith('"') ? (JSON.parse(json) as string) : json;
  const bare = random.next() < 0.3 && literalTypes.has(type) === false && type !== 'text';
  if (bare && (type === 'integer' || type === 'numeric') && /^\d/.test(text)) return text;
  return `${quote(text)}::${type}`;
}

function leaf(random: Random, type: TypeName): string {
  return random.next() < 0.65 ? random.pick(fieldsOf(type)) : literal(random, type);
}

export function randomType(random: Random): TypeName {
  return random.pick(fieldTypes);
}

/** An expression of the type, at most `depth` calls deep. */
export function randomExpression(random: Random, type: TypeName, depth: number): string {
  if (depth <= 0) return leaf(random, type);
  const roll = random.next();
  if (roll < 0.1) return leaf(random, type);
  if (roll < 0.3) return construct(random, type, depth);
  const entries = byResult.get(type);
  return entries === undefined ? construct(random, type, depth) : callOf(random, random.pick(entries), type, depth);
}

function construct(random: Random, type: TypeName, depth: number): string {
  const of = (wanted: TypeName): string => randomExpression(random, wanted, depth - 1);
  const shapes: readonly (() => string)[] = [
    () => `CASE WHEN ${of('boolean')} THEN ${of(type)} ELSE ${of(type)} END`,
    () => `coalesce(${of(type)}, ${of(type)})`,
    () => `nullif(${of(type)}, ${of(type)})`,
    ...(type === 'jsonb' ? [] : [() => `${random.pick(['greatest', 'least'])}(${of(type)}, ${of(type)})`]),
    ...castsTo(type).map((from) => () => `(${of(from)})::${type}`),
    ...(type === 'boolean' ? logicShapes(random, of) : []),
    ...(type === 'text' ? [() => `(${of('text[]')})[${random.pick(['1', '2', '0', 'smallint_a'])}]`] : []),
    ...(type === 'integer' ? [() => `(${of('integer[]')})[1]`] : []),
    ...(type === 'numeric' ? [() => `(${of('numeric')})::numeric(12,2)`] : []),
  ];
  return random.pick(shapes)();
}

function logicShapes(random: Random, of: (type: TypeName) => string): readonly (() => string)[] {
  const some = (): TypeName => random.pick(fieldTypes);
  return [
    () => `(${of('boolean')} AND ${of('boolean')})`,
    () => `(${of('boolean')} OR ${of('boolean')})`,
    () => `(NOT ${of('boolean')})`,
    () => `(${of(some())} IS ${random.pick(['NULL', 'NOT NULL'])})`,
    () => `(${of('boolean')} IS ${random.pick(['TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE', 'UNKNOWN', 'NOT UNKNOWN'])})`,
    () => {
      const type = some();
      return `(${of(type)} IS ${random.pick(['', 'NOT '])}DISTINCT FROM ${of(type)})`;
    },
    () => {
      const type = some();
      return `(${of(type)} ${random.pick(['', 'NOT '])}IN (${of(type)}, ${of(type)}, ${of(type)}))`;
    },
    () => {
      const type = some();
      return `(${of(type)} ${random.pick(['', 'NOT '])}BETWEEN ${random.pick(['', 'SYMMETRIC '])}${of(type)} AND ${of(type)})`;
    },
    () => {
      const type = random.pick(['text', 'integer']);
      return `(${of(type)} ${random.pick(['=', '<>', '<', '>='])} ${random.pick(['ANY', 'ALL'])} (${of(`${type}[]`)}))`;
    },
  ];
}

const numbers: readonly TypeName[] = ['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'];

function castsTo(type: TypeName): readonly TypeName[] {
  if (numbers.includes(type)) return [...numbers, 'jsonb', 'text'];
  if (type === 'text') return fieldTypes;
  if (type === 'boolean') return ['integer', 'text', 'jsonb'];
  if (type === 'date' || type === 'timestamp' || type === 'timestamptz')
    return ['date', 'timestamp', 'timestamptz', 'text'];
  if (type === 'interval') return ['time', 'text'];
  if (type === 'time') return ['timestamp', 'timestamptz', 'interval'];
  if (type === 'text[]') return ['integer[]'];
  return [];
}

const infix = /^[^a-z_]+$/;

function callOf(random: Random, entry: FunctionEntry, type: TypeName, depth: number): string {
  const element = type.endsWith('[]') ? type.slice(0, -2) : random.pick(['text', 'integer']);
  const args = spread(random, entry.arguments).map((parameter, place) =>
    argument(random, entry.name, place, parameter, element, depth),
  );
  if (infix.test(entry.name))
    return args.length === 1 ? `(${entry.name} ${args[0]})` : `(${args[0]} ${entry.name} ${args[1]})`;
  return entry.name === 'extract' || entry.name === 'position' || entry.name === 'overlay'
    ? `pg_catalog."${entry.name}"(${args.join(', ')})`
    : `${entry.name}(${args.join(', ')})`;
}

function spread(random: Random, parameters: readonly TypeName[]): readonly TypeName[] {
  const last = parameters.at(-1)!;
  if (!last.endsWith('...')) return parameters;
  const count = 1 + random.below(3);
  return [...parameters.slice(0, -1), ...Array.from({ length: count }, () => last.slice(0, -3))];
}

function argument(
  random: Random,
  name: string,
  place: number,
  type: TypeName,
  element: TypeName,
  depth: number,
): string {
  const list = type === 'text' ? special[name]?.[place] : undefined;
  if (list !== undefined) return quote(random.pick(list));
  if (type === 'integer' && smallIntegers.has(name)) return literalInteger(random);
  if ((name === 'power' || name === 'pow' || name === '^') && place === 1)
    return `${quote(random.pick(['2', '0.5', '3', '-1', '0', '1.5']))}::${type}`;
  if (name === 'exp') return `${quote(random.pick(['0', '1', '-1', '2.5', '10', '0.001', '-7.25']))}::${type}`;
  const concrete =
    type === 'any'
      ? random.pick(fieldTypes)
      : type === 'anynonarray'
        ? random.pick(fieldTypes.slice(0, -2))
        : type === 'anyarray'
          ? `${element}[]`
          : type === 'anyelement'
            ? element
            : type;
  return randomExpression(random, concrete, depth - 1);
}

function literalInteger(random: Random): string {
  const text = random.pick(smallNumbers);
  return text.startsWith('-') ? `⟦(${text})⟧` : `⟦${text}⟧`;
}

/** A decimal of up to 30 digits, with zeros before and behind the point now and then. */
function decimalText(random: Random): string {
  const digits = (count: number): string => Array.from({ length: count }, () => random.below(10)).join('');
  const whole = random.below(3) === 0 ? '0' : digits(1 + random.below(random.below(3) === 0 ? 30 : 8));
  const zeros = random.below(4) === 0 ? '0'.repeat(random.below(12)) : '';
  const fraction = random.below(3) === 0 ? '' : `.${zeros}${digits(1 + random.below(12))}`;
  return `${random.below(3) === 0 ? '-' : ''}${whole}${fraction}`;
}

/** Arithmetic on constants of all sizes, for the scale rules. */
export function randomNumericExpression(random: Random): string {
  const [a, b] = [`'${decimalText(random)}'::numeric`, `'${decimalText(random)}'::numeric`];
  const small = `'${random.below(9) === 0 ? '-' : ''}${random.below(60)}.${random.below(1000)}'::numeric`;
  const places = random.below(20) - 6;
  return random.pick([
    ...['/', '%', '*', '+', '-'].map((operator) => `${a} ${operator} ${b}`),
    `sqrt(abs(${a}))`,
    `exp(${small})`,
    `ln(abs(${a}))`,
    `log(abs(${a}))`,
    `log(abs(${small}), abs(${b}))`,
    `power(abs(${small}), ${random.below(40) - 10})`,
    `power(abs(${small}), '${(random.next() * 10 - 3).toFixed(random.below(6))}')`,
    `power(${small}, ${random.below(20)})`,
    `${small} ^ ${random.below(20)}.0`,
    `round(${a}, ${places})`,
    `trunc(${a}, ${places})`,
    `div(${a}, ${b})`,
    `width_bucket(${a}, ${b}, ${small}, 5)`,
    `(${a})::float8`,
    `(${a})::float4`,
    `(${a})::numeric(20,${random.below(10)})`,
    `'${decimalText(random)}e${random.below(40) - 20}'::numeric`,
    `('${decimalText(random)}'::float8)::numeric`,
    `('${decimalText(random)}'::float4)::numeric`,
    `('${decimalText(random)}'::float8)::int`,
    `(${a})::bigint`,
    `'${decimalText(random)}'::float4`,
    `'${decimalText(random)}e${random.below(600) - 300}'::float8`,
  ]);
}
