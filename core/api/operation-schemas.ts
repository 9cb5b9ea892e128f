// Plans and receipts of operations as zod schemas: what OpenAPI shows of them.
import * as z from 'zod';
import type { OperationPlan, OperationReceipt } from '#core/operations/operation.ts';

const offset = z.string().meta({ description: 'Decimal text: offsets are 64-bit.' });
const count = z.int().min(0);
const duplicates = z.object({ absorbed: z.boolean(), why: z.string() });

const rewindPlan = z
  .object({
    kind: z.literal('rewind'),
    to: z.string(),
    splits: z.array(z.object({ split: z.string(), topicId: z.string(), from: offset, to: offset, records: count })),
    records: count,
    duplicates,
  })
  .meta({ id: 'RewindPlan' });

const replayPlan = z
  .object({
    kind: z.literal('replay'),
    filter: z.object({
      errorClass: z.exactOptional(z.string()),
      errorCode: z.exactOptional(z.string()),
      where: z.exactOptional(z.string()),
    }),
    topicId: z.exactOptional(z.string()),
    ends: z.array(z.object({ partition: count, end: offset })),
    matching: count,
    isComplete: z.boolean(),
    recordsPerSecond: z.number(),
    duplicates,
  })
  .meta({ id: 'ReplayPlan' });

const what = z.enum(['source', 'sink']);
const switchPlan = z
  .object({
    kind: z.literal('switch'),
    ...{ what, from: z.string(), to: z.string(), fromTopic: z.string() },
    ...{ revision: count, readFrom: z.number().nullable() },
    splits: z.array(z.object({ split: z.string(), topicId: z.string(), to: offset })),
    duplicates,
  })
  .meta({ id: 'SwitchPlan' });

export const operationPlan = z.discriminatedUnion('kind', [
  rewindPlan,
  replayPlan,
  switchPlan,
]) satisfies z.ZodType<OperationPlan>;

const rewindReceipt = z
  .object({
    kind: z.literal('rewind'),
    splits: z.array(z.object({ split: z.string(), from: offset, to: offset })),
    records: count,
    duplicates,
    tookMs: z.number(),
  })
  .meta({ id: 'RewindReceipt' });

const replayReceipt = z
  .object({
    kind: z.literal('replay'),
    replayed: count,
    passed: count,
    filtered: count,
    failedAgain: count,
    dropped: count,
  })
  .meta({ id: 'ReplayReceipt' });

const places = z.array(z.object({ split: z.string(), at: offset }));
const switchReceipt = z
  .object({
    kind: z.literal('switch'),
    ...{ what, from: z.string(), to: z.string(), left: places, begun: places, tookMs: z.number() },
  })
  .meta({ id: 'SwitchReceipt' });

export const operationReceipt = z.discriminatedUnion('kind', [
  rewindReceipt,
  replayReceipt,
  switchReceipt,
]) satisfies z.ZodType<OperationReceipt>;
