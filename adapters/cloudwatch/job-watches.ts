// Alarms and a dashboard for each job that declares alerts, in CloudWatch; what they are is told by their names and the alarm's text.
import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DeleteDashboardsCommand,
  DescribeAlarmsCommand,
  type MetricAlarm,
  PutDashboardCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
} from '@aws-sdk/client-cloudwatch';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { unavailable } from '#core/errors.ts';
import { jobAlarmPrefix, jobMetrics, metricNamespace, shardOf } from '#core/names.ts';
import { watchHash } from '#core/plan/plan-watches.ts';
import type { JobWatch, JobWatches, ObservedWatch } from '#core/ports/job-watches.ts';
import { type AlertName, alertNames } from '#core/spec/alerts.ts';

export interface CloudWatchOptions {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: NonNullable<ConstructorParameters<typeof CloudWatchClient>[0]>['credentials'];
  /** Where alarms go. */
  readonly topicArn: string;
  /** As many as the metrics are written with. */
  readonly shards: number;
  /** How long an answer is waited for. */
  readonly requestMs?: number;
}

const requestMsDefault = 5_000;
const pageAlarms = 100;
const minuteSeconds = 60;
/** So many minutes of the last five must be above: one bad minute wakes nobody. */
const minutes = { of: 5, above: 3 } as const;

const metricOf: Readonly<Record<AlertName, { readonly name: string; readonly factor: number }>> = {
  lag: { name: jobMetrics.lag, factor: 1 },
  deadLetterRate: { name: jobMetrics.deadLetters, factor: 100 },
};

/** Tenants and jobs have no slash of their own. */
const alarmName = (tenant: string, job: string, alert: AlertName): string =>
  `${jobAlarmPrefix}${tenant}/${job}/${alert}`;
/** Dashboards' names know letters, digits, hyphens and underscores only. */
const dashboardName = (tenant: string, job: string): string => `millrace-job-${tenant}_${job.replace('.', '_')}`;

export function createJobWatches(options: CloudWatchOptions): JobWatches {
  const { region, endpoint, credentials, requestMs = requestMsDefault } = options;
  const client = new CloudWatchClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: waitAtMost(requestMs),
  });
  const ask = async <Answer>(call: Promise<Answer>): Promise<Answer> =>
    await call.catch((error: unknown) => {
      throw unavailable('cloudwatch', error);
    });
  return {
    list: async () => {
      const alarms: MetricAlarm[] = [];
      let NextToken: string | undefined;
      do {
        const page = { AlarmNamePrefix: jobAlarmPrefix, MaxRecords: pageAlarms, ...(NextToken ? { NextToken } : {}) };
        const answer = await ask(client.send(new DescribeAlarmsCommand(page)));
        alarms.push(...(answer.MetricAlarms ?? []));
        NextToken = answer.NextToken;
      } while (NextToken);
      return observedOf(alarms);
    },
    put: async (watch) => {
      const { tenant, job, alerts } = watch;
      const unwanted = alertNames
        .filter((name) => alerts[name] === undefined)
        .map((name) => alarmName(tenant, job, name));
      if (unwanted.length > 0) await ask(client.send(new DeleteAlarmsCommand({ AlarmNames: unwanted })));
      const DashboardBody = JSON.stringify(dashboardOf(watch, options));
      await ask(client.send(new PutDashboardCommand({ DashboardName: dashboardName(tenant, job), DashboardBody })));
      for (const alert of alertNames)
        if (alerts[alert] !== undefined)
          await ask(client.send(new PutMetricAlarmCommand(alarmOf(watch, alert, alerts[alert], options))));
    },
    remove: async (tenant, job) => {
      // One that is not there is no error; a dashboard's is, and means that it is gone.
      await client
        .send(new DeleteDashboardsCommand({ DashboardNames: [dashboardName(tenant, job)] }))
        .catch(unlessGone);
      const AlarmNames = alertNames.map((name) => alarmName(tenant, job, name));
      await ask(client.send(new DeleteAlarmsCommand({ AlarmNames })));
    },
  };
}

