// Names of search indices with the event's date in them: `plays-{ts:yyyy.MM.dd}`.
import { ok, type Result, refuse } from '#core/result.ts';

/** Everything in UTC: an event has one index, wherever the worker runs. */
export interface IndexPattern {
  readonly prefix: string;
  /** Null for an index without a date. */
  readonly date: { readonly column: string; readonly parts: readonly DatePart[] } | null;
  readonly suffix: string;
}

type DatePart = (typeof dateFields)[number] | '.' | '-' | '_';
const dateFields = ['yyyy', 'MM', 'dd', 'HH'] as const;

const example = 'such as "plays-{ts:yyyy.MM.dd}"';
const indexCharsMax = 200;

export function parseIndexPattern(text: string): Result<IndexPattern, string> {
  const match = /^([^{}]*)(?:\{([^{}:]+)(?::([^{}]*))?\})?([^{}]*)$/.exec(text);
  if (match === null) return refuse(`got ${JSON.stringify(text)}, expected a name with at most one date, ${example}`);
  const [, prefix = '', column, format, suffix = ''] = match;
  if (column === undefined) return check({ prefix: prefix + suffix, date: null, suffix: '' }, text);
  const parts = parseDate(format ?? '');
  if (parts === null)
    return refuse(
      `got the date ${JSON.stringify(format ?? '')}, expected yyyy, MM, dd and HH with . - or _ between them, ${example}`,
    );
  return check({ prefix, date: { column: column.trim(), parts }, suffix }, text);
}

function parseDate(format: string): readonly DatePart[] | null {
  const parts: readonly string[] = format.match(/yyyy|MM|dd|HH|[._-]/g) ?? [];
  if (parts.join('') !== format || !parts.includes('yyyy')) return null;
  const fields = parts.filter((part) => part.length > 1);
  // From the year down without a gap, so that names sort as they age and no two dates share one.
  const inOrder = fields.every((field, index) => field === dateFields[index]);
  return inOrder ? (parts as DatePart[]) : null;
}

/** Selects the time that names the index, as `at`; null where the name has no date. */
export function indexTimeText(text: string): string | null {
  const pattern = parseIndexPattern(text);
  const column = pattern.ok ? pattern.value.date?.column : undefined;
  return column === undefined ? null : `"${column.replaceAll('"', '""')}" AS at`;
}

/** What OpenSearch asks of an index's name. */
function check(pattern: IndexPattern, text: string): Result<IndexPattern, string> {
  const name = indexName(pattern, 0);
  if (name === '' || name.length > indexCharsMax)
    return refuse(`got a name of ${name.length} characters, expected 1 to ${indexCharsMax}`);
  if (!/^[a-z0-9][a-z0-9._+-]*$/.test(name))
    return refuse(
      `got ${JSON.stringify(text)}, expected lower-case letters, digits and . _ - +, with a letter or digit first`,
    );
  return ok(pattern);
}

/** The index of an event of this time (epoch ms). */
export function indexName({ prefix, date, suffix }: IndexPattern, atMs: number): string {
  if (date === null) return prefix;
  const iso = new Date(atMs).toISOString();
  const fields: Readonly<Record<(typeof dateFields)[number], string>> = {
    yyyy: iso.slice(0, 4),
    MM: iso.slice(5, 7),
    dd: iso.slice(8, 10),
    HH: iso.slice(11, 13),
  };
  const text = date.parts.map((part) => (part.length === 1 ? part : fields[part as keyof typeof fields]));
  return prefix + text.join('') + suffix;
}

/** Dates beyond these are no dates of events, and would make an index each. */
export const indexYears = { first: 1970, last: 2099 } as const;

export const hasIndex = (atMs: number): boolean =>
  atMs >= Date.UTC(indexYears.first, 0, 1) && atMs < Date.UTC(indexYears.last + 1, 0, 1);
