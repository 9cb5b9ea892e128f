// Waits for something to come true, looking again until it does.
import { setTimeout as sleep } from 'node:timers/promises';

/** The longer it takes, the less it matters: what is looked at is often a database. */
const lookEveryMs = { first: 20, most: 200 };

/**
 * What `look` first returns that is not null. Fails, naming `what`, when it takes too long; `seen` then tells how things are,
 * for whoever reads of a failure on another machine.
 */
export async function until<Value>(
  look: () => Promise<Value | null> | Value | null,
  what: string,
  withinMs = 90_000,
  seen: () => Promise<string> | string = () => '',
): Promise<Value> {
  const start = performance.now();
  const end = start + withinMs;
  for (;;) {
    const value = await look();
    if (value !== null) return value;
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms for ${what}${await seen()}`);
    await sleep(Math.min(lookEveryMs.first + (performance.now() - start) / 20, lookEveryMs.most));
  }
}
