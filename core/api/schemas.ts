// The API's answers as zod schemas: what OpenAPI is derived from. `satisfies` holds each to its type in wire.ts.
import * as z from 'zod';
import { operationPlan, operationReceipt } from '#core/api/operation-schemas.ts';
import type {
  AppendAnswer,
  ApplyView,
  AuditView,
  ChangeView,
  DeadLetterSummary,
  DiffView,
  EventView,
  HealthView,
  JobView,
  NamedChange,
  OperationPlanView,
  OperationView,
  PageView,
  PlanView,
  ProblemView,
  RecordLine,
  RestoreView,
  RevisionView,
  RouteView,
  SqlView,
  StreamView,
  TryView,
} from '#core/api/wire.ts';
import { changeClasses } from '#core/api/wire.ts';
import { scaleModes } from '#core/spec/autoscale.ts';
import type { Metadata } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { JobStatus } from '#core/status/job-status.ts';

const optional = z.exactOptional;
/** Any JSON. The cast narrows `unknown`: what we answer is made by JSON.stringify. */
const json = z.unknown().meta({ description: 'Any JSON value.' }) as unknown as z.ZodType<Json>;
const count = z.int().min(0);
const time = z.iso.datetime();

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'From a closed list, kebab-case: what programs decide on.' }),
    fix: optional(z.string()).meta({ description: 'What to do.' }),
    problems: optional(
      z.array(
        z.object({
          path: z.string(),
          message: z.string(),
          fix: optional(z.string()),
          line: optional(z.int()),
          column: optional(z.int()),
          document: optional(z.string()),
        }),
      ),
    ),
    currentRevision: optional(z.int()),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' }) satisfies z.ZodType<ProblemView>;

const metadata = z.object({
  name: z.string(),
  owner: z.string(),
  labels: z.record(z.string(), z.string()),
}) satisfies z.ZodType<Metadata>;

const resource = {
  apiVersion: z.literal('millrace/v1'),
  metadata,
  spec: json,
  revision: count,
  uid: z.string(),
  author: z.string(),
  reason: z.string(),
  updatedAt: time,
};

export const streamSchema = z
  .object({
    ...resource,
    kind: z.literal('Stream'),
    impliedBy: optional(z.string()),
    status: z.object({
      phase: z.enum(['Ready', 'Pending', 'Unknown']),
      message: z.string(),
      topic: z.string(),
      observed: z
        .object({
          topic: z.string(),
          topicId: z.string(),
          partitions: count,
          config: z.record(z.string(), z.string()),
        })
        .nullable(),
      records: count.nullable(),
      readers: z.array(z.string()),
      writers: z.array(z.string()),
    }),
  })
  .meta({ id: 'StreamView' }) satisfies z.ZodType<StreamView>;

const jobStatus = z
  .object({
    phase: z.enum([
      'Pending',
      'Deploying',
      'Running',
      'Degraded',
      'Paused',
      'Stalled',
      'Quarantined',
      'Failed',
      'Stopped',
    ]),
    message: z.string(),
    conditions: z.array(
      z.object({
        type: z.enum([
          'Progressing',
          'InSync',
          'CheckpointFresh',
          'Balanced',
          'Stable',
          'Led',
          'RuntimeAgrees',
          'UpstreamAlive',
          'Quiet',
          'Scaled',
        ]),
        status: z.enum(['true', 'false', 'unknown']),
        reason: z.string(),
        message: z.string(),
      }),
    ),
    observedRevision: count,
    runningRevision: count.nullable(),
    provenRevision: count.nullable().meta({
      description: 'The newest that has got somewhere: what another one is tried beside, and makes room for.',
    }),
    lag: z.object({
      records: z.number().nullable(),
      drainMs: z.number().nullable(),
      freshnessMs: z.number().nullable(),
    }),
    accounting: z.object({
      in: count,
      out: count,
      filtered: count,
      deadLettered: count,
      dropped: z.object({
        poison: optional(count),
        schema: optional(count),
        'too-large': optional(count),
        retryable: optional(count),
        throttled: optional(count),
        rejected: optional(count),
        retention: optional(count),
        overload: optional(count),
      }),
      emitted: optional(count).meta({
        description: 'Where a route explodes lists: the events written for the records counted as out.',
      }),
    }),
    mismatches: count,
    deadLetterShare: z.number().nullable(),
    inPerSecond: z.number(),
    outPerSecond: z.number(),
    workers: z.array(
      z.object({
        worker: z.string(),
        taskId: z.string().nullable(),
        pid: z.int().nullable(),
        incarnation: z.int(),
        slot: z.int(),
        state: z.string(),
        since: z.number(),
        splits: count,
        rssMiB: z.number().nullable(),
        log: z.string().nullable(),
      }),
    ),
    scale: z.object({
      mode: z.enum(scaleModes),
      workers: count,
      declared: count,
      by: z.enum(['declaration', 'autoscaler']).meta({ description: 'Whose number `workers` is.' }),
      since: z.number().nullable(),
      why: z.string().nullable(),
      min: count,
      max: count,
      drainMs: count,
      wish: z
        .object({ state: z.string(), workers: count, why: z.string(), since: z.number() })
        .nullable()
        .meta({ description: 'What the autoscaler would do: `advised`, or what is in the way of it.' }),
      restartMs: count.nullable().meta({ description: 'From a change until all workers read, as measured.' }),
      capacityPerSecond: z
        .number()
        .nullable()
        .meta({ description: 'Records that one worker was seen to get through.' }),
    }),
  })
  .meta({ id: 'JobStatus' }) satisfies z.ZodType<JobStatus>;