function unlessGone(error: unknown): void {
  if (error instanceof Error && /NotFound/.test(error.name)) return;
  throw unavailable('cloudwatch', error);
}

const hashIn = /\[([0-9a-f]{16}) (\d)\]$/;

/** Each alarm's text ends with the hash of the whole watch and the number of its alarms. */
function observedOf(alarms: readonly MetricAlarm[]): readonly ObservedWatch[] {
  const jobs = Map.groupBy(alarms, ({ AlarmName = '' }) =>
    AlarmName.slice(jobAlarmPrefix.length, AlarmName.lastIndexOf('/')),
  );
  return [...jobs].map(([id, own]) => {
    const [tenant = '', job = ''] = id.split('/');
    const marks = own.map(({ AlarmDescription = '' }) => hashIn.exec(AlarmDescription));
    const [first] = marks;
    const isWhole = marks.every((mark) => mark?.[0] === first?.[0]) && Number(first?.[2]) === own.length;
    return { tenant, job, hash: isWhole ? (first?.[1] ?? null) : null };
  });
}

const dimensionsOf = ({ tenant, job }: JobWatch, shards: number) => {
  const id = `${tenant}/${job}`;
  return [
    { Name: 'Shard', Value: String(shardOf(id, shards)) },
    { Name: 'Job', Value: id },
  ];
};

function alarmOf(
  watch: JobWatch,
  alert: AlertName,
  above: number,
  { topicArn, shards }: CloudWatchOptions,
): PutMetricAlarmCommandInput {
  const { tenant, job, owner, alerts } = watch;
  const { name, factor } = metricOf[alert];
  const mark = `[${watchHash(watch)} ${Object.keys(alerts).length}]`;
  return {
    AlarmName: alarmName(tenant, job, alert),
    AlarmDescription: `Job ${job} of ${owner}. Look: millrace why ${job}. Runbook: docs/operate/runbooks.md#jobalert ${mark}`,
    ...{ Namespace: metricNamespace, MetricName: name, Dimensions: dimensionsOf(watch, shards) },
    ...{ Statistic: 'Maximum', Period: minuteSeconds, Threshold: above * factor },
    ComparisonOperator: 'GreaterThanThreshold',
    ...{ EvaluationPeriods: minutes.of, DatapointsToAlarm: minutes.above },
    // A job that is paused has no figures, and needs nobody.
    TreatMissingData: 'notBreaching',
    ...{ AlarmActions: [topicArn], OKActions: [topicArn] },
  };
}

function dashboardOf(watch: JobWatch, { region, shards }: CloudWatchOptions): object {
  const { job, owner, alerts } = watch;
  const dimensions = dimensionsOf(watch, shards).flatMap(({ Name, Value }) => [Name, Value]);
  const graph = (title: string, metric: string, threshold: number | undefined, x: number) => ({
    ...{ type: 'metric', x, y: 2, width: 8, height: 6 },
    properties: {
      ...{ title, region, stat: 'Maximum', period: minuteSeconds, view: 'timeSeries' },
      metrics: [[metricNamespace, metric, ...dimensions]],
      ...(threshold === undefined ? {} : { annotations: { horizontal: [{ label: 'alarm', value: threshold }] } }),
    },
  });
  const markdown = `# ${job}\n${owner}. \`millrace why ${job}\` tells what goes on.`;
  return {
    widgets: [
      { type: 'text', ...{ x: 0, y: 0, width: 24, height: 2 }, properties: { markdown } },
      graph('Lag, ms', jobMetrics.lag, alerts.lag, 0),
      graph('Dead letters, %', jobMetrics.deadLetters, percentOf(alerts.deadLetterRate), 8),
      graph('Unhealthy', jobMetrics.unhealthy, undefined, 16),
    ],
  };
}

const percentOf = (share: number | undefined): number | undefined => (share === undefined ? undefined : share * 100);
