// What an expression's value is at run time, by type; NULL is null for every type.
import type { Interval } from './interval.ts';
import type { JsonValue } from './json-value.ts';
import type { Numeric } from './numeric.ts';

/**
 * text, uuid: string · boolean: boolean · smallint, integer, real, double precision: number · bigint: bigint · numeric: Numeric
 * timestamptz, timestamp: bigint, microseconds since 1970 · date: number, days since 1970 (±Infinity) · time: number, microseconds
 * interval: Interval · jsonb, dynamic: JsonValue · arrays: Value[]
 */
export type Value = null | string | boolean | number | bigint | Numeric | Interval | JsonValue | readonly Value[];
