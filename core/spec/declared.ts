// The shape of declarations as people write them (zod): the one source of validation, JSON Schema and the reference docs.
import * as z from 'zod';
import { limits } from '#core/limits.ts';
import { declaredAlerts } from '#core/spec/alerts.ts';
import { declareAutoscale } from '#core/spec/autoscale.ts';
import { declaredName as name } from '#core/spec/declared-name.ts';
import { declaredDelivery } from '#core/spec/delivery.ts';
import { declaredErrors } from '#core/spec/error-policy.ts';
import { declaredOperator } from '#core/spec/operators.ts';
import { parseBytes, parseDuration } from '#core/spec/quantity.ts';
import { declaredSink } from '#core/spec/sinks/sink-spec.ts';
import { declaredFormatSchema, declaredRegistry, formats } from '#core/spec/stream-format.ts';
import { compatibilities } from '#core/spec/stream-spec.ts';

const expression = z.string().min(1).max(limits.expressionCharsMax);

const duration = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseDuration(text);
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.problem });
  })
  .meta({ description: 'A number and a unit: ms, s, m, h or d.' });

const bytes = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseBytes(text);
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.problem });
  })
  .meta({ description: 'A number and a unit: KiB, MiB or GiB.' });

const metadata = z.strictObject({
  name,
  owner: name.meta({ description: 'The team that answers for it. Another owner cannot take the name.' }),
  labels: z.record(z.string().max(63), z.string().max(255)).optional(),
});

/** JSON of any depth; the schema's notation is read by field-types.ts. */
const fields = z.record(z.string().min(1).max(255), z.json());

export const declaredStreamSpec = z.strictObject({
  description: z.string().max(1000).optional(),
  partitions: z
    .int()
    .min(1)
    .max(limits.streamPartitionsMax)
    .optional()
    .meta({ description: 'Can only grow. Default 4.' }),
  retention: duration.optional().meta({ description: 'How long events are kept. Default 48h.' }),
  durability: z
    .enum(['durable', 'available'])
    .optional()
    .meta({
      description:
        'durable: an event is acknowledged when all in-sync replicas have it. available: when the leader has it, so that it is ' +
        'taken also while replicas are missing, and can be lost with the leader; routes into it are loss-tolerant. Default durable.',
    }),
  format: z.enum(formats).optional().meta({
    description: 'How events are written. Default json. Avro and Protobuf: under the schemas of a registry.',
  }),
  registry: declaredRegistry.optional().meta({ description: 'Where the schemas of Avro or Protobuf are.' }),
  schema: z
    .strictObject({
      fields: fields.optional().meta({ description: 'Of events in JSON: each with its type.' }),
      ...declaredFormatSchema,
      onInvalid: z
        .enum(['accept', 'dead-letter'])
        .optional()
        .meta({ description: 'Whether routes check every declared field, or only those they read. Default accept.' }),
      compatibility: z.enum(compatibilities).optional().meta({
        description:
          'What a change of the schema must keep: events that are there fit the new one (backward), new events fit the old one (forward), full, or none. Default backward.',
      }),
    })
    .optional()
    .meta({ description: 'Without it, fields take their types from the JSON values.' }),
  eventTime: z.string().min(1).optional().meta({ description: 'The field that says when an event happened.' }),
  key: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "The field whose value becomes the record's key: partitioning and ordering." }),
});

const routeTest = z.strictObject({
  name: z.string().min(1).max(200),
  sink: z.string().optional().meta({ description: 'What comes out there. Default the first sink.' }),
  given: z.array(z.record(z.string(), z.json())).min(1).max(100),
  expect: z.array(z.record(z.string(), z.json())).max(100),
});

