// Partition folders of a table: `{ts:yyyy-MM-dd}` and `{country}` become `ts_date=2026-01-31/country=US`, as Hive writes them.
import type { ScalarType } from '#core/expression/types.ts';
import { ok, type Result, refuse } from '#core/result.ts';
import { didYouMean } from '#core/spec/nearest.ts';
import type { TableColumn } from '#core/warehouse/table-columns.ts';

/** As declared: `name` null takes the one that the pattern implies. */
export interface PartitionPattern {
  readonly name: string | null;
  readonly column: string;
  readonly time: readonly TimePart[] | null;
}

/** One folder level of a table. */
export interface PartitionColumn {
  /** `<name>=<value>`; also the column's name for readers. */
  readonly name: string;
  readonly column: string;
  readonly type: ScalarType;
  readonly time: readonly TimePart[] | null;
  /** The value stands in the folder's name only, not in the files: the column itself is the partition. */
  readonly isMoved: boolean;
}

const timeFields = ['yyyy', 'MM', 'dd', 'HH', 'mm'] as const;
type TimeField = (typeof timeFields)[number];
export type TimePart = TimeField | '-' | '_' | '.';

const impliedSuffixes: Readonly<Record<TimeField, string>> = {
  yyyy: 'year',
  MM: 'month',
  dd: 'date',
  HH: 'hour',
  mm: 'minute',
};

const example = 'such as "{ts:yyyy-MM-dd}", "{country}" or "day={ts:yyyy-MM-dd}"';
const partitionName = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

export function parsePartition(text: string): Result<PartitionPattern, string> {
  const match = /^(?:([^={}]*)=)?\{([^{}:]+)(?::([^{}]*))?\}$/.exec(text);
  if (match === null) return refuse(`got ${JSON.stringify(text)}, expected one column in braces, ${example}`);
  const [, name, column = '', format] = match;
  if (name !== undefined && !partitionName.test(name))
    return refuse(
      `got the name ${JSON.stringify(name)}, expected a letter or underscore, then letters, digits, underscores`,
    );
  const time = format === undefined ? null : parseTimeFormat(format);
  if (format !== undefined && time === null)
    return refuse(
      `got the time ${JSON.stringify(format)}, expected yyyy, MM, dd, HH and mm in this order with - _ or . between them, ${example}`,
    );
  return ok({ name: name ?? null, column: column.trim(), time });
}

function parseTimeFormat(format: string): readonly TimePart[] | null {
  const parts: readonly string[] = format.match(/yyyy|MM|dd|HH|mm|[._-]/g) ?? [];
  const fields = parts.filter((part) => part.length > 1);
  // From the year down without a gap, so that folders sort as they age and no two times share one.
  const inOrder = fields.length > 0 && fields.every((field, index) => field === timeFields[index]);
  return parts.join('') === format && inOrder ? (parts as TimePart[]) : null;
}

const partitionTypes: ReadonlySet<ScalarType> = new Set([
  'text',
  'boolean',
  'smallint',
  'integer',
  'bigint',
  'date',
  'uuid',
]);

/** A pattern over the table's columns, or why there can be no such folders. */
export function resolvePartition(
  pattern: PartitionPattern,
  columns: readonly TableColumn[],
): Result<PartitionColumn, string> {
  const { column: wanted, time } = pattern;
  const column = columns.find(({ name }) => name === wanted);
  if (column === undefined) {
    const names = columns.map(({ name }) => name);
    return refuse(
      `there is no column ${JSON.stringify(wanted)} in the output${didYouMean(wanted, names)}, expected one of ${names.join(', ')}`,
    );
  }
  const type = column.type.kind === 'scalar' ? column.type.type : null;
  if (time !== null && type !== 'timestamptz' && type !== 'timestamp' && type !== 'date')
    return refuse(`column ${JSON.stringify(wanted)} is no time, expected a timestamptz, timestamp or date column`);
  if (time === null && (type === null || !partitionTypes.has(type)))
    return refuse(
      `column ${JSON.stringify(wanted)} cannot name folders as it is, expected ${[...partitionTypes].join(', ')}; of a time give the part, ${example}`,
    );
  const finest = time?.findLast((part): part is TimeField => part.length > 1);
  const name = pattern.name ?? (finest === undefined ? wanted : `${wanted}_${impliedSuffixes[finest]}`);
  if (!partitionName.test(name))
    return refuse(`${JSON.stringify(name)} cannot name folders, give a name: "day={${wanted}:…}"`);
  const isMoved = time === null && name === wanted;
  const taken = columns.find((other) => other.name.toLowerCase() === name.toLowerCase());
  if (taken !== undefined && !isMoved)
    return refuse(`the folders would be named as column ${JSON.stringify(taken.name)}, give another name: "part={…}"`);
  return ok({ name, column: wanted, type: type!, time, isMoved });
}

/** What Hive names the folder of NULL; the empty text has the same, as in Hive. */
export const nullPartition = '__HIVE_DEFAULT_PARTITION__';

/** The bytes that Hive writes as %XX in folder names, and control characters. */
const escaped = /[\u0000-\u001f"#%'*/:=?\\{[\]^\u007f]/g;

export const escapePartitionValue = (value: string): string =>
  value.replace(escaped, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);

/** `<name>=<value>`; `value` null is NULL. */
export const partitionFolder = (name: string, value: string | null): string =>
  `${name}=${value === null || value === '' ? nullPartition : escapePartitionValue(value)}`;

/** The values that a table's folder is named by, outermost first; NULL as Hive's catalogs have it, by the name of its folder. */
export const readPartitionValues = (folder: string): readonly string[] =>
  folder.split('/').map((level) => unescapePartitionValue(level.slice(level.indexOf('=') + 1)));

const unescapePartitionValue = (text: string): string =>
  text.replace(/%([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** The part of a time that a folder is named by; microseconds since 1970. */
export function formatTimePart(parts: readonly TimePart[], micros: bigint): string {
  const ms = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const date = new Date(Number(ms));
  const fields: Readonly<Record<TimeField, () => string>> = {
    yyyy: () => String(date.getUTCFullYear()).padStart(4, '0'),
    MM: () => twoDigits(date.getUTCMonth() + 1),
    dd: () => twoDigits(date.getUTCDate()),
    HH: () => twoDigits(date.getUTCHours()),
    mm: () => twoDigits(date.getUTCMinutes()),
  };
  return parts.map((part) => (part.length > 1 ? fields[part as TimeField]() : part)).join('');
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** Times outside are no times of events, and would make a folder each. */
export const partitionYears = { first: 1900, last: 2199 } as const;

export const hasTimePartition = (micros: bigint): boolean =>
  micros >= BigInt(Date.UTC(partitionYears.first, 0, 1)) * 1000n &&
  micros < BigInt(Date.UTC(partitionYears.last + 1, 0, 1)) * 1000n;
