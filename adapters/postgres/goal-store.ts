// The goal store on PostgreSQL: the port's calls, each one transaction or one statement.
import type { AuditHead } from '#core/ports/audit-log.ts';
import type { GoalStore } from '#core/ports/goal-store.ts';
import { selectHash } from './chain.ts';
import { readCircumstances } from './circumstances.ts';
import { insertConfig, readConfig, selectConfigHistory } from './config-values.ts';
import { type Database, type Scope, type Scoped, scoped } from './database.ts';
import {
  applyDeclaration,
  changeDeclarations,
  listDeclared,
  listRevisions,
  readChangedSince,
  readDeclared,
  readHeads,
  readStateAt,
  removeDeclaration,
} from './declarations.ts';
import { insertEvents, selectEvents } from './events.ts';
import { insertApproval, insertFreeze, removeFreeze, selectApprovals, selectFreezes } from './freezes.ts';
import {
  closeOperation,
  insertOperation,
  readDecidingOperations,
  selectOperation,
  selectOperations,
  selectRepeated,
} from './operations.ts';

/** The database must be migrated; it stays the caller's to close. */
export function createGoalStore(database: Database, scope: Scope = 'whole'): GoalStore {
  const of = (tenant: string): Scoped => scoped(database, scope, tenant);
  return {
    apply: (request) => applyDeclaration(of(request.tenant), request),
    remove: (request) => removeDeclaration(of(request.tenant), request),
    change: (request) => changeDeclarations(of(request.tenant), request),
    read: (tenant, kind, name) => readDeclared(of(tenant), tenant, kind, name),
    list: (tenant, kind, page) => listDeclared(of(tenant), tenant, kind, page),
    revisions: (tenant, kind, name) => listRevisions(of(tenant), tenant, kind, name),
    stateAt: (tenant, at) => readStateAt(of(tenant), tenant, at),
    snapshot: (tenant) =>
      (tenant === undefined ? database : of(tenant)).readAtOnce(async (client) => ({
        ...(await readHeadAndTime(client)),
        revisions: await readHeads(client),
        operations: await readDecidingOperations(client),
        freezes: await selectFreezes(client),
        approvals: await selectApprovals(client),
        config: await readConfig(client),
      })),
    hashAt: (sequence) => selectHash(database, sequence),
    changedSince: (tenant, sequence) => readChangedSince(of(tenant), tenant, sequence),
    circumstances: (tenant, jobs) => readCircumstances(of(tenant), tenant, jobs),
    confirmRemoved: async (tenant, kind, name, revision) => {
      await database.query(
        `UPDATE heads SET removal_confirmed = true
         WHERE tenant = $1 AND kind = $2 AND name = $3 AND revision = $4 AND deleted`,
        [tenant, kind, name, revision],
      );
    },
    freeze: (freeze) => insertFreeze(of(freeze.tenant), freeze),
    unfreeze: (lift) => removeFreeze(of(lift.tenant), lift),
    approve: (approval) => insertApproval(of(approval.tenant), approval),
    requestOperation: (request) => insertOperation(of(request.tenant), request),
    repeatedOperation: (request) => selectRepeated(of(request.tenant), request),
    readOperation: (tenant, id) => selectOperation(of(tenant), tenant, id),
    listOperations: (tenant, job) => selectOperations(of(tenant), tenant, job),
    finishOperation: (tenant, id, ending) => closeOperation(of(tenant), tenant, id, ending),
    setConfig: (request) => insertConfig(of(request.tenant), request),
    configHistory: (tenant, scope) => selectConfigHistory(of(tenant), tenant, scope),
    appendEvents: (events) => insertEvents(database, events),
    listEvents: (tenant, subject, page) => selectEvents(of(tenant), tenant, subject, page),
  };
}

async function readHeadAndTime(client: Pick<Database, 'query'>): Promise<AuditHead & { readonly at: number }> {
  const [row] = await client.query<{ sequence: string; audit_hash: string; at_ms: string }>(
    'SELECT sequence, audit_hash, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at_ms FROM chain WHERE id = 1',
  );
  return { sequence: Number(row?.sequence ?? 0), hash: row?.audit_hash ?? '', at: Number(row?.at_ms ?? 0) };
}