export const routeSchema = z
  .object({
    ...resource,
    kind: z.literal('Route'),
    status: z.object({ jobs: z.array(z.object({ name: z.string(), status: jobStatus })) }),
  })
  .meta({ id: 'RouteView' }) satisfies z.ZodType<RouteView>;

export const jobSchema = z
  .object({
    kind: z.literal('Job'),
    name: z.string(),
    route: z.string(),
    owner: z.string(),
    revision: count,
    uid: z.string(),
    from: z.string(),
    to: z.string(),
    paused: z.boolean(),
    deadLetterTopic: z.string(),
    status: jobStatus,
  })
  .meta({ id: 'JobView' }) satisfies z.ZodType<JobView>;

const fieldChange = z.object({ path: z.string(), before: json, after: json, class: z.enum(changeClasses) });

const specProblem = z.object({
  path: z.string(),
  message: z.string(),
  fix: optional(z.string()),
  line: optional(z.int()),
  column: optional(z.int()),
}) satisfies z.ZodType<SpecProblem>;

const plannedCost = { before: z.number(), after: z.number() };
const plannedJob = z.object({
  name: z.string(),
  class: z.enum(changeClasses),
  state: z.enum(['none', 'new', 'kept', 'lost']),
  sink: z.string(),
  expectedPauseMs: count,
  expectedDuplicates: z.string(),
});

export const planSchema = z
  .object({
    hash: z.string(),
    changes: z.array(
      z.object({
        kind: z.enum(['Stream', 'Route']),
        name: z.string(),
        outcome: z.enum(['create', 'change', 'unchanged', 'refused']),
        class: z.enum(changeClasses),
        fields: z.array(fieldChange),
        effects: z.array(z.string()),
        jobs: z.array(z.string()),
        jobChanges: z.array(plannedJob),
        expectedPauseMs: count,
        expectedDuplicates: z.string(),
        cost: z.object(plannedCost),
        problems: z.array(specProblem),
        tests: z.array(z.object({ name: z.string(), passed: z.boolean(), message: z.string() })),
      }),
    ),
    cost: z.object({ ...plannedCost, currency: z.string(), pricesAsOf: z.string() }),
    wouldChange: z.boolean(),
    refused: z.boolean(),
  })
  .meta({ id: 'PlanView' }) satisfies z.ZodType<PlanView>;

export const changeSchema = z
  .object({
    plan: planSchema,
    items: z.array(
      z.object({
        kind: z.enum(['Stream', 'Route']),
        name: z.string(),
        outcome: z.enum(['created', 'changed', 'unchanged']),
        revision: count,
      }),
    ),
  })
  .meta({ id: 'ChangeView' }) satisfies z.ZodType<ChangeView>;

const namedChange = z
  .object({
    kind: z.enum(['Stream', 'Route']),
    name: z.string(),
    outcome: z.enum(['created', 'deleted', 'changed']),
    revisions: z.object({ from: count.nullable(), to: count.nullable() }),
    fields: z.array(fieldChange),
  })
  .meta({ id: 'NamedChange' }) satisfies z.ZodType<NamedChange>;

export const diffSchema = z
  .object({ from: time, to: time, items: z.array(namedChange) })
  .meta({ id: 'DiffView' }) satisfies z.ZodType<DiffView>;

export const restoreSchema = z
  .object({ to: time, items: z.array(namedChange), effects: z.array(z.string()), hash: z.string() })
  .meta({ id: 'RestoreView' }) satisfies z.ZodType<RestoreView>;

export const applySchema = z
  .object({
    outcome: z.enum(['created', 'changed', 'unchanged']),
    resource: z.object({ ...resource, kind: z.enum(['Stream', 'Route']) }).meta({ id: 'DeclaredView' }),
  })
  .meta({ id: 'ApplyView' }) satisfies z.ZodType<ApplyView>;

export const revisionSchema = z
  .object({
    revision: count,
    author: z.string(),
    reason: z.string(),
    at: time,
    deleted: z.boolean(),
    labels: z.record(z.string(), z.string()),
    spec: json,
    changes: z.array(fieldChange),
  })
  .meta({ id: 'RevisionView' }) satisfies z.ZodType<RevisionView>;

