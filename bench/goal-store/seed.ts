// A goal store at size, put there by SQL through the store's own tables: routes with many revisions each, their streams, audit and events.
import pg from 'pg';

export interface Size {
  readonly routes: number;
  readonly revisions: number;
  /** Each is read by as many routes, and each has a stream that those write to. */
  readonly streams: number;
}

const metadata = (name: string): string =>
  `json_build_object('name', ${name}, 'owner', 'fleet', 'labels', json_build_object())`;
const routeName = `'r-' || lpad(i::text, 6, '0')`;

/** The database must be migrated. Sequences as if all routes had been changed in turn, again and again. */
export async function seedGoals(url: string, { routes, revisions, streams }: Size): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO revisions (sequence, tenant, kind, name, uid, revision, metadata, declared, author, reason, at_ms)
       SELECT i, 'default', 'Stream', 's-' || i, 'us' || i, 1, ${metadata("'s-' || i")}, '{"partitions":4}', 'ann', 'seed', i
       FROM generate_series(1, $1::int) AS i`,
      [streams],
    );
    await client.query(
      `INSERT INTO revisions (sequence, tenant, kind, name, uid, revision, metadata, declared, author, reason, at_ms)
       SELECT $3::bigint + (n - 1) * $1::bigint + i, 'default', 'Route', ${routeName}, 'ur' || i, n, ${metadata(routeName)},
         json_build_object('from', 's-' || (i % $3 + 1), 'where', 'x > ' || (n % 50), 'to',
           json_build_array(json_build_object('name', 'out', 'stream', 'o-' || (i % $3 + 1)))),
         'ann', 'revision ' || n, 1000000 + n * $1::bigint + i
       FROM generate_series(1, $2::int) AS n, generate_series(1, $1::int) AS i`,
      [routes, revisions, streams],
    );
    await client.query(
      `INSERT INTO heads (tenant, kind, name, sequence, uid, revision, deleted)
       SELECT DISTINCT ON (tenant, kind, name) tenant, kind, name, sequence, uid, revision, false FROM revisions
       ORDER BY tenant, kind, name, revision DESC`,
    );
    await client.query(
      `INSERT INTO audit (sequence, at_ms, tenant, author, action, subject, reason, content_hash, previous_hash, hash)
       SELECT sequence, at_ms, tenant, author, 'change', kind || '/' || name, reason, md5(name), md5((sequence - 1)::text), md5(sequence::text)
       FROM revisions`,
    );
    await client.query(
      `INSERT INTO events (tenant, subject, at_ms, severity, reason, message)
       SELECT 'default', 'job/' || ${routeName} || '.out', n, 'info', 'WorkerStarted', 'Worker ' || n || ' started.'
       FROM generate_series(1, 20) AS n, generate_series(1, $1::int) AS i`,
      [routes],
    );
    await client.query(
      'UPDATE chain SET sequence = newest.sequence, audit_hash = newest.hash FROM (SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1) AS newest',
    );
    await client.query('VACUUM ANALYZE');
    // A store of that age has long written out what was put into it.
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}
