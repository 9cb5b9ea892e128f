// Parameters that several endpoints take, each stated once.
import * as z from 'zod';
import { errorClasses } from '#core/job/error-class.ts';
import { limits } from '#core/limits.ts';
import type { DeadLetterFilter } from '#core/operations/replay.ts';
import { namePattern } from '#core/spec/declared-name.ts';
import { parseDuration } from '#core/spec/quantity.ts';

/** In the documentation a parameter is what its text stands for. */
const shownAs =
  (shown: Readonly<Record<string, unknown>>) =>
  ({ jsonSchema }: { jsonSchema: object }): void => {
    for (const key of Object.keys(jsonSchema))
      if (key !== 'description') delete (jsonSchema as Record<string, unknown>)[key];
    Object.assign(jsonSchema, shown);
  };

const nameHint = 'expected lower-case letters, digits and single hyphens between them';
const name = z.string().max(limits.nameCharsMax).regex(namePattern, nameHint);
const jobPattern = new RegExp(`^${namePattern.source.slice(1, -1)}\\.${namePattern.source.slice(1, -1)}$`);

export const named = z.strictObject({ name: name.meta({ description: 'Of the stream or route.' }) });
export const jobNamed = z.strictObject({
  name: z
    .string()
    .max(2 * limits.nameCharsMax + 1)
    .regex(jobPattern, 'expected <route>.<sink>')
    .meta({ description: 'Of the job: `<route>.<sink>`.' }),
});
export const nothing = z.strictObject({});

/** Text for a person, in one piece; PostgreSQL's text holds no NUL, and no half of a surrogate pair. */
export const reasonText = z
  .string()
  .max(limits.reasonCharsMax)
  .regex(/^[^\u0000]*$/)
  .refine((text) => text.isWellFormed(), 'got half of a surrogate pair, expected whole characters')
  .meta({ description: 'Why; kept with the change.' });

const flag = z.enum(['true', 'false']);
export const changeQuery = z.strictObject({
  reason: reasonText.optional(),
});
export const deleteQuery = changeQuery.extend({
  purge: flag.optional().meta({ description: 'Without the grace in which the deletion can be undone.' }),
});
export const applyQuery = z.strictObject({
  reason: reasonText.optional(),
  dryRun: flag.optional().meta({ description: 'Answer with the plan, and change nothing.' }),
});

/** Refused where it tells any more than that plan told: what was agreed to is what is done. */
export const planText = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'expected the hash that a plan ended with')
  .meta({ description: 'Hash of a plan: refused where that plan does not tell any more what would happen.' });

/** Of what is planned from the request alone: agreed to by the plan's hash. */
export const plannedQuery = applyQuery.extend({ plan: planText.optional() });

const limit = z
  .string()
  .regex(/^[1-9]\d{0,5}$/)
  .refine((text) => Number(text) <= limits.pageItemsMax, `expected 1 to ${limits.pageItemsMax}`)
  .meta({ override: shownAs({ type: 'integer', minimum: 1, maximum: limits.pageItemsMax }) });

const cursorCharsMax = 200;
const defaultPageItems = 50;

export const pageQuery = z.strictObject({
  limit: limit.optional(),
  cursor: z
    .string()
    .max(cursorCharsMax)
    .regex(/^[a-z0-9.-]+$/)
    .optional()
    .meta({ description: 'From the page before.' }),
});

/** Of lists that go from the newest back: the cursor counts down. */
export const historyQuery = pageQuery.extend({
  cursor: z
    .string()
    .regex(/^[0-9]{1,15}$/)
    .optional()
    .meta({ description: 'From the page before.' }),
});

export type PageQuery = z.infer<typeof pageQuery>;

export const pageOf = (query: PageQuery): { readonly limit: number; readonly cursor?: string } => ({
  limit: Number(query.limit ?? defaultPageItems),
  ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
});

/** A page of what is at hand as a whole, in order of its keys; the cursor is the last key of the page before. */
export function pageFrom<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  page: { readonly limit: number; readonly cursor?: string },
): { readonly items: readonly Item[]; readonly cursor?: string } {
  const { cursor } = page;
  const start = cursor === undefined ? 0 : items.findIndex((item) => keyOf(item) > cursor);
  const some = start < 0 ? [] : items.slice(start, start + page.limit);
  const more = start >= 0 && start + page.limit < items.length;
  return more ? { items: some, cursor: keyOf(some.at(-1)!) } : { items: some };
}

export const position = z
  .string()
  .refine((text) => readPosition(text) !== null, 'expected earliest, latest, or a time such as 2026-01-31T12:00:00Z')
  .meta({
    description: 'earliest, latest, or a time (RFC 3339).',
    override: shownAs({
      anyOf: [
        { type: 'string', enum: ['earliest', 'latest'] },
        { type: 'string', format: 'date-time' },
      ],
    }),
  });

/** A point in time; its text is what RFC 3339 says. */
export const timeText = z.iso
  .datetime({ offset: true })
  .meta({ description: 'A time (RFC 3339), such as 2026-01-31T12:00:00Z.' });

export type Position = 'earliest' | 'latest' | { readonly time: number };

export function readPosition(text: string): Position | null {
  if (text === 'earliest' || text === 'latest') return text;
  const time = z.iso.datetime({ offset: true }).safeParse(text.toUpperCase()).success ? Date.parse(text) : Number.NaN;
  return Number.isFinite(time) ? { time: Math.max(0, time) } : null;
}

export const waitMsMax = 300_000;
const timeout = z
  .string()
  .max(20)
  .regex(/^\d{1,9}(ms|s|m)$/)
  .refine(
    (text) => {
      const parsed = parseDuration(text);
      return parsed.ok && parsed.value <= waitMsMax;
    },
    `expected a duration of at most ${waitMsMax / 60_000}m, such as 10s`,
  )
  .meta({
    description: 'Ends the answer after this long, such as 10s; at most 5m.',
    override: shownAs({ type: 'string', pattern: '^([1-9][0-9]{0,4}ms|[1-9][0-9]?s|[1-5]m)$' }),
  });

/** It stands in the address, which may not be long; percent-encoded it can be twelve times its characters. */
const whereCharsMax = 4_096;

const whereParameter = z
  .string()
  .min(1)
  .max(whereCharsMax)
  .optional()
  .meta({ description: 'Only records for which this expression is true.' });

export const recordsQuery = z.strictObject({
  from: position.optional(),
  where: whereParameter,
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/)
    .optional()
    .meta({ override: shownAs({ type: 'integer', minimum: 1, maximum: 999_999_999 }) }),
  timeout: timeout.optional(),
  metadata: flag.optional().meta({ description: 'Each line a record with partition, offset, time, key and headers.' }),
  follow: flag.optional().meta({
    description: 'Go on with what arrives later, until the client leaves; with `accept: text/event-stream`, as SSE.',
  }),
});

export type RecordsQuery = z.infer<typeof recordsQuery>;

const word = z
  .string()
  .max(100)
  .regex(/^[a-z0-9_-]+$/);

/** Which of a job's dead letters are meant. */
export const deadLetterQuery = z.strictObject({
  class: z.enum(errorClasses).optional().meta({ description: 'Only those of this error class.' }),
  code: word.optional().meta({ description: 'Only those of this error code, as the summary names them.' }),
  where: whereParameter,
});

export const deadLetterFilterOf = (query: z.infer<typeof deadLetterQuery>): DeadLetterFilter => ({
  ...(query.class === undefined ? {} : { errorClass: query.class }),
  ...(query.code === undefined ? {} : { errorCode: query.code }),
  ...(query.where === undefined ? {} : { where: query.where }),
});