export const declaredRouteSpec = z.strictObject({
  from: name,
  start: z
    .union([z.enum(['earliest', 'latest']), z.strictObject({ time: z.iso.datetime({ offset: true }) })])
    .optional()
    .meta({ description: 'Where the first start begins. Default earliest.' }),
  where: expression.optional().meta({ description: 'Events for which it is true go on; false and NULL are filtered.' }),
  select: expression
    .optional()
    .meta({ description: 'The columns of the output; without it the event goes on as it is.' }),
  operators: z
    .array(declaredOperator)
    .min(1)
    .max(limits.routeOperatorsMax)
    .optional()
    .meta({ description: 'Done in this order, after `where` and before `select`.' }),
  exposePii: z
    .array(z.string().min(1).max(1_000))
    .max(100)
    .optional()
    .meta({ description: 'Fields tagged `pii` that pass as they are. All others are treated as their tags say.' }),
  to: z.array(declaredSink).min(1).max(limits.routeSinksMax),
  delivery: declaredDelivery.optional(),
  errors: declaredErrors.optional(),
  throttle: z
    .strictObject({
      recordsPerSecond: z
        .int()
        .min(1)
        .meta({ description: 'Read by the job as a whole, shared among its workers by the splits they hold.' }),
    })
    .optional(),
  resources: z
    .strictObject({
      workers: z
        .int()
        .min(1)
        .max(limits.jobWorkersMax)
        .optional()
        .meta({ description: 'Processes that share the splits. Default 1.' }),
      cpu: z.number().min(0.25).max(16).optional().meta({
        description: 'Of each worker. From 2 on it works in as many threads, as far as there are 256 MiB for each.',
      }),
      memory: bytes.optional(),
    })
    .optional(),
  autoscale: declareAutoscale(limits.jobWorkersMax).optional().meta({
    description: 'How many workers run between two bounds, by what arrives and what waits.',
  }),
  config: z
    .record(z.string().max(100), z.union([z.string().max(100), z.number()]))
    .optional()
    .meta({
      description: 'Parameters of the job, such as `source.fetchBytesMax: 4MiB`; see the reference of configuration.',
    }),
  health: z
    .strictObject({
      stalledAfter: duration.optional().meta({
        description:
          'A worker whose positions do not move for so long although events wait ends itself; one that beats and takes no part is replaced. At least 10s, default 90s.',
      }),
      progressWithin: duration.optional().meta({
        description:
          'In this time after a change the job has to get somewhere, or the last revision that did runs again. Default 1m on a laptop, 10m on AWS.',
      }),
      restartBudget: z
        .strictObject({ count: z.int().min(1).max(100), per: duration })
        .optional()
        .meta({
          description:
            'A worker that ends so many times within the span by a fault of its own is quarantined: not started again before the route is changed or the job restarted. So often, too, a worker that reports and ails all the same is replaced (a leader that shares nothing out, a checkpoint that grows old). Default 5 per 1h.',
        }),
      upstreamSilentAfter: duration.optional().meta({
        description:
          'The job is shown as degraded where the newest event of its source is older than this. Without it, a source may be as quiet as it likes.',
      }),
    })
    .optional(),
  alerts: declaredAlerts.optional().meta({
    description: 'Told of by events of the job, and on AWS by an alarm each and a dashboard of the job.',
  }),
  paused: z.boolean().optional().meta({ description: 'Declared, but no worker runs; positions are kept.' }),
  tests: z
    .array(routeTest)
    .max(100)
    .optional()
    .meta({ description: 'Run at plan and apply; a failing one refuses the apply.' }),
});

const version = z.literal('millrace/v1');

export const declaredStream = z
  .strictObject({ apiVersion: version, kind: z.literal('Stream'), metadata, spec: declaredStreamSpec })
  .meta({ id: 'Stream' });
export const declaredRoute = z
  .strictObject({ apiVersion: version, kind: z.literal('Route'), metadata, spec: declaredRouteSpec })
  .meta({ id: 'Route' });

export type DeclaredStreamSpec = z.infer<typeof declaredStreamSpec>;
export type DeclaredRouteSpec = z.infer<typeof declaredRouteSpec>;
