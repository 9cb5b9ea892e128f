// Days, times of day and points in time as ISO text and back, exact to the nanosecond; years 1 to 9999.

import { type ByteSink, ensureRoom } from '#core/expression/run/byte-sink.ts';
import { civilFromDays, daysFromCivil, daysInMonth } from '#core/expression/values/calendar.ts';
import { malformed, unfit } from '#core/formats/format-fault.ts';
import { gotText } from '#core/formats/read-json.ts';

/** 0001-01-01 and 9999-12-31. */
const dayMin = -719_162;
const dayMax = 2_932_896;

export const isDay = (days: number): boolean => days >= dayMin && days <= dayMax;

/** In units of which `perSecond` make a second, since 1970. */
export const isPointInYears = (value: number | bigint, perSecond: number): boolean =>
  value >= dayMin * 86_400 * perSecond && value < (dayMax + 1) * 86_400 * perSecond;

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

export function dayText(days: number): string {
  if (!isDay(days)) throw malformed(`day ${days} since 1970 lies outside of the years 1 to 9999`);
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

/** The day that was written last: records of a stream lie close together. */
let lastDay = Number.NaN;
const dayDigits = new Uint8Array(10);

function putTwo(bytes: Uint8Array, at: number, value: number): number {
  const tens = (value / 10) | 0;
  bytes[at] = 0x30 + tens;
  bytes[at + 1] = 0x30 + (value - tens * 10);
  return at + 2;
}

/** A point in time as a JSON string, split so that each part is exact as a number. */
export function writePoint(out: ByteSink, seconds: number, fraction: number, perSecond: number, zone: '' | 'Z'): void {
  const days = Math.floor(seconds / 86_400);
  if (days !== lastDay) {
    new TextEncoder().encodeInto(dayText(days), dayDigits);
    lastDay = days;
  }
  ensureRoom(out, 40);
  const { bytes } = out;
  let at = out.length;
  const clock = seconds - days * 86_400;
  bytes[at++] = 0x22;
  bytes.set(dayDigits, at);
  at += dayDigits.length;
  bytes[at++] = 0x54;
  at = putTwo(bytes, at, (clock / 3600) | 0);
  bytes[at++] = 0x3a;
  at = putTwo(bytes, at, ((clock / 60) | 0) % 60);
  bytes[at++] = 0x3a;
  at = putTwo(bytes, at, clock % 60);
  if (fraction !== 0) at = putFraction(bytes, at, fraction, perSecond);
  if (zone === 'Z') bytes[at++] = 0x5a;
  bytes[at++] = 0x22;
  out.length = at;
}

/** Three, six or nine digits, as many as are needed. */
function putFraction(bytes: Uint8Array, at: number, fraction: number, perSecond: number): number {
  let value = fraction;
  let digits = perSecond === 1e3 ? 3 : perSecond === 1e6 ? 6 : 9;
  for (; value % 1000 === 0; value /= 1000) digits -= 3;
  bytes[at] = 0x2e;
  for (let place = at + digits; place > at; place--) {
    const rest = Math.floor(value / 10);
    bytes[place] = 0x30 + (value - rest * 10);
    value = rest;
  }
  return at + digits + 1;
}

const clockPattern = String.raw`(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?`;
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

function readClock(what: string, hour: string, minute: string, second = '0', fraction = ''): bigint | null {
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  if (/[1-9]/.test(fraction.slice(9))) throw finer(what, 'a nanosecond');
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

const finer = (what: string, unit: string) =>
  unfit('not_exact', `${what}: the time is finer than ${unit}; use date_trunc in select`);

/** Nanoseconds since midnight; null for what is no time of day. Of `what` it is says the fault of one that is too fine. */
export function readTimeOfDay(text: string, what: string): bigint | null {
  const match = timePattern.exec(text);
  return match === null ? null : readClock(what, match[1]!, match[2]!, match[3], match[4]);
}

/** Nanoseconds since 1970; null for what is no point in time. Without a zone the text is taken for UTC. */
export function readPoint(text: string, what: string): bigint | null {
  const match = zoned.exec(text);
  if (match === null) return null;
  const day = readDay(match[1]!);
  const clock = readClock(what, match[2]!, match[3]!, match[4], match[5]);
  if (day === null || clock === null) return null;
  return BigInt(day) * 86_400_000_000_000n + clock - BigInt(zoneSeconds(match[6])) * 1_000_000_000n;
}

/** Of a point in time that no reader could tell; most often the unit is another one. */
export const beyondYears = (what: string, bytes: Uint8Array, at: number, end: number) =>
  unfit(
    'out_of_range',
    `${what || 'the value'}: ${gotText(bytes, at, end)} lies outside of the years 1 to 9999; numbers are epoch milliseconds`,
  );

/** Of an interval's text: what is read to the microsecond would be rounded. */
export const isFinerThanMicros = (text: string): boolean => /\.\d{6}\d*[1-9]/.test(text);

function zoneSeconds(zone: string | undefined): number {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0;
  const digits = zone.slice(1).replace(':', '');
  const seconds = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2) || '0') * 60;
  return zone[0] === '-' ? -seconds : seconds;
}

/** In units of which `perSecond` make a second; a time that falls between two of them is refused, not rounded. */
export function inUnits(nanos: bigint, perSecond: number, what: string): bigint {
  const unit = 1_000_000_000n / BigInt(perSecond);
  if (nanos % unit !== 0n) throw finer(what, 'the schema’s unit');
  return nanos / unit;
}

function digitsAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index++) {
    const digit = bytes[index]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * The usual form, `"2026-01-31T12:00:00.123Z"` with quotes, in units of which `perSecond` make a second; NaN for any other,
 * which is then read as text.
 */
export function readPlainPoint(bytes: Uint8Array, from: number, to: number, perSecond: number): number {
  const end = to - 2;
  const fractionDigits = end - from - 21;
  if (to - from < 22 || bytes[end] !== 0x5a || bytes[from + 11] !== 0x54) return Number.NaN;
  if (bytes[from + 5] !== 0x2d || bytes[from + 8] !== 0x2d || bytes[from + 14] !== 0x3a || bytes[from + 17] !== 0x3a)
    return Number.NaN;
  const [year, month, day] = [digitsAt(bytes, from + 1, 4), digitsAt(bytes, from + 6, 2), digitsAt(bytes, from + 9, 2)];
  const [hour, minute] = [digitsAt(bytes, from + 12, 2), digitsAt(bytes, from + 15, 2)];
  const second = digitsAt(bytes, from + 18, 2);
  const inRange =
    year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 28 && hour < 24 && minute < 60 && second < 60;
  if (!inRange) return Number.NaN;
  const whole = (daysFromCivil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * perSecond;
  if (end - from === 20) return safe(whole);
  if (bytes[from + 20] !== 0x2e || 10 ** fractionDigits > perSecond) return Number.NaN;
  return safe(whole + digitsAt(bytes, from + 21, fractionDigits) * (perSecond / 10 ** fractionDigits));
}

const safe = (value: number): number => (Number.isSafeInteger(value) ? value : Number.NaN);
