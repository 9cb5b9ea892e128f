// What whole numbers of Avro may be: by their bits, and by the times that can be told where they stand for one.
import { isDay, isPointInYears } from '#core/formats/times.ts';
import type { Logical } from './schema.ts';

const bounds = {
  int: { low: -(2 ** 31), high: 2 ** 31 - 1, low64: -(2n ** 31n), high64: 2n ** 31n - 1n },
  long: { low: -(2 ** 53), high: 2 ** 53, low64: -(2n ** 63n), high64: 2n ** 63n - 1n },
} as const;

/** Numbers are whole, and bigints where a double does not hold them. */
export function fitsBits(value: number | bigint, kind: 'int' | 'long'): boolean {
  const { low, high, low64, high64 } = bounds[kind];
  return typeof value === 'number' ? value >= low && value <= high : value >= low64 && value <= high64;
}

/** Units of a second in which a logical type counts. */
export const perSecond = (logical: Logical): number =>
  logical.endsWith('millis') ? 1e3 : logical.endsWith('micros') ? 1e6 : 1e9;

/** Whether a reader can say what day, time of day or point in time it is. */
export function isTold(value: number | bigint, logical: Logical): boolean {
  if (logical === 'date') return isDay(Number(value));
  if (logical.startsWith('time-')) return value >= 0 && value < 86_400 * perSecond(logical);
  return isPointInYears(value, perSecond(logical));
}
