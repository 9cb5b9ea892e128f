// The goal store's own promises on PostgreSQL: append-only, audited, with an outbox, and safe against faults.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAuditLog } from '#adapters/postgres/chain.ts';
import { type Database, openDatabase } from '#adapters/postgres/database.ts';
import { createGoalStore } from '#adapters/postgres/goal-store.ts';
import { migrate, migrations } from '#adapters/postgres/migrations.ts';
import { ackOutbox, listenOutbox, takeOutbox } from '#adapters/postgres/outbox.ts';
import type { AuditLog, AuditVerdict } from '#core/ports/audit-log.ts';
import type { GoalStore } from '#core/ports/goal-store.ts';
import { aStream } from '#test/contract/goal-store.contract.ts';
import { createDatabase } from '#test/support/api-rig.ts';
import { type OwnPart, ownPostgres } from '#test/support/own-parts.ts';

/** A server of our own: these tests look at whole tables, and kill it. */
let server: OwnPart;
let database: Database;
let store: GoalStore;
let tenantCount = 0;
const newTenant = (): string => `own-${++tenantCount}`;

beforeAll(async () => {
  server = await ownPostgres();
  database = openDatabase({ url: server.address, applicationName: 'test', statementTimeoutMs: 4_000 });
  await Promise.all([migrate(database), migrate(database), migrate(database)]);
  store = createGoalStore(database);
});
afterAll(async () => {
  await database.close();
  await server[Symbol.asyncDispose]();
});

const countOf = async (table: string): Promise<number> => {
  const [row] = await database.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  return Number(row?.count);
};

/** The database as it is, with something done before each statement that stands for itself. */
function listening(before: (count: number) => Promise<unknown>): {
  readonly store: GoalStore;
  readonly audit: AuditLog;
  count: () => number;
} {
  let count = 0;
  const query: Database['query'] = async (...asked) => {
    await before(++count);
    return await database.query(...asked);
  };
  const listened: Database = { ...database, query, loosely: (work) => work({ query }) };
  return { store: createGoalStore(listened), audit: createAuditLog(listened), count: () => count };
}

describe('migrations', () => {
  test('programs that start at once apply each step once, and starting again changes nothing', async () => {
    await migrate(database);
    const rows = await database.query<{ version: number }>('SELECT version FROM schema_migrations ORDER BY version');
    expect(rows.map((row) => row.version)).toEqual(migrations.map((step) => step.version));
  });

  test('a database that is ahead of the code goes on working under it [fault 12]', async () => {
    const ahead = [
      ...migrations,
      { version: 9_999, name: 'from tomorrow', sql: 'ALTER TABLE heads ADD COLUMN tomorrow text' },
    ];
    await migrate(database, ahead);
    await migrate(database);
    expect(await store.apply(aStream(newTenant(), 'a'))).toMatchObject({ kind: 'created' });
  });

  test('a database of an earlier release is brought up in place, and that release’s programs go on working beside', async () => {
    const url = await createDatabase(server.address);
    const older = openDatabase({ url, applicationName: 'older' });
    const newer = openDatabase({ url, applicationName: 'newer' });
    const [tenant, earlier] = [newTenant(), migrations.slice(0, 4)];
    await migrate(older, earlier);
    // That release's statements: none of those for declarations has changed since its last step.
    await createGoalStore(older).apply(aStream(tenant, 'before'));
    await migrate(newer);
    await createGoalStore(older).apply(aStream(tenant, 'beside'));
    await migrate(older, earlier);
    const store = createGoalStore(newer);
    const snapshot = await store.snapshot();
    expect(snapshot.revisions.map(({ name }) => name)).toEqual(['before', 'beside']);
    expect(snapshot.config).toEqual([]);
    await Promise.all([older.close(), newer.close()]);
  });

  test('a step adds, and takes nothing away that an earlier release uses', () => {
    const contracting =
      /\b(DROP|RENAME|ALTER COLUMN|TRUNCATE|DELETE FROM)\b|ADD COLUMN [^,;]*NOT NULL(?![^,;]*DEFAULT)/i;
    const statements = migrations.map(({ version, sql }) => ({
      version,
      sql: sql.replaceAll(/CREATE TRIGGER[^;]*;/g, ''),
    }));
    expect(statements.filter(({ sql }) => contracting.test(sql)).map(({ version }) => version)).toEqual([]);
  });

  test('a step that fails leaves nothing of itself', async () => {
    const broken = [{ version: 10_000, name: 'broken', sql: 'CREATE TABLE half (x int); SELECT 1 / 0' }];
    await expect(migrate(database, broken)).rejects.toMatchObject({ code: 'postgres-refused' });
    await expect(database.query('SELECT * FROM half')).rejects.toThrow(/does not exist/);
  });
});

