// Declarations in PostgreSQL: appended as revisions, the newest of each name reachable at once.
import { randomBytes } from 'node:crypto';
import { PlatformError } from '#core/errors.ts';
import { canonicalJson, contentHash } from '#core/hash.ts';
import { limits } from '#core/limits.ts';
import type { AuditHead } from '#core/ports/audit-log.ts';
import {
  type ApplyOutcome,
  type ApplyRequest,
  type ChangeOutcome,
  type ChangeRequest,
  type ChangesSince,
  type DeleteOutcome,
  type DeleteRequest,
  type GoalRevision,
  isExpected,
  type Page,
} from '#core/ports/goal-store.ts';
import { namePattern } from '#core/spec/declared-name.ts';
import type { Kind, Metadata } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';
import { type Chain, chainMissing, linkChange, linking, lockChain } from './chain.ts';
import { prepared, type Queryable, type Scoped } from './database.ts';
import { answerRequest, beginRequest } from './request-keys.ts';

interface RevisionRow {
  tenant: string;
  kind: Kind;
  name: string;
  uid: string;
  revision: number;
  metadata: Metadata;
  declared: Json | null;
  author: string;
  reason: string;
  at_ms: string;
  purge: boolean;
}

const columns =
  'r.tenant, r.kind, r.name, r.uid, r.revision, r.metadata, r.declared, r.author, r.reason, r.at_ms, r.purge';
const headsJoin = 'heads h JOIN revisions r ON r.sequence = h.sequence';

const toRevision = ({ at_ms, purge, ...row }: RevisionRow): GoalRevision => ({
  ...{ ...row, at: Number(at_ms) },
  ...(purge ? { purge } : {}),
});

async function readHead(on: Queryable, tenant: string, kind: Kind, name: string): Promise<GoalRevision | null> {
  const [row] = await on.query<RevisionRow>(
    `SELECT ${columns} FROM ${headsJoin} WHERE h.tenant = $1 AND h.kind = $2 AND h.name = $3`,
    [tenant, kind, name],
  );
  return row ? toRevision(row) : null;
}

export async function readDeclared(
  on: Queryable,
  tenant: string,
  kind: Kind,
  name: string,
): Promise<GoalRevision | null> {
  const head = await readHead(on, tenant, kind, name);
  return head && head.declared !== null ? head : null;
}

/** Names reach topics, keys and file names: what the API refuses is refused here too. */
function requireName(name: string): void {
  if (name.length <= limits.nameCharsMax && namePattern.test(name)) return;
  throw new PlatformError(
    'name-invalid',
    `got the name ${JSON.stringify(name.slice(0, 100))}, expected lower-case letters, digits and single hyphens, at most ${limits.nameCharsMax}`,
    { fault: 'user', retry: 'no-retry' },
  );
}

const sameDeclaration = (head: GoalRevision, request: ApplyRequest): boolean =>
  canonicalJson([head.metadata, head.declared]) === canonicalJson([request.metadata, request.declared]);

/** What a change of one name is decided on, read at one point in time. */
interface Look {
  readonly chain: Chain;
  /** A deletion, where that is the newest of the name. */
  readonly head: GoalRevision | null;
  readonly moved: boolean;
}

/** '' of 0, as the chain's own beginning, and of a number that the store has not come to. */
const hashAt = (sequence: string): string =>
  `coalesce((SELECT there.hash FROM audit there WHERE there.sequence = ${sequence}::bigint), '')`;

const lookAt = prepared(
  'look',
  `SELECT c.sequence, c.audit_hash, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
     coalesce(${hashAt('$4')} <> $5::text, false)
       OR EXISTS (SELECT 1 FROM heads later WHERE later.tenant = $1::text AND later.sequence > $4::bigint) AS moved,
     ${columns}
   FROM chain c LEFT JOIN (${headsJoin}) ON h.tenant = $1::text AND h.kind = $2::text AND h.name = $3::text
   WHERE c.id = 1`,
);

type LookRow = RevisionRow & { sequence: string; audit_hash: string; now_ms: string; moved: boolean };

async function look(
  on: Queryable,
  { tenant, kind, name, checkedAt }: Pick<DeleteRequest, 'tenant' | 'kind' | 'name' | 'checkedAt'>,
): Promise<Look> {
  const [found] = await on.query<LookRow>(lookAt, [
    ...[tenant, kind, name],
    ...[checkedAt?.sequence ?? null, checkedAt?.hash ?? null],
  ]);
  if (!found) throw chainMissing();
  const { sequence, audit_hash, now_ms, moved, ...row } = found;
  return {
    chain: { sequence: Number(sequence), auditHash: audit_hash, at: Number(now_ms) },
    head: row.tenant === null ? null : toRevision(row),
    moved,
  };
}

