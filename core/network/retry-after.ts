// The header Retry-After: how long a receiver asks to be left alone, in seconds or as a date.

/** A receiver that asks for longer is asked again after this: what it says is a wish, and may be a mistake. */
export const retryAfterMsMax = 300_000;

/** Null where nothing that makes sense is said. */
export function retryAfterMs(value: string | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? '';
  const askedMs = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(askedMs) ? null : Math.min(Math.max(askedMs, 0), retryAfterMsMax);
}
