// What a route's author wants to be told of: thresholds on its jobs' lag and on the share of events that become dead letters.
import * as z from 'zod';
import type { SpecProblem } from '#core/spec/problem.ts';
import { parseDuration, parseShare } from '#core/spec/quantity.ts';

export const declaredAlerts = z.strictObject({
  lag: z
    .strictObject({ above: z.string().meta({ description: 'A number and a unit, at least 1m.' }) })
    .optional()
    .meta({
      description:
        'How far the newest event that was processed is behind; without `eventTime`, how long the backlog takes.',
    }),
  deadLetterRate: z
    .strictObject({ above: z.string().meta({ description: 'Share of events, over about a minute, such as 1%.' }) })
    .optional(),
});

export type DeclaredAlerts = z.infer<typeof declaredAlerts>;

export const alertNames = ['lag', 'deadLetterRate'] as const;
export type AlertName = (typeof alertNames)[number];

/** By name, the value above which it is raised: milliseconds of lag, a share of events. */
export type AlertSpec = Readonly<Partial<Record<AlertName, number>>>;

/** A metric is there once a minute: below that nothing can be told. */
const lagMsMin = 60_000;

export function completeAlerts(declared: DeclaredAlerts | undefined, problems: SpecProblem[]): AlertSpec {
  const lag = declared?.lag === undefined ? null : lagMs(declared.lag.above, problems);
  const share = declared?.deadLetterRate === undefined ? null : parseShare(declared.deadLetterRate.above);
  if (share && !share.ok) problems.push({ path: 'spec.alerts.deadLetterRate.above', message: share.problem });
  return { ...(lag === null ? {} : { lag }), ...(share?.ok ? { deadLetterRate: share.value } : {}) };
}

function lagMs(text: string, problems: SpecProblem[]): number | null {
  const path = 'spec.alerts.lag.above';
  const parsed = parseDuration(text);
  if (!parsed.ok) problems.push({ path, message: parsed.problem });
  else if (parsed.value < lagMsMin) problems.push({ path, message: `got ${text}, expected at least 1m` });
  else return parsed.value;
  return null;
}
