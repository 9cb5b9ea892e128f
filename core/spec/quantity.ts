// Quantities as people write them: `48h`, `512MiB`, `0.01%`; exact, and printed back the way they were meant.
import { ok, type Result, refuse } from '#core/result.ts';

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const byteUnits = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, kB: 1000, MB: 1e6, GB: 1e9 } as const;

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text);
  const unit = units[match?.[2] ?? ''];
  if (!match || unit === undefined) return null;
  const value = Number(match[1]) * unit;
  return Number.isSafeInteger(value) ? value : null;
}

const expected = (units: object): string => Object.keys(units).join(', ');

/** `90s` → 90000 (ms). */
export function parseDuration(text: string): Result<number, string> {
  const value = parseQuantity(text, durationUnits);
  return value === null
    ? refuse(
        `got ${JSON.stringify(text)}, expected a number and a unit of ${expected(durationUnits)}, such as 90s or 48h`,
      )
    : ok(value);
}

/** `512MiB` → 536870912 (bytes). */
export function parseBytes(text: string): Result<number, string> {
  const value = parseQuantity(text, byteUnits);
  return value === null
    ? refuse(`got ${JSON.stringify(text)}, expected a number and a unit of ${expected(byteUnits)}, such as 512MiB`)
    : ok(value);
}

/** `0.01%` → 0.0001: a share above 0, of 100% at most. */
export function parseShare(text: string): Result<number, string> {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  const share = match === null ? Number.NaN : Number(match[1]) / 100;
  return share > 0 && share <= 1
    ? ok(share)
    : refuse(`got ${JSON.stringify(text)}, expected a share above 0% and at most 100%, such as 0.01%`);
}

/** 90000 → `90s`; the largest unit that stays exact. */
export function formatDuration(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find(
    (name) => ms >= durationUnits[name] && ms % durationUnits[name] === 0,
  );
  return unit ? `${ms / durationUnits[unit]}${unit}` : `${ms}ms`;
}

/** 4194304 → `4MiB`; the largest unit that stays exact. */
export function formatBytes(bytes: number): string {
  const unit = (['GiB', 'MiB', 'KiB'] as const).find(
    (name) => bytes >= byteUnits[name] && bytes % byteUnits[name] === 0,
  );
  return unit ? `${bytes / byteUnits[unit]}${unit}` : `${bytes}B`;
}
