// How a sink gathers records into requests: declared bounds, and what they mean.
import * as z from 'zod';
import type { SpecProblem } from '#core/spec/problem.ts';
import { parseBytes, parseDuration } from '#core/spec/quantity.ts';

export const declaredBatch = z.strictObject({
  maxRecords: z.int().min(1).max(10_000).optional().meta({ description: 'Default 1000 for opensearch, 100 for http.' }),
  maxBytes: z.string().optional().meta({
    description: 'A number and a unit: KiB or MiB; 1KiB to 10MiB. Default 2MiB for opensearch, 1MiB for http.',
  }),
  maxWait: z
    .string()
    .optional()
    .meta({ description: 'How long a record waits for company: 0ms to 60s. Default 200ms.' }),
});

export interface BatchSpec {
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
}

/** Where a route says nothing. */
export const batchDefaults = {
  http: { maxRecords: 100, maxBytes: 1024 * 1024, maxWaitMs: 200 },
  opensearch: { maxRecords: 1_000, maxBytes: 2 * 1024 * 1024, maxWaitMs: 200 },
} as const satisfies Readonly<Record<string, BatchSpec>>;

const bytesRange = { min: 1024, max: 10 * 1024 * 1024 };
const waitMsMax = 60_000;

export function completeBatch(
  declared: z.infer<typeof declaredBatch> | undefined,
  defaults: BatchSpec,
  path: string,
  problems: SpecProblem[],
): BatchSpec {
  const bytes = declared?.maxBytes === undefined ? null : parseBytes(declared.maxBytes);
  const wait = declared?.maxWait === undefined ? null : parseDuration(declared.maxWait);
  if (bytes !== null && !(bytes.ok && bytes.value >= bytesRange.min && bytes.value <= bytesRange.max))
    problems.push({
      path: `${path}.maxBytes`,
      message: bytes.ok ? `got ${declared!.maxBytes}, expected 1KiB to 10MiB` : bytes.problem,
    });
  if (wait !== null && !(wait.ok && wait.value <= waitMsMax))
    problems.push({
      path: `${path}.maxWait`,
      message: wait.ok ? `got ${declared!.maxWait}, expected at most 60s` : wait.problem,
    });
  return {
    maxRecords: declared?.maxRecords ?? defaults.maxRecords,
    maxBytes: bytes?.ok ? bytes.value : defaults.maxBytes,
    maxWaitMs: wait?.ok ? wait.value : defaults.maxWaitMs,
  };
}
