// How many workers a route's jobs may have, and how long what waits may take: what the autoscaler goes by.
import * as z from 'zod';
import type { SpecProblem } from '#core/spec/problem.ts';
import { parseDuration } from '#core/spec/quantity.ts';

export const scaleModes = ['off', 'advise', 'on'] as const;
export type ScaleMode = (typeof scaleModes)[number];

/** `workersMax`: of any job. */
export const declareAutoscale = (workersMax: number) =>
  z.strictObject({
    mode: z.enum(scaleModes).optional().meta({
      description:
        'off: `resources.workers` run. advise: they run, and it is told how many would do. on: from there on the platform changes their number. Default advise.',
    }),
    min: z.int().min(1).max(workersMax).optional().meta({ description: 'Never fewer. Default 1.' }),
    max: z.int().min(1).max(workersMax).optional().meta({
      description: 'Never more, nor more than there are splits. Default 8, or `resources.workers` where that is more.',
    }),
    drainTime: z.string().optional().meta({
      description: 'In this time the job has to get through what waits, at any moment. At least 10s. Default 5m.',
    }),
  });

export type DeclaredAutoscale = z.infer<ReturnType<typeof declareAutoscale>>;

export interface AutoscaleSpec {
  readonly mode: ScaleMode;
  readonly min: number;
  readonly max: number;
  readonly drainMs: number;
}

const defaultMax = 8;
const defaultDrain = '5m';
const drainMsMin = 10_000;

export function completeAutoscale(
  declared: DeclaredAutoscale | undefined,
  workers: number,
  problems: SpecProblem[],
): AutoscaleSpec {
  const mode = declared?.mode ?? 'advise';
  const min = declared?.min ?? 1;
  const max = declared?.max ?? Math.max(defaultMax, workers, min);
  if (min > max) problems.push({ path: 'spec.autoscale.min', message: `got ${min}, expected at most max, ${max}` });
  else if (mode === 'on' && (workers < min || workers > max))
    problems.push({
      path: 'spec.resources.workers',
      message: `got ${workers}, expected ${min} to ${max}, between which the autoscaler keeps them`,
      fix: 'it is the number that the autoscaler starts from: change it, or spec.autoscale.min and max',
    });
  return { mode, min, max, drainMs: drainMs(declared?.drainTime ?? defaultDrain, problems) };
}

function drainMs(text: string, problems: SpecProblem[]): number {
  const path = 'spec.autoscale.drainTime';
  const parsed = parseDuration(text);
  if (!parsed.ok) problems.push({ path, message: parsed.problem });
  else if (parsed.value < drainMsMin) problems.push({ path, message: `got ${text}, expected at least 10s` });
  else return parsed.value;
  return drainMsMin;
}
