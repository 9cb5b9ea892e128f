// What is kept, as the API shows it.
import type { DeclaredView, EventView, OperationView, RevisionView } from '#core/api/wire.ts';
import { diffJson } from '#core/plan/change-weight.ts';
import type { GoalRevision, Operation, PlatformEvent } from '#core/ports/goal-store.ts';
import { apiVersion } from '#core/spec/document.ts';

export const isoTime = (at: number): string => new Date(at).toISOString();

export const resourceFields = (revision: GoalRevision) => ({
  apiVersion: apiVersion as 'millrace/v1',
  metadata: revision.metadata,
  spec: revision.declared,
  revision: revision.revision,
  uid: revision.uid,
  author: revision.author,
  reason: revision.reason,
  updatedAt: isoTime(revision.at),
});

export const declaredView = (revision: GoalRevision): DeclaredView => ({
  kind: revision.kind,
  ...resourceFields(revision),
});

export const eventView = ({ tenant: _tenant, at, ...event }: PlatformEvent): EventView => ({
  ...event,
  at: isoTime(at),
});

export const operationView = (operation: Operation): OperationView => ({
  ...{ id: operation.id, job: operation.job, kind: operation.kind, state: operation.state },
  ...{ author: operation.author, reason: operation.reason, requestedAt: isoTime(operation.requestedAt) },
  ...(operation.finishedAt === undefined ? {} : { finishedAt: isoTime(operation.finishedAt) }),
  ...(operation.outcome === undefined ? {} : { outcome: operation.outcome }),
  ...(operation.plan === undefined ? {} : { plan: operation.plan }),
  ...(operation.receipt === undefined ? {} : { receipt: operation.receipt }),
});

/** `before` is the revision before it, or null for the first (or the oldest that is still read). */
export const revisionView = (revision: GoalRevision, before: GoalRevision | null): RevisionView => ({
  ...{ revision: revision.revision, author: revision.author, reason: revision.reason, at: isoTime(revision.at) },
  deleted: revision.declared === null,
  labels: revision.metadata.labels,
  spec: revision.declared,
  changes:
    before === null || before.declared === null || revision.declared === null
      ? []
      : [
          ...diffJson(revision.kind, before.metadata.labels, revision.metadata.labels, 'metadata.labels'),
          ...diffJson(revision.kind, before.declared, revision.declared, 'spec'),
        ],
});