export const eventSchema = z
  .object({
    at: time,
    subject: z.string(),
    severity: z.enum(['info', 'warning', 'error']),
    reason: z.string(),
    message: z.string(),
    evidence: optional(json),
  })
  .meta({ id: 'EventView' }) satisfies z.ZodType<EventView>;

const operationKind = z.enum(['pause', 'resume', 'restart', 'rewind', 'replay-dead-letters', 'switch']);

export const deadLetterSummarySchema = z
  .object({
    items: z.array(
      z.object({
        errorClass: z.string(),
        errorCode: z.string(),
        count,
        firstAt: time,
        lastAt: time,
        failedAgain: count,
        example: z.string(),
      }),
    ),
    total: count,
    isComplete: z.boolean(),
  })
  .meta({ id: 'DeadLetterSummary' }) satisfies z.ZodType<DeadLetterSummary>;

export const operationPlanSchema = z
  .object({
    job: z.string(),
    kind: operationKind,
    effects: z.array(z.string()),
    plan: optional(operationPlan),
  })
  .meta({ id: 'OperationPlanView' }) satisfies z.ZodType<OperationPlanView>;

export const operationSchema = z
  .object({
    id: z.string(),
    job: z.string(),
    kind: operationKind,
    state: z.enum(['requested', 'succeeded', 'superseded', 'failed']),
    author: z.string(),
    reason: z.string(),
    requestedAt: time,
    finishedAt: optional(time),
    outcome: optional(z.string()),
    plan: optional(operationPlan),
    receipt: optional(operationReceipt),
  })
  .meta({ id: 'OperationView' }) satisfies z.ZodType<OperationView>;

export const appendSchema = z
  .object({
    acknowledged: count,
    refused: count,
    results: z.array(
      z.discriminatedUnion('ok', [
        z.object({ line: count, ok: z.literal(true), partition: count, offset: z.string() }),
        z.object({ line: count, ok: z.literal(false), code: z.string(), message: z.string() }),
      ]),
    ),
  })
  .meta({ id: 'AppendAnswer' }) satisfies z.ZodType<AppendAnswer>;

export const recordLineSchema = z
  .object({
    partition: count,
    offset: z.string(),
    timestamp: time,
    key: z.string().nullable(),
    headers: optional(z.record(z.string(), z.string().nullable())),
    value: json,
  })
  .meta({ id: 'RecordLine' }) satisfies z.ZodType<RecordLine>;

export const trySchema = z
  .object({
    read: count,
    passed: count,
    filtered: count,
    failed: count,
    mismatches: count,
    records: z.array(
      z.object({
        verdict: z.enum(['passed', 'filtered', 'poison', 'schema']),
        partition: count,
        offset: z.string(),
        before: json,
        after: json,
        more: optional(z.array(json)),
        fault: optional(z.object({ code: z.string(), message: z.string() })),
      }),
    ),
  })
  .meta({ id: 'TryView' }) satisfies z.ZodType<TryView>;

export const sqlSchema = z
  .discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), type: z.string(), value: json }),
    z.object({
      ok: z.literal(false),
      code: z.string(),
      message: z.string(),
      line: optional(z.int()),
      column: optional(z.int()),
      hint: optional(z.string()),
    }),
  ])
  .meta({ id: 'SqlView' }) satisfies z.ZodType<SqlView>;

export const healthSchema = z
  .object({
    ok: z.boolean(),
    version: z.string(),
    parts: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
  })
  .meta({ id: 'HealthView' }) satisfies z.ZodType<HealthView>;

export const auditSchema = z
  .discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), entries: z.int(), head: z.object({ sequence: z.int(), hash: z.string() }) }),
    z.object({ ok: z.literal(false), entries: z.int(), at: z.int(), problem: z.string() }),
  ])
  .meta({ id: 'AuditView' }) satisfies z.ZodType<AuditView>;

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), cursor: optional(z.string()) });

export const streamPageSchema = pageOf(streamSchema) satisfies z.ZodType<PageView<StreamView>>;
export const routePageSchema = pageOf(routeSchema) satisfies z.ZodType<PageView<RouteView>>;
export const jobPageSchema = pageOf(jobSchema) satisfies z.ZodType<PageView<JobView>>;
export const revisionPageSchema = pageOf(revisionSchema) satisfies z.ZodType<PageView<RevisionView>>;
export const eventPageSchema = pageOf(eventSchema) satisfies z.ZodType<PageView<EventView>>;
export const operationPageSchema = pageOf(operationSchema) satisfies z.ZodType<PageView<OperationView>>;
export const recordPageSchema = pageOf(recordLineSchema) satisfies z.ZodType<PageView<RecordLine>>;
