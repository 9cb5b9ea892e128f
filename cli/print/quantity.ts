// Numbers as people read them: durations, ages, counts, bytes, rates.

/** `850 ms`, `12.3 s`, `4m10s`, `3h05m`, `2d04h`. */
export function showDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  const sign = ms < 0 ? '-' : '';
  const abs = Math.abs(ms);
  if (abs < 1_000) return `${sign}${Math.round(abs)} ms`;
  const seconds = Math.floor(abs / 1_000);
  if (seconds < 60) return `${sign}${(Math.floor(abs / 100) / 10).toFixed(1)} s`;
  const [unit, below, size] =
    seconds < 3_600
      ? (['m', 's', 60] as const)
      : seconds < 86_400
        ? (['h', 'm', 60] as const)
        : (['d', 'h', 24] as const);
  const inSmaller = unit === 'm' ? seconds : unit === 'h' ? Math.floor(seconds / 60) : Math.floor(seconds / 3_600);
  return `${sign}${Math.floor(inSmaller / size)}${unit}${String(inSmaller % size).padStart(2, '0')}${below}`;
}

/** How long ago, for tables: `12s`, `4m`, `3h`, `2d`. */
export function showAge(at: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - at) / 1_000));
  if (!Number.isFinite(seconds)) return '-';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

export const showCount = (count: number | null): string => (count === null ? '-' : count.toLocaleString('en-US'));

export function showBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  let index = 0;
  while (Math.abs(bytes) >= 1024 && index < units.length - 1) {
    bytes /= 1024;
    index++;
  }
  return `${index === 0 ? bytes : bytes.toFixed(1)} ${units[index]}`;
}

/** Records a second: `0`, `3.2`, `1,250`. */
export const showRate = (perSecond: number): string =>
  perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : showCount(Math.round(perSecond));

/** `1 job`, `2 jobs`. */
export const plural = (count: number, noun: string): string => `${showCount(count)} ${noun}${count === 1 ? '' : 's'}`;
