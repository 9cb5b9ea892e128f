// Reads a job's goal from the bytes that a worker fetched: checked, since they come from outside.
import * as z from 'zod';
import type { JobGoal } from '#core/job/job-goal.ts';
import { ok, type Result, refuse } from '#core/result.ts';
import { guarantees } from '#core/spec/delivery.ts';
import { endlessPatience } from '#core/spec/error-policy.ts';
import { authSchemes } from '#core/spec/sinks/auth.ts';
import { httpFormats } from '#core/spec/sinks/http.ts';

const text = z.string().min(1);
const count = z.int().positive();
const share = z.number().positive().max(1);
const action = z.enum(['dead-letter', 'drop', 'stop']);
/** Goals of older releases have none. */
const patience = z.object({ giveUpAfterMs: z.int().nonnegative().nullable(), endsIn: action }).default(endlessPatience);
const program = z.looseObject({});
const operator = z.looseObject({
  kind: z.enum(['project', 'hygiene', 'sample', 'dedup', 'explode'], 'this worker does not know the operator'),
});

const batch = z.object({ maxRecords: count, maxBytes: count, maxWaitMs: z.int().nonnegative() });
const secretAuth = z.looseObject({ secret: text, scheme: z.enum([...authSchemes, 'header']) });
const remote = {
  keyed: z.boolean(),
  url: z.url(),
  networks: z.array(text),
  batch,
  auth: z
    .union([secretAuth, z.looseObject({ scheme: z.literal('aws'), service: text, region: text.nullable() })])
    .nullable(),
};
const named = z.looseObject({ name: text });

/** Columns and folders inside are checked by what compiles them. */
const warehouseSink = z.looseObject({
  kind: z.literal('warehouse'),
  keyed: z.literal(false),
  table: text,
  prefix: text,
  row: z.array(named).min(1),
  columns: z.array(named).min(1),
  partitions: z.array(named),
  roll: z.looseObject({ bytes: count, everyMs: count }),
  compression: z.enum(['zstd', 'snappy']),
});

const format = z.looseObject({
  kind: z.enum(['avro', 'protobuf'], 'this worker does not know the format'),
  registry: z.looseObject({ url: z.url(), networks: z.array(text), auth: secretAuth.nullable() }),
  subject: text,
  register: z.boolean(),
  schema: text.nullable(),
  message: text.nullable(),
});

const sink = z.discriminatedUnion('kind', [
  z.looseObject({
    ...{ kind: z.literal('stream'), topic: text, keyed: z.boolean() },
    ...{ format: format.optional(), acks: z.literal('leader').optional() },
  }),
  z.looseObject({ kind: z.literal('opensearch'), ...remote, index: text, indexTime: program.nullable() }),
  z.looseObject({ kind: z.literal('http'), ...remote, format: z.enum(httpFormats), timeoutMs: count }),
  warehouseSink,
]);

const replay = z.looseObject({
  errorClass: text.nullable(),
  errorCode: text.nullable(),
  where: program.nullable(),
  topicId: z.exactOptional(text),
  ends: z.record(z.string(), z.int().nonnegative()),
  recordsPerSecond: z.number().positive(),
});

const schema = z.looseObject({
  formatVersion: z.literal([1, 2, 3], 'this worker understands goals of the formats 1, 2 and 3 only'),
  id: text,
  tenant: text,
  name: text,
  route: text,
  uid: text,
  revision: count,
  source: z.looseObject({
    topic: text,
    format: format.optional(),
    start: z.discriminatedUnion('kind', [
      z.object({ kind: z.enum(['earliest', 'latest']) }),
      z.object({ kind: z.literal('time'), at: z.number() }),
    ]),
  }),
  operators: z.array(operator).optional(),
  program,
  eventTime: program.nullable(),
  sink,
  deadLetterTopic: text,
  delivery: z.object({
    guarantee: z.enum(guarantees),
    lossBudget: share.nullable(),
    ordering: z.enum(['none', 'per-key', 'per-partition']),
  }),
  errors: z.object({
    poison: action,
    schema: action,
    retryable: patience,
    throttled: patience,
    auth: z.enum(['stop', 'retry']),
    deadLetterRateMax: share.nullable(),
  }),
  throttle: count.nullable(),
  stalledAfterMs: count,
  settings: z.looseObject({
    heartbeatMs: count,
    leaseMs: count,
    commitMs: count,
    transactionMs: count,
    checkpointMs: count,
    checkpointsKept: count,
    lingerMs: z.int().nonnegative(),
    fetchWaitMs: count,
    fetchBytesMax: count,
    compression: z.enum(['none', 'lz4', 'zstd']),
    drainMs: count,
  }),
  replay: replay.optional(),
});

const decoder = new TextDecoder('utf-8', { fatal: true });

export function parseJobGoal(bytes: Uint8Array): Result<JobGoal, string> {
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    return refuse(`the goal is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const first = parsed.error.issues[0]!;
    return refuse(
      `the goal is not one that this worker understands: ${first.path.join('.') || 'it'}: ${first.message}`,
    );
  }
  // The programs inside are checked by what compiles them.
  return ok(parsed.data as unknown as JobGoal);
}
