// What happened and why, in PostgreSQL: the newest events of each subject.
import { limits } from '#core/limits.ts';
import type { Page, PlatformEvent } from '#core/ports/goal-store.ts';
import type { Json } from '#core/spec/json.ts';
import type { Queryable, Scoped } from './database.ts';

const eventsAtOnceMax = 1_000;

/** PostgreSQL's text holds no NUL. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd');

export async function insertEvents(database: Scoped, events: readonly PlatformEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += eventsAtOnceMax) {
    const some = events.slice(start, start + eventsAtOnceMax);
    await database.transaction((client) => insertEventsBy(client, some));
  }
}

/** Within a transaction of the caller's; at most eventsAtOnceMax. */
export async function insertEventsBy(client: Queryable, events: readonly PlatformEvent[]): Promise<void> {
  await client.query(
    `INSERT INTO events (tenant, subject, at_ms, severity, reason, message, evidence)
         SELECT tenant, subject, at_ms, severity, reason, message, evidence
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::json[])
           WITH ORDINALITY AS e (tenant, subject, at_ms, severity, reason, message, evidence, place) ORDER BY place`,
    [
      events.map((event) => event.tenant),
      events.map((event) => event.subject),
      events.map((event) => Math.round(event.at)),
      events.map((event) => event.severity),
      events.map((event) => event.reason),
      events.map((event) => storable(event.message)),
      events.map((event) => (event.evidence === undefined ? null : JSON.stringify(event.evidence))),
    ],
  );
  await forgetOldest(client, events);
}

/** Subjects in a fixed order: two programs that forget at the same time cannot wait for each other in a ring. */
async function forgetOldest(client: Queryable, events: readonly PlatformEvent[]): Promise<void> {
  const subjects = [...new Map(events.map((event) => [`${event.tenant} ${event.subject}`, event])).values()];
  await client.query(
    `DELETE FROM events WHERE sequence IN (
       SELECT old.sequence FROM unnest($1::text[], $2::text[]) AS s (tenant, subject)
       CROSS JOIN LATERAL (SELECT e.sequence FROM events e WHERE e.tenant = s.tenant AND e.subject = s.subject
         ORDER BY e.sequence DESC OFFSET $3 FOR UPDATE SKIP LOCKED) AS old)`,
    [subjects.map((event) => event.tenant), subjects.map((event) => event.subject), limits.eventsKeptPerSubject],
  );
}

interface EventRow {
  sequence: string;
  tenant: string;
  subject: string;
  at_ms: string;
  severity: PlatformEvent['severity'];
  reason: string;
  message: string;
  evidence: Json;
}

/** Newest first; the cursor is the sequence of the last event of the page before. */
export async function selectEvents(
  on: Queryable,
  tenant: string,
  subject: string,
  page: { readonly cursor?: string; readonly limit: number },
): Promise<Page<PlatformEvent>> {
  const before = page.cursor !== undefined && /^\d{1,18}$/.test(page.cursor) ? page.cursor : '9223372036854775807';
  const rows = await on.query<EventRow>(
    'SELECT * FROM events WHERE tenant = $1 AND subject = $2 AND sequence < $3 ORDER BY sequence DESC LIMIT $4',
    [tenant, subject, before, page.limit + 1],
  );
  const items = rows.slice(0, page.limit).map(
    ({ sequence: _sequence, at_ms, evidence, ...row }): PlatformEvent => ({
      ...row,
      at: Number(at_ms),
      ...(evidence === null ? {} : { evidence }),
    }),
  );
  return rows.length > page.limit ? { items, cursor: rows[page.limit - 1]!.sequence } : { items };
}