export async function applyDeclaration(database: Scoped, request: ApplyRequest): Promise<ApplyOutcome> {
  const { kind, metadata, declared } = request;
  requireName(metadata.name);
  const seen = { ...request, name: metadata.name };
  return await change(database, request, {
    facts: ['apply', kind, metadata, declared, request.expectedRevision ?? null],
    attempt: async (client) => await applyTo(client, request, await look(client, seen)),
  });
}

export async function removeDeclaration(database: Scoped, request: DeleteRequest): Promise<DeleteOutcome> {
  return await change(database, request, {
    facts: removalFacts(request),
    attempt: async (client) => await removeFrom(client, request, await look(client, request)),
  });
}

interface Attempt<Result extends Outcome> {
  /** Of the request: what makes it another under the same idempotency key. */
  readonly facts: readonly unknown[];
  /** Null, and nothing is written, where somebody has changed something meanwhile. */
  readonly attempt: (client: Queryable) => Promise<Result | null>;
}

/** Looks and writes without holding anybody up; where somebody was faster, again with the chain locked. */
async function change<Result extends Outcome>(
  database: Scoped,
  request: Pick<ApplyRequest, 'tenant' | 'idempotencyKey'>,
  { facts, attempt }: Attempt<Result>,
): Promise<Result | { kind: 'key-reused' }> {
  const outcome = request.idempotencyKey === undefined ? await database.loosely(attempt) : null;
  if (outcome !== null) return outcome;
  return await database.transaction((client) =>
    once(client, request, facts, async () => {
      const locked = await attempt(client);
      if (locked === null) throw new Error('the chain has moved on under its lock');
      return locked;
    }),
  );
}

async function applyTo(client: Queryable, request: ApplyRequest, seen: Look): Promise<ApplyOutcome | null> {
  const { tenant, kind, metadata, declared, author, reason } = request;
  const { head: newest, chain } = seen;
  const current = newest && newest.declared !== null ? newest : null;
  const currentRevision = current?.revision ?? 0;
  if (!isExpected(request.expectedRevision, currentRevision)) return { kind: 'conflict', currentRevision };
  if (current && sameDeclaration(current, request)) return { kind: 'unchanged', revision: current };
  if (seen.moved) return { kind: 'moved' };
  const uid = current?.uid ?? newUid();
  const revision: GoalRevision = {
    ...{ tenant, kind, name: metadata.name, uid, revision: (newest?.revision ?? 0) + 1 },
    ...{ metadata, declared, author, reason, at: chain.at },
  };
  const head = await append(client, chain, revision, current ? 'change' : 'create');
  if (head === null) return null;
  const done = { kind: current ? 'changed' : 'created', revision } as const;
  // Under a key the outcome may be of an earlier call.
  return request.idempotencyKey === undefined ? { ...done, head } : done;
}

async function removeFrom(
  client: Queryable,
  { tenant, kind, name, author, reason, expectedRevision, purge }: DeleteRequest,
  { head: newest, moved, chain }: Look,
): Promise<DeleteOutcome | null> {
  const current = newest && newest.declared !== null ? newest : null;
  const currentRevision = current?.revision ?? 0;
  if (!isExpected(expectedRevision, currentRevision)) return { kind: 'conflict', currentRevision };
  if (!current) return { kind: 'absent' };
  if (moved) return { kind: 'moved' };
  const revision: GoalRevision = {
    ...{ tenant, kind, name, uid: current.uid, revision: current.revision + 1 },
    ...{ metadata: current.metadata, declared: null, author, reason, at: chain.at },
    ...(purge ? { purge: true } : {}),
  };
  return (await append(client, chain, revision, 'delete')) === null ? null : { kind: 'deleted', revision };
}

export async function changeDeclarations(database: Scoped, request: ChangeRequest): Promise<ChangeOutcome> {
  const { tenant, applies, removes, author, reason } = request;
  for (const { metadata } of applies) requireName(metadata.name);
  const facts = ['change', applies.map(({ kind, metadata, declared }) => [kind, metadata, declared]), removes];
  return await database.transaction((client) =>
    once(client, request, facts, async () => {
      if (await hasMoved(client, tenant, request.checkedAt)) return { kind: 'moved' };
      const revisions: GoalRevision[] = [];
      for (const { kind, metadata, declared, revive } of applies) {
        const head = await readHead(client, tenant, kind, metadata.name);
        const current = head && head.declared !== null ? head : null;
        if (current && canonicalJson([current.metadata, current.declared]) === canonicalJson([metadata, declared]))
          continue;
        const kept = revive && !current && (await isKept(client, tenant, kind, metadata.name)) ? head : current;
        const uid = kept?.uid ?? newUid();
        // Each link of the chain is read anew: the one before has moved it on.
        const chain = await lockChain(client);
        const revision: GoalRevision = {
          ...{ tenant, kind, name: metadata.name, uid, revision: (head?.revision ?? 0) + 1 },
          ...{ metadata, declared, author, reason, at: chain.at },
        };
        await appendLocked(client, chain, revision, current ? 'change' : 'create');
        revisions.push(revision);
      }
      for (const { kind, name } of removes) {
        const current = await readDeclared(client, tenant, kind, name);
        if (!current) continue;
        const chain = await lockChain(client);
        const revision = { ...current, revision: current.revision + 1, declared: null, author, reason, at: chain.at };
        await appendLocked(client, chain, revision, 'delete');
        revisions.push(revision);
      }
      return { kind: 'changed', revisions };
    }),
  );
}