describe('history', () => {
  test('bears the database’s time and order, though the clock of who writes it is an hour off [fault 16]', async () => {
    const tenant = newTenant();
    const real = Date.now;
    const began = real();
    const revisions: { revision: number; at: number }[] = [];
    try {
      for (const shiftMs of [3_600_000, -3_600_000]) {
        Date.now = () => real() + shiftMs;
        const outcome = await store.apply(aStream(tenant, 'a', { shiftMs }));
        if (outcome.kind === 'created' || outcome.kind === 'changed') revisions.push(outcome.revision);
      }
    } finally {
      Date.now = real;
    }
    const [first, second] = revisions;
    expect([first!.revision, second!.revision]).toEqual([1, 2]);
    expect(second!.at).toBeGreaterThanOrEqual(first!.at);
    for (const { at } of revisions) expect(Math.abs(at - began)).toBeLessThan(600_000);
  });

  test.each(['revisions', 'audit', 'config_values'])(
    '%s is append-only, for whoever holds a connection',
    async (table) => {
      await store.apply(aStream(newTenant(), 'a'));
      const team = { scope: 'team', subject: 'playback', key: 'worker.drain', value: '5s', expiresInMs: null } as const;
      await store.setConfig({ ...team, tenant: newTenant(), author: 'ada', reason: '' });
      const before = await countOf(table);
      for (const statement of [
        `DELETE FROM ${table}`,
        `UPDATE ${table} SET author = 'eve'`,
        `TRUNCATE ${table} CASCADE`,
      ])
        await expect(database.query(statement)).rejects.toThrow(/append-only/);
      expect(await countOf(table)).toBe(before);
    },
  );

  test('the audit log holds who did what and why, and tells where it was tampered with', async () => {
    const tenant = newTenant();
    await store.apply({ ...aStream(tenant, 'a'), author: 'grace', reason: 'first' });
    await store.apply({ ...aStream(tenant, 'a', { x: 2 }), author: 'ada', reason: 'second' });
    const [entry] = await database.query<{ sequence: string; author: string; action: string; reason: string }>(
      "SELECT * FROM audit WHERE tenant = $1 AND action = 'create'",
      [tenant],
    );
    expect(entry).toMatchObject({ author: 'grace', action: 'create', subject: 'Stream/a', reason: 'first' });
    expect(await createAuditLog(database).verify()).toMatchObject({ ok: true, entries: await countOf('audit') });
    await database.query('ALTER TABLE audit DISABLE TRIGGER append_only');
    await database.query("UPDATE audit SET author = 'eve' WHERE sequence = $1", [entry?.sequence]);
    expect(await createAuditLog(database).verify()).toMatchObject({ ok: false, at: Number(entry?.sequence) });
    await database.query("UPDATE audit SET author = 'grace' WHERE sequence = $1", [entry?.sequence]);
    await database.query('ALTER TABLE audit ENABLE TRIGGER append_only');
    expect(await createAuditLog(database).verify()).toMatchObject({ ok: true });
  });

  test('the audit log is whole though a reason, an author and a subject hold half of a surrogate pair', async () => {
    const tenant = newTenant();
    const by = { tenant, author: 'ada\udc00', reason: 'x \ud800' };
    await store.apply({ ...aStream(tenant, 'a'), ...by });
    await store.freeze({ ...by, scope: 'team', name: 'a\ud83d' });
    await store.setConfig({
      ...{ ...by, scope: 'team', subject: 'a', key: 'sink.linger', value: '5ms', expiresInMs: null },
    });
    expect(await createAuditLog(database).verify()).toMatchObject({ ok: true });
    expect(await database.query('SELECT DISTINCT author, reason FROM audit WHERE tenant = $1', [tenant])).toEqual([
      { author: 'ada\ufffd', reason: 'x \ufffd' },
    ]);
  });

  test('the audit log is whole though others change something before each of its pages is read', async () => {
    const tenant = newTenant();
    for (let index = 0; index < 3; index++) await store.apply(aStream(tenant, 'a', { index }));
    let changes = 0;
    const changing = listening(async () => await store.apply(aStream(newTenant(), 'a', { changes: ++changes })));
    const entries = await countOf('audit');
    const first = await changing.audit.verify();
    // The change that came before the first statement is in it; what came later is not.
    expect(first).toMatchObject({ ok: true, entries: entries + 1, head: { sequence: entries + 1 } });
    expect(changing.count()).toBeGreaterThan(1);
    expect(await changing.audit.verify(first.ok ? first.head : undefined)).toMatchObject({ ok: true });
    expect(await createAuditLog(database).verify()).toMatchObject({ ok: true, entries: entries + changes });
  });

  test('an audit log that lacks its newest entry, or has one more than there were changes, is not whole', async () => {
    await store.apply(aStream(newTenant(), 'a'));
    const entries = await countOf('audit');
    const undone = new Error('undone');
    const verdictAfter = async (tampering: string) => {
      let verdict: AuditVerdict | null = null;
      const tampered = database.transaction(async (client) => {
        await client.query('ALTER TABLE audit DISABLE TRIGGER append_only');
        await client.query(tampering, [entries]);
        verdict = await createAuditLog(client).verify();
        throw undone;
      });
      await expect(tampered).rejects.toBe(undone);
      return verdict;
    };
    const missing = { ok: false, at: entries - 1, problem: 'entries are missing at the end' };
    expect(await verdictAfter('DELETE FROM audit WHERE sequence = $1')).toMatchObject(missing);
    const added = await verdictAfter(
      `INSERT INTO audit SELECT sequence + 1, at_ms, tenant, author, action, subject, reason, content_hash, hash, 'x'
       FROM audit WHERE sequence = $1`,
    );
    expect(added).toMatchObject({ ok: false, at: entries + 1, problem: 'there are entries after the newest change' });
  });

  test('what is unchanged leaves no revision, audit entry or outbox row', async () => {
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a'));
    const before = [await countOf('revisions'), await countOf('audit'), await countOf('outbox')];
    await store.apply(aStream(tenant, 'a'));
    await store.apply({ ...aStream(tenant, 'a', { x: 2 }), expectedRevision: 7 });
    await store.apply({ ...aStream(tenant, 'a', { x: 2 }), checkedAt: { sequence: 0, hash: '' } });
    expect([await countOf('revisions'), await countOf('audit'), await countOf('outbox')]).toEqual(before);
  });
});

