// The reconcile function behind the state machine's `Pass`: composed once an instance; its figures go out as CloudWatch metrics.
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { createLambdaLogger } from '#adapters/logging/lambda-logger.ts';
import { traced } from '#adapters/tracing/lambda-tracer.ts';
import { readLogLevel } from '#core/environment.ts';
import { metricNamespace } from '#core/names.ts';
import { composeReconciler } from '#functions/reconcile/compose.ts';
import { createReconcileHandler } from '#functions/reconcile/handler.ts';
import type { BeatMemory } from '#functions/reconcile/observe.ts';
import { runPass, type TargetBackoff } from '#functions/reconcile/run-pass.ts';
import type { Watching } from '#functions/reconcile/watch-jobs.ts';

/** The sweep starts an execution a minute: one that has not settled by then leaves the rest to the next. */
const executionMs = 55_000;

const logger = createLambdaLogger({ service: 'reconciler', level: readLogLevel(process.env) });
const { parts, takeChanges } = await composeReconciler(process.env, logger);
const metrics = new Metrics({ namespace: metricNamespace, serviceName: 'reconciler' });
const backoff: TargetBackoff = new Map();
const beats: BeatMemory = { sightings: new Map() };
const watching: Watching = { lastAt: 0 };

async function pass() {
  const startedAt = performance.now();
  const forget = await takeChanges();
  const report = await runPass(parts, backoff, watching, beats);
  await forget();
  metrics.addMetric('PassMs', MetricUnit.Milliseconds, performance.now() - startedAt);
  metrics.addMetric('PassDecisions', MetricUnit.Count, report.decisions);
  metrics.addMetric('PassFailures', MetricUnit.Count, report.failures.length);
  metrics.addMetric('JobsUnbalanced', MetricUnit.Count, report.unbalanced);
  metrics.addMetric('GoalStoreWentBack', MetricUnit.Count, report.wentBack ? 1 : 0);
  metrics.addMetric('PassOvertaken', MetricUnit.Count, report.overtaken);
  return report;
}

const handle = middy(createReconcileHandler(pass, parts.clock.now, logger, executionMs))
  .before(({ context }) => logger.enter(context))
  .use(logMetrics(metrics));

export const handler = traced('reconciler', handle);
