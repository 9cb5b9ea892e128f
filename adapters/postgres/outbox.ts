// The outbox: each change leaves a row with it; whoever delivers the nudge removes the row. At least once.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { outboxChannel } from '#core/names.ts';
import type { Queryable } from './database.ts';

export interface OutboxRow {
  readonly sequence: number;
  readonly tenant: string;
  /** `Route/plays`, `job/plays.out`. */
  readonly subject: string;
  readonly at: number;
}

/** Oldest first. Rows that are taken and not acknowledged within `leaseMs` are given out again. */
export async function takeOutbox(on: Queryable, rowsMax: number, leaseMs: number): Promise<readonly OutboxRow[]> {
  const rows = await on.query<{ sequence: string; tenant: string; subject: string; at_ms: string }>(
    `UPDATE outbox SET taken_until = clock_timestamp() + make_interval(secs => $2)
     WHERE sequence IN (SELECT sequence FROM outbox WHERE taken_until IS NULL OR taken_until < clock_timestamp()
       ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING sequence, tenant, subject, at_ms`,
    [rowsMax, leaseMs / 1_000],
  );
  return rows
    .map(({ sequence, at_ms, ...row }) => ({ ...row, sequence: Number(sequence), at: Number(at_ms) }))
    .sort((a, b) => a.sequence - b.sequence);
}

/** Call it after the nudge was delivered. */
export async function ackOutbox(on: Queryable, sequences: readonly number[]): Promise<void> {
  if (sequences.length > 0) await on.query('DELETE FROM outbox WHERE sequence = ANY($1::bigint[])', [sequences]);
}

export interface OutboxListener {
  close(): Promise<void>;
}

const reconnectMs = { first: 100, most: 5_000 };
/** A connection whose server is gone without a word is found by this. */
const probeEveryMs = 10_000;

/**
 * Calls `onNudge` after each committed change, and each time a connection is made, since changes may have been missed
 * meanwhile. A nudge says only: look at the outbox. Speed, not correctness: whoever must not miss a change also looks now and then.
 */
export function listenOutbox(url: string, onNudge: () => void): OutboxListener {
  const stopping = new AbortController();
  const done = listenForEver(url, onNudge, stopping.signal);
  return {
    close: async () => {
      stopping.abort();
      await done;
    },
  };
}

async function listenForEver(url: string, onNudge: () => void, signal: AbortSignal): Promise<void> {
  let delayMs = reconnectMs.first;
  while (!signal.aborted) {
    const connected = await listenOnce(url, onNudge, signal);
    delayMs = connected ? reconnectMs.first : Math.min(delayMs * 2, reconnectMs.most);
    await sleep(delayMs, undefined, { signal }).catch(() => {});
  }
}

/** Resolves when the connection ends: whether it ever stood. */
async function listenOnce(url: string, onNudge: () => void, signal: AbortSignal): Promise<boolean> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'millrace-outbox',
    connectionTimeoutMillis: 3_000,
    query_timeout: 5_000,
    keepAlive: true,
  });
  const over = new AbortController();
  const end = (): void => over.abort();
  client.on('error', end);
  client.on('end', end);
  client.on('notification', () => onNudge());
  signal.addEventListener('abort', end, { once: true });
  let connected = false;
  try {
    await client.connect();
    await client.query(`LISTEN ${outboxChannel}`);
    connected = true;
    onNudge();
    while (!over.signal.aborted) {
      await sleep(probeEveryMs, undefined, { signal: over.signal }).catch(() => {});
      if (!over.signal.aborted) await client.query('SELECT 1');
    }
  } catch {
    // The caller tries again; a database that is down is told of by whoever needs it.
  } finally {
    signal.removeEventListener('abort', end);
    await client.end().catch(() => {});
  }
  return connected;
}