describe('changes', () => {
  test('cost a look and a write; what changed since, and what else decides, is one look', async () => {
    const tenant = newTenant();
    const { store: counted, count } = listening(async () => {});
    const asked = async (work: () => Promise<unknown>): Promise<number> => {
      const before = count();
      await work();
      return count() - before;
    };
    expect(await asked(() => counted.apply(aStream(tenant, 'a')))).toBe(2);
    expect(await asked(() => counted.apply(aStream(tenant, 'a')))).toBe(1);
    expect(await asked(() => counted.changedSince(tenant, 0))).toBe(1);
    expect(await asked(() => counted.circumstances(tenant, ['a.out']))).toBe(1);
    const remove = { tenant, kind: 'Stream', name: 'a', author: 'ada', reason: '' } as const;
    expect(await asked(() => counted.remove(remove))).toBe(2);
  });

  test('that are overtaken between their look and their write leave nothing of it, and look again', async () => {
    const tenant = newTenant();
    const rows = [await countOf('revisions'), await countOf('audit'), await countOf('outbox')];
    const faster = listening(async (count) => {
      if (count === 2) await store.apply(aStream(tenant, 'a', { by: 'the faster one' }));
    });
    const outcome = await faster.store.apply(aStream(tenant, 'a', { by: 'the slower one' }));
    expect(outcome).toMatchObject({ kind: 'changed', revision: { revision: 2 } });
    const overtaken = listening(async (count) => {
      if (count === 2) await store.apply(aStream(tenant, 'b'));
    });
    const checkedAt = await store.changedSince(tenant, 0);
    expect(await overtaken.store.apply({ ...aStream(tenant, 'a', { by: 'a third' }), checkedAt })).toEqual({
      kind: 'moved',
    });
    expect((await store.revisions(tenant, 'Stream', 'a')).map(({ declared }) => declared)).toEqual([
      { by: 'the slower one' },
      { by: 'the faster one' },
    ]);
    const now = [await countOf('revisions'), await countOf('audit'), await countOf('outbox')];
    expect(now).toEqual(rows.map((count) => count + 3));
    expect(await createAuditLog(database).verify()).toMatchObject({ ok: true });
  });
});

