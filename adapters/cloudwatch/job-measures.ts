// Figures of jobs as CloudWatch metrics, by log lines in its embedded metric format: no call, and nothing to wait for.
import { jobMetrics, metricNamespace, shardOf } from '#core/names.ts';
import type { JobMeasures } from '#core/ports/job-measures.ts';

const definitions = [
  { Name: jobMetrics.unhealthy, Unit: 'Count' },
  { Name: jobMetrics.lag, Unit: 'Milliseconds' },
  { Name: jobMetrics.deadLetters, Unit: 'Percent' },
] as const;

/** What is not known is not written: each metric of a job costs something a month. */
export function emfMeasures(write: (line: string) => void, shards: number): JobMeasures {
  return (measures, at) => {
    for (const { tenant, job, unhealthy, lagMs, deadLetterShare } of measures) {
      const values = {
        [jobMetrics.unhealthy]: unhealthy,
        ...(lagMs === null ? {} : { [jobMetrics.lag]: lagMs }),
        ...(deadLetterShare === null ? {} : { [jobMetrics.deadLetters]: deadLetterShare * 100 }),
      };
      const id = `${tenant}/${job}`;
      const Metrics = definitions.filter(({ Name }) => Name in values);
      const directive = { Namespace: metricNamespace, Dimensions: [['Shard', 'Job']], Metrics };
      const shard = String(shardOf(id, shards));
      write(
        JSON.stringify({ _aws: { Timestamp: at, CloudWatchMetrics: [directive] }, Shard: shard, Job: id, ...values }),
      );
    }
  };
}
