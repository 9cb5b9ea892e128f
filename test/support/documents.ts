// Declarations and goal store revisions for tests, short to write.
import type { ConfigEntry, GoalRevision, GoalSnapshot, Operation } from '#core/ports/goal-store.ts';
import type { Document, Kind } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';
import { parseDocument } from '#core/spec/parse-document.ts';

export const aDeclaration = (kind: Kind, name: string, spec: object, owner = 'playback') => ({
  apiVersion: 'millrace/v1',
  kind,
  metadata: { name, owner },
  spec,
});

export function aDocument(kind: Kind, name: string, spec: object, owner?: string): Document {
  const parsed = parseDocument(aDeclaration(kind, name, spec, owner));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
  return parsed.value;
}
export const aStream = (name: string, spec: object = {}, owner?: string): Document =>
  aDocument('Stream', name, spec, owner);

/** A route with one sink `out`, unless `to` says otherwise. */
export const aRoute = (name: string, from: string, to: string, spec: object = {}, owner?: string): Document =>
  aDocument('Route', name, { from, to: [{ name: 'out', stream: to }], ...spec }, owner);

export const aRevision = (document: Document, changes: Partial<GoalRevision> = {}): GoalRevision => ({
  tenant: 'default',
  kind: document.kind,
  name: document.metadata.name,
  uid: `u-${document.metadata.name}`,
  revision: 1,
  metadata: document.metadata,
  declared: document.declared as Json,
  author: 'ann',
  reason: '',
  at: 0,
  ...changes,
});

export const aSnapshot = (
  revisions: readonly GoalRevision[],
  operations: readonly Operation[] = [],
  config: readonly ConfigEntry[] = [],
): GoalSnapshot => ({
  ...{ sequence: revisions.length, hash: '', at: 0, revisions, operations, config, freezes: [], approvals: [] },
});

export const playbackEvents = aStream('playback-events', {
  partitions: 3,
  schema: {
    fields: {
      id: 'text',
      ts: 'timestamptz',
      type: 'text',
      country: 'text',
      device: { os: 'text' },
      durationMs: 'bigint',
    },
  },
  eventTime: 'ts',
});
