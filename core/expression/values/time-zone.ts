// Offsets of time zones: PostgreSQL's abbreviations first, then IANA's names from the engine's own zone data.
import { EvaluationFault } from '../fault.ts';
import { daysFromCivil } from './calendar.ts';
import { checkTimestamp, isFiniteTimestamp } from './timestamp.ts';
import { zoneOfShortName } from './zone-abbreviations.ts';

/** Offset of a zone at an instant, both in microseconds. */
export type Zone = (utcMicros: bigint) => bigint;

const utc: Zone = () => 0n;
/** Zones are made once a name; a dynamic name cannot make more than this many. */
const zonesMax = 600;
const zones = new Map<string, Zone>();

export function zoneNamed(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = makeZone(name);
  if (zones.size < zonesMax) zones.set(name, zone);
  return zone;
}

function makeZone(name: string): Zone {
  if (name.includes('/')) return ianaZone(name, name);
  if (name.toUpperCase() === 'MSK') return moscow;
  const meaning = zoneOfShortName(name);
  if (meaning === null) throw unknownZone(name);
  if (typeof meaning === 'string') return ianaZone(meaning, name);
  const offset = BigInt(meaning) * 60_000_000n;
  return offset === 0n ? utc : () => offset;
}

/** Standard time of Moscow, which was an hour more while the country had it all year: not its summer time. */
function moscow(utcMicros: bigint): bigint {
  const hours = utcMicros >= 1_301_180_400_000_000n && utcMicros < 1_414_274_400_000_000n ? 4n : 3n;
  return hours * 3_600_000_000n;
}

function unknownZone(name: string): EvaluationFault {
  return new EvaluationFault('invalid_parameter_value', `time zone "${name.slice(0, 80)}" not recognized`);
}

function ianaZone(name: string, written: string): Zone {
  // A signed number means the opposite here than in ISO 8601 (POSIX); refuse it rather than guess.
  if (!/^[A-Za-z]/.test(name)) throw unknownZone(written);
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US-u-ca-gregory', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw unknownZone(written);
  }
  return cached((seconds) => offsetSeconds(format, seconds));
}

/** The last quarter of an hour asked for is remembered: zones change their offset only at such an edge since 1972. */
function cached(offsetAt: (utcSeconds: number) => number): Zone {
  let lastQuarter = Number.NaN;
  let lastOffset = 0n;
  return (utcMicros) => {
    const seconds = Number(utcMicros / 1_000_000n);
    const quarter = Math.floor(seconds / 900);
    if (quarter === lastQuarter && seconds > 63_072_000) return lastOffset;
    lastOffset = BigInt(offsetAt(seconds)) * 1_000_000n;
    lastQuarter = quarter;
    return lastOffset;
  };
}

/** Date holds ±8.64e12 seconds; beyond, the rule of the nearest year that it holds serves. */
const dateSecondsMax = 8.6e12;

function offsetSeconds(format: Intl.DateTimeFormat, utcSeconds: number): number {
  const seconds = Math.min(Math.max(utcSeconds, -dateSecondsMax), dateSecondsMax);
  const parts = new Map(format.formatToParts(seconds * 1000).map((part) => [part.type, part.value]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const year = parts.get('era')?.startsWith('B') ? 1 - part('year') : part('year');
  const days = daysFromCivil(year, part('month'), part('day'));
  return ((days * 24 + part('hour')) * 60 + part('minute')) * 60 + part('second') - seconds;
}

export function toLocal(utcMicros: bigint, zone: Zone): bigint {
  return isFiniteTimestamp(utcMicros) ? checkTimestamp(utcMicros + zone(utcMicros)) : utcMicros;
}

const dayMicros = 86_400_000_000n;

/** A local time that a spring change skips reads with the old offset, one that an autumn change repeats with the new. */
export function fromLocal(local: bigint, zone: Zone): bigint {
  if (!isFiniteTimestamp(local)) return local;
  const before = zone(local - dayMicros);
  const after = zone(local + dayMicros);
  if (before === after) return checkTimestamp(local - before);
  const asAfter = local - after;
  if (zone(asAfter) === after) return checkTimestamp(asAfter);
  return checkTimestamp(local - before);
}
