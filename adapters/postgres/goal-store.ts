// The goal store on PostgreSQL: the port's calls, each one transaction or one statement.
import type { GoalStore } from '#core/ports/goal-store.ts';
import type { Database } from './database.ts';
import {
  applyDeclaration,
  changeDeclarations,
  listDeclared,
  listRevisions,
  readChangedSince,
  readDeclared,
  readHeads,
  removeDeclaration,
} from './declarations.ts';
import { insertEvents, selectEvents } from './events.ts';
import {
  closeOperation,
  insertOperation,
  readDecidingOperations,
  selectOperation,
  selectOperations,
  selectRepeated,
} from './operations.ts';

/** The database must be migrated; it stays the caller's to close. */
export function createGoalStore(database: Database): GoalStore {
  return {
    apply: (request) => applyDeclaration(database, request),
    remove: (request) => removeDeclaration(database, request),
    change: (request) => changeDeclarations(database, request),
    read: (tenant, kind, name) => readDeclared(database, tenant, kind, name),
    list: (tenant, kind, page) => listDeclared(database, tenant, kind, page),
    revisions: (tenant, kind, name) => listRevisions(database, tenant, kind, name),
    snapshot: () =>
      database.readAtOnce(async (client) => ({
        sequence: await readSequence(client),
        revisions: await readHeads(client),
        operations: await readDecidingOperations(client),
      })),
    changedSince: (tenant, sequence) =>
      database.readAtOnce(async (client) => ({
        sequence: await readSequence(client),
        revisions: await readChangedSince(client, tenant, sequence),
      })),
    confirmRemoved: async (tenant, kind, name, revision) => {
      await database.query(
        `UPDATE heads SET removal_confirmed = true
         WHERE tenant = $1 AND kind = $2 AND name = $3 AND revision = $4 AND deleted`,
        [tenant, kind, name, revision],
      );
    },
    requestOperation: (request) => insertOperation(database, request),
    repeatedOperation: (request) => selectRepeated(database, request),
    readOperation: (tenant, id) => selectOperation(database, tenant, id),
    listOperations: (tenant, job) => selectOperations(database, tenant, job),
    finishOperation: (tenant, id, ending) => closeOperation(database, tenant, id, ending),
    appendEvents: (events) => insertEvents(database, events),
    listEvents: (tenant, subject, page) => selectEvents(database, tenant, subject, page),
  };
}

async function readSequence(client: Pick<Database, 'query'>): Promise<number> {
  const [row] = await client.query<{ sequence: string }>('SELECT sequence FROM chain WHERE id = 1');
  return Number(row?.sequence ?? 0);
}