/** Deleted, and not all that it left is certain to be gone. */
async function isKept(client: Queryable, tenant: string, kind: Kind, name: string): Promise<boolean> {
  const [row] = await client.query(
    'SELECT 1 FROM heads WHERE tenant = $1 AND kind = $2 AND name = $3 AND deleted AND NOT removal_confirmed',
    [tenant, kind, name],
  );
  return row !== undefined;
}

const newUid = (): string => randomBytes(8).toString('hex');

const removalFacts = ({ kind, name, expectedRevision, purge }: DeleteRequest): readonly unknown[] => [
  ...['remove', kind, name, expectedRevision ?? null],
  ...(purge ? ['purge'] : []),
];

type Outcome = ApplyOutcome | DeleteOutcome | ChangeOutcome;

/** Locks the chain, then does the work; under an idempotency key, only the first time. */
async function once<Result extends Outcome>(
  client: Queryable,
  request: Pick<ApplyRequest | ChangeRequest, 'tenant' | 'idempotencyKey'>,
  facts: readonly unknown[],
  work: () => Promise<Result>,
): Promise<Result | { kind: 'key-reused' }> {
  await lockChain(client);
  const { tenant, idempotencyKey: key } = request;
  if (key === undefined) return await work();
  const begun = await beginRequest(client, tenant, key, contentHash(facts));
  if (begun.kind === 'answered') return await recall<Result>(client, begun.answer);
  if (begun.kind !== 'begun') return { kind: 'key-reused' };
  const outcome = await work();
  if (outcome.kind === 'moved')
    await client.query('DELETE FROM request_keys WHERE tenant = $1 AND key = $2', [tenant, key]);
  else await answerRequest(client, tenant, key, remembered(outcome));
  return outcome;
}

type Place = readonly [tenant: string, kind: Kind, name: string, revision: number];

const placeOf = ({ tenant, kind, name, revision }: GoalRevision): Place => [tenant, kind, name, revision];

const remembered = (outcome: Outcome): Json => {
  if ('revisions' in outcome) return { kind: outcome.kind, all: outcome.revisions.map(placeOf) };
  return 'revision' in outcome ? { kind: outcome.kind, of: placeOf(outcome.revision) } : { ...outcome };
};

/** The answer was written by `remembered`, for a request with the same fingerprint: so it is of the same type. */
async function recall<Result extends Outcome>(client: Queryable, answer: Json): Promise<Result> {
  const { of, all, ...outcome } = answer as unknown as { of?: Place; all?: readonly Place[] };
  if (all !== undefined) return { ...outcome, revisions: await readRevisions(client, all) } as unknown as Result;
  if (of === undefined) return outcome as unknown as Result;
  return { ...outcome, revision: (await readRevisions(client, [of]))[0]! } as unknown as Result;
}

async function readRevisions(client: Queryable, places: readonly Place[]): Promise<readonly GoalRevision[]> {
  const found: GoalRevision[] = [];
  for (const place of places) {
    const [row] = await client.query<RevisionRow>(
      `SELECT ${columns} FROM revisions r WHERE tenant = $1 AND kind = $2 AND name = $3 AND revision = $4`,
      place,
    );
    if (row) found.push(toRevision(row));
  }
  return found;
}

async function hasMoved(client: Queryable, tenant: string, checkedAt: AuditHead | undefined): Promise<boolean> {
  if (checkedAt === undefined) return false;
  const rows = await client.query(
    `SELECT 1 WHERE ${hashAt('$2')} <> $3
       OR EXISTS (SELECT 1 FROM heads WHERE heads.tenant = $1 AND heads.sequence > $2)`,
    [tenant, checkedAt.sequence, checkedAt.hash],
  );
  return rows.length > 0;
}

