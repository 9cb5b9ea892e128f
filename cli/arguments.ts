// Option values as people type them, read once: durations, counts, times, kinds; a wrong one is told before anything happens.
import { InvalidArgumentError, Option } from 'commander';
import { didYouMean } from '#core/spec/nearest.ts';
import { parseDuration } from '#core/spec/quantity.ts';

export function readDuration(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new InvalidArgumentError(`${parsed.problem}.`);
  return parsed.value;
}

/** What a timer of this process can wait for. */
const waitDaysMax = 24;

/** A time to wait: longer than a timer can be, it would be over at once. */
export function readWait(text: string): number {
  const ms = readDuration(text);
  if (ms > waitDaysMax * 86_400_000) throw new InvalidArgumentError(`Expected at most ${waitDaysMax}d.`);
  return ms;
}

/** A duration with a default, which help shows as it would be typed. */
export const durationOption = (flags: string, description: string, byDefault: string): Option =>
  new Option(flags, description).argParser(readDuration).default(readDuration(byDefault), byDefault);

export function readCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError(`Expected a whole number of at least 1.`);
  return count;
}

/** `earliest`, `latest`, or what `readTime` reads. */
export function readPosition(text: string): string {
  if (text === 'earliest' || text === 'latest') return text;
  const time = timeOf(text);
  if (time !== null) return time;
  throw new InvalidArgumentError(`Expected earliest, latest, ${aTime}.`);
}

/** A point in time (`2026-01-31T12:00:00Z`), or a span back from now (`15m`). */
export function readTime(text: string): string {
  const time = timeOf(text);
  if (time !== null) return time;
  throw new InvalidArgumentError(`Expected ${aTime}.`);
}

const aTime = 'a time such as 2026-01-31T12:00:00Z, or a span back such as 15m';

function timeOf(text: string): string | null {
  const back = parseDuration(text);
  if (back.ok) return new Date(Math.max(0, Date.now() - back.value)).toISOString();
  const [day] = /^\d{4}-\d{2}-\d{2}/.exec(text) ?? [];
  return day === undefined || !isDay(day) || Number.isNaN(Date.parse(text)) ? null : new Date(text).toISOString();
}

/** JavaScript takes 30 February for 2 March. */
const isDay = (day: string): boolean =>
  !Number.isNaN(Date.parse(day)) && new Date(day).toISOString().slice(0, day.length) === day;

/** Repeated options gather in order. */
export const gather = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

export const kindWords = {
  streams: ['streams', 'stream', 'st'],
  routes: ['routes', 'route', 'rt'],
  jobs: ['jobs', 'job'],
} as const;
export type KindPlural = keyof typeof kindWords;

/** Any word for a kind, to the plural that the API uses. */
export function readKind(text: string): KindPlural {
  const found = (Object.keys(kindWords) as KindPlural[]).find((kind) =>
    (kindWords[kind] as readonly string[]).includes(text.toLowerCase()),
  );
  if (found) return found;
  const known = Object.values(kindWords).flat();
  throw new InvalidArgumentError(`Expected streams, routes or jobs${didYouMean(text, known)}.`);
}
