// The one order of all changes: a sequence number, an audit entry and an outbox row, in the change's own transaction.
import { createHash } from 'node:crypto';
import { canonicalJson } from '#core/hash.ts';
import { outboxChannel } from '#core/names.ts';
import type { AuditHead, AuditLog, AuditVerdict } from '#core/ports/audit-log.ts';
import type { OperationKind } from '#core/ports/goal-store.ts';
import { type Prepared, prepared, type Queryable } from './database.ts';

/** The chain's row as it was read; a change is linked to it only while it stands like that. */
export interface Chain {
  readonly sequence: number;
  readonly auditHash: string;
  /** The database's clock: the API host's plays no part in what is stored. */
  readonly at: number;
}

export interface Change {
  readonly tenant: string;
  readonly author: string;
  readonly reason: string;
  readonly action: 'create' | 'change' | 'delete' | 'freeze' | 'unfreeze' | 'approve' | 'configure' | OperationKind;
  /** `Route/plays`, `job/plays.out`. */
  readonly subject: string;
  /** What was declared or asked for; the audit keeps its hash. */
  readonly content: unknown;
}

/** Locked until the transaction ends: nobody else changes anything meanwhile. */
export async function lockChain(client: Queryable): Promise<Chain> {
  const [row] = await client.query<{ sequence: string; audit_hash: string; at_ms: string }>(
    `SELECT sequence, audit_hash, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at_ms
     FROM chain WHERE id = 1 FOR UPDATE`,
  );
  if (!row) throw chainMissing();
  return { sequence: Number(row.sequence), auditHash: row.audit_hash, at: Number(row.at_ms) };
}

export const chainMissing = (): Error =>
  new Error('the table chain has lost its row: restore the goal store from a backup');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface AuditEntry {
  readonly sequence: number;
  readonly at: number;
  readonly tenant: string;
  readonly author: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
  readonly contentHash: string;
  readonly previousHash: string;
}

const hashEntry = (entry: AuditEntry): string => sha256(canonicalJson(entry));

/** Takes the next sequence number for the change. Call it once a transaction, with the chain locked. */
export async function recordChange(client: Queryable, chain: Chain, change: Change): Promise<number> {
  const head = await linkChange(client, linkAlone, chain, change);
  if (head === null) throw new Error('the chain has moved on under its lock');
  return head.sequence;
}

/** The hash is of what is read back: half of a surrogate pair leaves as U+FFFD, so it is that already when it is hashed. */
const asStored = (change: Change): Change => ({
  ...change,
  author: change.author.toWellFormed(),
  reason: change.reason.toWellFormed(),
  subject: change.subject.toWellFormed(),
});

/**
 * Links the change to the chain by one statement: the chain's next number, the audit entry, the outbox row, the nudge, and
 * what the statement writes beside. Null, and nothing is written, where the chain is not any more as it was read.
 */
export async function linkChange(
  client: Queryable,
  statement: Prepared,
  chain: Chain,
  change: Change,
  values: readonly unknown[] = [],
): Promise<AuditHead | null> {
  const { tenant, author, action, subject, reason } = asStored(change);
  const sequence = chain.sequence + 1;
  const contentHash = sha256(canonicalJson(change.content));
  const entry = { sequence, at: chain.at, tenant, author, action, subject, reason, contentHash };
  const hash = hashEntry({ ...entry, previousHash: chain.auditHash });
  const linked = await client.query(statement, [
    ...[sequence, chain.at, tenant, author, action, subject, reason, contentHash, chain.auditHash, hash],
    ...[outboxChannel, ...values],
  ]);
  return linked.length === 0 ? null : { sequence, hash };
}

/** `beside`: further `WITH` queries that write `FROM link`; their own values begin at $12, $1 to $7 being those of the audit entry. */
export const linking = (name: string, beside: readonly string[] = []): Prepared =>
  prepared(
    name,
    `WITH ${[moveOn, audited, told, ...beside].join(', ')} SELECT pg_notify($11::text, $1::bigint::text) FROM link`,
  );

/** Whoever comes second waits for the first, and then finds another number: one row, or none. */
const moveOn = `link AS (
  UPDATE chain SET sequence = $1::bigint, audit_hash = $10::text
  WHERE id = 1 AND sequence = $1::bigint - 1 AND audit_hash = $9::text RETURNING 1)`;
const audited = `audited AS (
  INSERT INTO audit (sequence, at_ms, tenant, author, action, subject, reason, content_hash, previous_hash, hash)
  SELECT $1::bigint, $2::bigint, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text FROM link)`;
const told = `told AS (
  INSERT INTO outbox (sequence, tenant, subject, at_ms)
  SELECT $1::bigint, $3::text, $6::text, $2::bigint FROM link)`;

const linkAlone = linking('change');

export async function selectHash(on: Queryable, sequence: number): Promise<string | null> {
  const [row] = await on.query<{ hash: string }>('SELECT hash FROM audit WHERE sequence = $1', [sequence]);
  return row?.hash ?? null;
}

const auditPageEntries = 1_000;

export const createAuditLog = (database: Queryable): AuditLog => ({ verify: (known) => verifyChain(database, known) });

/** Reads up to the newest change at its beginning: what is written meanwhile is for the next time, and holds nobody up. */
async function verifyChain(on: Queryable, known?: AuditHead): Promise<AuditVerdict> {
  const { head, newest } = await readEnd(on);
  let entries = 0;
  let last: AuditHead = { sequence: 0, hash: '' };
  const broken = (at: number, problem: string): AuditVerdict => ({ ok: false, entries, at, problem });
  for (;;) {
    const rows = await on.query<Record<string, string>>(
      'SELECT * FROM audit WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3',
      [last.sequence, head.sequence, auditPageEntries],
    );
    for (const row of rows) {
      const entry = entryOf(row, last.hash);
      if (entry.sequence !== last.sequence + 1)
        return broken(entry.sequence, `entries are missing after ${last.sequence}`);
      if (hashEntry(entry) !== row['hash']) return broken(entry.sequence, 'the entry is not what was written');
      last = { sequence: entry.sequence, hash: row['hash'] ?? '' };
      if (known?.sequence === last.sequence && known.hash !== last.hash)
        return broken(last.sequence, 'the log up to here is not the one whose head is known');
      entries++;
    }
    if (rows.length < auditPageEntries) break;
  }
  if (last.hash !== head.hash || (known !== undefined && known.sequence > last.sequence))
    return broken(last.sequence, 'entries are missing at the end');
  if (newest > head.sequence) return broken(newest, 'there are entries after the newest change');
  return { ok: true, entries, head: last };
}

/** One statement: a change writes its entry and moves the head on at once, so at any one time both are as far. */
async function readEnd(on: Queryable): Promise<{ readonly head: AuditHead; readonly newest: number }> {
  const [row] = await on.query<{ sequence: string; audit_hash: string; newest: string }>(
    `SELECT sequence, audit_hash, (SELECT coalesce(max(sequence), 0) FROM audit) AS newest FROM chain WHERE id = 1`,
  );
  if (!row) throw chainMissing();
  return { head: { sequence: Number(row.sequence), hash: row.audit_hash }, newest: Number(row.newest) };
}

const entryOf = (row: Readonly<Record<string, string>>, previousHash: string): AuditEntry => ({
  sequence: Number(row['sequence']),
  at: Number(row['at_ms']),
  tenant: row['tenant'] ?? '',
  author: row['author'] ?? '',
  action: row['action'] ?? '',
  subject: row['subject'] ?? '',
  reason: row['reason'] ?? '',
  contentHash: row['content_hash'] ?? '',
  previousHash,
});
