// Plans and receipts of operations as zod schemas: what OpenAPI shows of them.
import { z } from 'zod';
import type { OperationPlan, OperationReceipt } from '#core/operations/operation.ts';

const offset = z.string().meta({ description: 'Decimal text: offsets are 64-bit.' });
const count = z.int().min(0);
const duplicates = z.object({ absorbed: z.boolean(), why: z.string() });

export const operationPlan = z
  .object({
    kind: z.literal('rewind'),
    to: z.string(),
    splits: z.array(z.object({ split: z.string(), topicId: z.string(), from: offset, to: offset, records: count })),
    records: count,
    duplicates,
  })
  .meta({ id: 'RewindPlan' }) satisfies z.ZodType<OperationPlan>;

export const operationReceipt = z
  .object({
    kind: z.literal('rewind'),
    splits: z.array(z.object({ split: z.string(), from: offset, to: offset })),
    records: count,
    duplicates,
    tookMs: z.number(),
  })
  .meta({ id: 'RewindReceipt' }) satisfies z.ZodType<OperationReceipt>;