/** Null, and nothing is written, where the chain is not any more as it was read. */
async function append(
  client: Queryable,
  chain: Chain,
  revision: GoalRevision,
  action: 'create' | 'change' | 'delete',
): Promise<AuditHead | null> {
  const { tenant, kind, name, uid, metadata, declared, author, reason, purge } = revision;
  const change = { tenant, author, reason, action, subject: `${kind}/${name}`, content: [metadata, declared] };
  const json = [JSON.stringify(metadata), declared === null ? null : JSON.stringify(declared)];
  const values = [kind, name, uid, revision.revision, ...json, purge ?? false];
  return await linkChange(client, linkRevision, chain, change, values);
}

async function appendLocked(...given: Parameters<typeof append>): Promise<void> {
  if ((await append(...given)) === null) throw new Error('the chain has moved on under its lock');
}

const linkRevision = linking('revision', [
  `written AS (
     INSERT INTO revisions (sequence, tenant, kind, name, uid, revision, metadata, declared, author, reason, at_ms, purge)
     SELECT $1::bigint, $3::text, $12::text, $13::text, $14::text, $15::integer, $16::json, $17::json, $4::text, $7::text,
       $2::bigint, $18::boolean FROM link)`,
  `headed AS (
     INSERT INTO heads (tenant, kind, name, sequence, uid, revision, deleted)
     SELECT $3::text, $12::text, $13::text, $1::bigint, $14::text, $15::integer, $17::json IS NULL FROM link
     ON CONFLICT (tenant, kind, name) DO UPDATE SET sequence = EXCLUDED.sequence, uid = EXCLUDED.uid,
       revision = EXCLUDED.revision, deleted = EXCLUDED.deleted, removal_confirmed = false)`,
]);

/** The cursor is the last name of the page before. */
export async function listDeclared(
  on: Queryable,
  tenant: string,
  kind: Kind,
  page: { readonly cursor?: string; readonly limit: number },
): Promise<Page<GoalRevision>> {
  const rows = await on.query<RevisionRow>(
    `SELECT ${columns} FROM ${headsJoin} WHERE h.tenant = $1 AND h.kind = $2 AND NOT h.deleted AND h.name COLLATE "C" > $3
     ORDER BY h.name COLLATE "C" LIMIT $4`,
    [tenant, kind, page.cursor ?? '', page.limit + 1],
  );
  const items = rows.slice(0, page.limit).map(toRevision);
  return rows.length > page.limit ? { items, cursor: items.at(-1)!.name } : { items };
}

export async function listRevisions(
  on: Queryable,
  tenant: string,
  kind: Kind,
  name: string,
): Promise<readonly GoalRevision[]> {
  const rows = await on.query<RevisionRow>(
    `SELECT ${columns} FROM revisions r WHERE tenant = $1 AND kind = $2 AND name = $3 ORDER BY revision DESC LIMIT $4`,
    [tenant, kind, name, limits.revisionsReadMax],
  );
  return rows.map(toRevision);
}

/** All heads whose removal is not confirmed, of all tenants. */
export async function readHeads(on: Queryable): Promise<readonly GoalRevision[]> {
  const rows = await on.query<RevisionRow>(
    `SELECT ${columns} FROM ${headsJoin} WHERE NOT h.removal_confirmed ORDER BY h.sequence`,
  );
  return rows.map(toRevision);
}

export async function readStateAt(on: Queryable, tenant: string, at: number): Promise<readonly GoalRevision[]> {
  const rows = await on.query<RevisionRow>(
    `SELECT * FROM (
       SELECT DISTINCT ON (r.kind, r.name) ${columns} FROM revisions r WHERE r.tenant = $1 AND r.at_ms <= $2
       ORDER BY r.kind, r.name, r.revision DESC) AS newest
     WHERE declared IS NOT NULL ORDER BY kind, name COLLATE "C"`,
    [tenant, Math.floor(at)],
  );
  return rows.map(toRevision);
}

const changesAfter = prepared(
  'changes',
  `SELECT c.sequence, c.audit_hash, ${hashAt('$2')} AS hash_there, ${columns}
   FROM chain c LEFT JOIN (${headsJoin}) ON h.tenant = $1::text AND h.sequence > $2::bigint
   WHERE c.id = 1 ORDER BY h.sequence`,
);

type ChangedRow = RevisionRow & { sequence: string; audit_hash: string; hash_there: string };

/** One statement, so that all is of one point in time. */
export async function readChangedSince(on: Queryable, tenant: string, since: number): Promise<ChangesSince> {
  const rows = await on.query<ChangedRow>(changesAfter, [tenant, since]);
  const [first] = rows;
  if (!first) throw chainMissing();
  const { sequence, audit_hash, hash_there } = first;
  const revisions = first.tenant === null ? [] : rows.map(revisionOf);
  return { sequence: Number(sequence), hash: audit_hash, revisions, hashThere: hash_there };
}

const revisionOf = ({ sequence: _sequence, audit_hash: _hash, hash_there: _there, ...row }: ChangedRow): GoalRevision =>
  toRevision(row);