describe('outbox', () => {
  const drain = async (): Promise<void> => {
    for (;;) {
      const rows = await takeOutbox(database, 100, 60_000);
      if (rows.length === 0) return;
      await ackOutbox(
        database,
        rows.map((row) => row.sequence),
      );
    }
  };

  test('a change can be taken once, again when it was not acknowledged in time, and never after', async () => {
    await drain();
    const tenant = newTenant();
    await store.apply(aStream(tenant, 'a'));
    await store.requestOperation({ tenant, job: 'r.out', uid: 'u', kind: 'pause', author: 'ada', reason: '' });
    const taken = await takeOutbox(database, 10, 1);
    expect(taken).toMatchObject([
      { tenant, subject: 'Stream/a' },
      { tenant, subject: 'job/r.out' },
    ]);
    await database.query('SELECT pg_sleep(0.01)');
    const again = await takeOutbox(database, 10, 60_000);
    expect(again).toEqual(taken);
    expect(await takeOutbox(database, 10, 60_000)).toEqual([]);
    await ackOutbox(
      database,
      again.map((row) => row.sequence),
    );
    await ackOutbox(
      database,
      again.map((row) => row.sequence),
    );
    expect(await countOf('outbox')).toBe(0);
  });

  test('takers that race share the rows and none gets a row that another holds', async () => {
    await drain();
    const tenant = newTenant();
    for (let index = 0; index < 20; index++) await store.apply(aStream(tenant, `s${index}`));
    const taken = await Promise.all(Array.from({ length: 5 }, () => takeOutbox(database, 7, 60_000)));
    const sequences = taken.flat().map((row) => row.sequence);
    expect(new Set(sequences).size).toBe(sequences.length);
    await ackOutbox(database, sequences);
    await drain();
  });
});

/** A place to await the next call of. */
function bell(): { ring: () => void; next: () => Promise<void>; count: () => number } {
  let count = 0;
  let wake: () => void = () => {};
  let waiting = new Promise<void>((resolve) => {
    wake = resolve;
  });
  return {
    ring: () => {
      count++;
      wake();
      waiting = new Promise((resolve) => {
        wake = resolve;
      });
    },
    next: () => waiting,
    count: () => count,
  };
}

describe('faults', () => {
  test('a statement that takes too long is the database being unavailable, and its connection is good again', async () => {
    await expect(database.query('SELECT pg_sleep(20)')).rejects.toMatchObject({ code: 'postgres-unavailable' });
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('a deadlock is retried until it is none [fault 10]', async () => {
    await database.query('CREATE TABLE IF NOT EXISTS knot (id int PRIMARY KEY, n int)');
    await database.query('INSERT INTO knot VALUES (1, 0), (2, 0) ON CONFLICT DO NOTHING');
    const both = (first: number, second: number) =>
      database.transaction(async (client) => {
        await client.query('UPDATE knot SET n = n + 1 WHERE id = $1', [first]);
        await client.query('SELECT pg_sleep(0.05)');
        await client.query('UPDATE knot SET n = n + 1 WHERE id = $1', [second]);
      });
    // Two: of more, some wait for so many retries of others that their lock's time is over.
    await Promise.all([both(1, 2), both(2, 1)]);
    expect(await database.query('SELECT n FROM knot')).toEqual([{ n: 2 }, { n: 2 }]);
  });

  test('more callers than connections wait their turn [fault 11]', async () => {
    const rows = await Promise.all(Array.from({ length: 50 }, () => database.query('SELECT pg_sleep(0.01)')));
    expect(rows).toHaveLength(50);
  });

  test('kill -9 while writing: all that was acknowledged is there, in one unbroken chain, and the listener is back', async () => {
    const nudge = bell();
    const listener = listenOutbox(server.address, nudge.ring);
    await nudge.next();
    const tenant = newTenant();
    const acknowledged: string[] = [];
    let attempts = 0;
    const writer = async (index: number): Promise<void> => {
      for (let turn = 0; turn < 200; turn++) {
        const name = `s${index}-${turn}`;
        attempts++;
        const outcome = await store.apply(aStream(tenant, name)).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(outcome).toMatchObject({ code: 'postgres-unavailable', fault: 'external', retry: 'retry' });
          return;
        }
        acknowledged.push(name);
        if (acknowledged.length === 60) await server.kill();
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => writer(index)));
    await expect(store.read(tenant, 'Stream', 's0-0')).rejects.toMatchObject({ code: 'postgres-unavailable' });
    expect(acknowledged.length).toBeLessThan(attempts);
    const heard = nudge.count();
    const reconnected = nudge.next();
    await server.start();
    await reconnected;
    expect(heard).toBeGreaterThan(0);
    const { revisions } = await store.changedSince(tenant, 0);
    const there = new Set(revisions.map((revision) => revision.name));
    expect(acknowledged.filter((name) => !there.has(name))).toEqual([]);
    expect(await createAuditLog(database).verify()).toMatchObject({ ok: true });
    const [row] = await database.query<{ lost: string }>(
      'SELECT count(*) AS lost FROM revisions r WHERE tenant = $1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.sequence = r.sequence)',
      [tenant],
    );
    expect(Number(row?.lost)).toBe(0);
    const next = nudge.next();
    await store.apply(aStream(tenant, 'after'));
    await next;
    await listener.close();
  });
});
