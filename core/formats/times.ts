// Days, times of day and points in time as ISO text and back, exact to the nanosecond; years 1 to 9999.
import { civilFromDays, daysFromCivil, daysInMonth } from '#core/expression/values/calendar.ts';
import { malformed, unfit } from '#core/formats/format-fault.ts';

/** 0001-01-01 and 9999-12-31. */
const dayMin = -719_162;
const dayMax = 2_932_896;

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

export function dayText(days: number): string {
  if (days < dayMin || days > dayMax) throw malformed(`day ${days} since 1970 lies outside of the years 1 to 9999`);
  const { year, month, day } = civilFromDays(days);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

/** `fraction` in units of which `perSecond` make a second; trailing groups of three zeros are left out. */
function fractionText(fraction: number, perSecond: number): string {
  if (fraction === 0 || perSecond === 1) return '';
  return `.${pad(fraction, String(perSecond).length - 1).replace(/(?:000)+$/, '')}`;
}

/** Within a day, in units of which `perSecond` make a second. */
export function clockText(value: number, perSecond: number): string {
  const seconds = Math.floor(value / perSecond);
  if (value < 0 || seconds >= 86_400) throw malformed(`time of day ${value} lies outside of a day`);
  const fraction = fractionText(value - seconds * perSecond, perSecond);
  return `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}${fraction}`;
}

/** A point in time, split so that each part is exact as a number. */
export function pointText(seconds: number, fraction: number, perSecond: number, zone: '' | 'Z'): string {
  const days = Math.floor(seconds / 86_400);
  return `${dayText(days)}T${clockText(seconds - days * 86_400, 1)}${fractionText(fraction, perSecond)}${zone}`;
}

const clockPattern = String.raw`(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9})\d*)?)?`;
const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;
const timePattern = new RegExp(`^${clockPattern}$`);
const zoned = new RegExp(String.raw`^(\d{4}-\d{2}-\d{2})[T ]${clockPattern}(Z|z|[+-]\d{2}(?::?\d{2})?)?$`);

/** Days since 1970; null for what is no date. */
export function readDay(text: string): number | null {
  const match = dayPattern.exec(text);
  if (match === null) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)
    ? null
    : daysFromCivil(year, month, day);
}

function readClock(hour: string, minute: string, second = '0', fraction = ''): bigint | null {
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Nanoseconds since midnight; null for what is no time of day. */
export function readTimeOfDay(text: string): bigint | null {
  const match = timePattern.exec(text);
  return match === null ? null : readClock(match[1]!, match[2]!, match[3], match[4]);
}

/** Nanoseconds since 1970; null for what is no point in time. Without a zone the text is taken for UTC. */
export function readPoint(text: string): bigint | null {
  const match = zoned.exec(text);
  if (match === null) return null;
  const day = readDay(match[1]!);
  const clock = readClock(match[2]!, match[3]!, match[4], match[5]);
  if (day === null || clock === null) return null;
  return BigInt(day) * 86_400_000_000_000n + clock - BigInt(zoneSeconds(match[6])) * 1_000_000_000n;
}

function zoneSeconds(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const digits = zone.slice(1).replace(':', '');
  const seconds = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2) || '0') * 60;
  return zone[0] === '-' ? -seconds : seconds;
}

/** In units of which `perSecond` make a second; a time that falls between two of them is refused, not rounded. */
export function inUnits(nanos: bigint, perSecond: number, what: string): bigint {
  const unit = 1_000_000_000n / BigInt(perSecond);
  if (nanos % unit !== 0n)
    throw unfit('not_exact', `${what}: the time is finer than the schema’s unit; use date_trunc in select`);
  return nanos / unit;
}
