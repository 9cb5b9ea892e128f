// What people look at and are woken by: alarms on the platform, sharded alarms on the fleet, one dashboard.
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  CfnAlarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  Stats,
  TextWidget,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { alarmTopic, jobMetrics, metricNamespace } from '#core/names.ts';
import type { StageConfig } from './config.ts';
import type { ControlPlaneStack } from './control-plane-stack.ts';
import type { DataStack } from './data-stack.ts';
import type { RuntimeStack } from './runtime-stack.ts';

interface ObservabilityProps extends StackProps {
  readonly config: StageConfig;
  readonly data: DataStack;
  readonly runtime: RuntimeStack;
  readonly controlPlane: ControlPlaneStack;
}

const minute = Duration.minutes(1);
const above = ComparisonOperator.GREATER_THAN_THRESHOLD;
const below = ComparisonOperator.LESS_THAN_THRESHOLD;

interface Watch {
  /** Also the heading of its runbook in docs/operate/runbooks.md: a test holds the two together. */
  readonly name: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly when: ComparisonOperator;
  readonly minutes: number;
  readonly says: string;
  readonly missing?: TreatMissingData;
}

export class ObservabilityStack extends Stack {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: ObservabilityProps) {
    super(scope, id, props);
    const key = new Key(this, 'AlarmKey', { description: 'Encrypts alarms', enableKeyRotation: true });
    key.grantEncryptDecrypt(new ServicePrincipal('cloudwatch.amazonaws.com'));
    const topic = new Topic(this, 'Alarms', {
      ...{ topicName: alarmTopic, displayName: 'Millrace alarms', masterKey: key, enforceSSL: true },
    });
    // A topic with a policy of its own has lost the one by which the account's alarms may publish to it.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
    if (props.config.alarmEmail) topic.addSubscription(new EmailSubscription(props.config.alarmEmail));
    this.alarms = [...platformWatches(props), ...dataWatches(props)].map((watch) => {
      const alarm = new Alarm(this, watch.name, alarmProps(watch));
      alarm.addAlarmAction(new SnsAction(topic));
      return alarm;
    });
    this.#addFleetAlarms(props.config.fleetShards, topic);
    this.#addDashboard(props);
  }

  /** Each looks at its shard's jobs one by one, and tells which of them it is; a job that is new is looked at without anybody's doing. */
  #addFleetAlarms(shards: number, topic: Topic): void {
    const { unhealthy } = jobMetrics;
    for (let shard = 0; shard < shards; shard++) {
      const from = `FROM SCHEMA("${metricNamespace}", Job, Shard) WHERE Shard = '${shard}'`;
      new CfnAlarm(this, `Fleet${shard}`, {
        alarmName: `millrace-FleetUnhealthy-${shard}`,
        alarmDescription:
          'A job has been stalled, failed or degraded for five minutes. Runbook: docs/operate/runbooks.md#fleetunhealthy',
        metrics: [
          {
            ...{ id: 'jobs', period: minute.toSeconds(), returnData: true },
            expression: `SELECT MAX(${unhealthy}) ${from} GROUP BY Job`,
          },
        ],
        ...{ comparisonOperator: above, threshold: 0, evaluationPeriods: 5, datapointsToAlarm: 5 },
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmActions: [topic.topicArn],
      });
    }
  }

  #addDashboard({ controlPlane, data }: ObservabilityProps): void {
    const { api, reconcile, machine, nudges } = controlPlane;
    const graph = (title: string, left: IMetric[]): GraphWidget =>
      new GraphWidget({ title, left, width: 8, height: 6 });
    new Dashboard(this, 'Platform', {
      dashboardName: 'Millrace',
      widgets: [
        [new TextWidget({ markdown: '# Millrace\nRunbooks: docs/operate/runbooks.md', width: 24, height: 2 })],
        [
          graph('Requests', [controlPlane.httpApi.metricCount(), controlPlane.httpApi.metricServerError()]),
          graph('API, ms', [
            api.function.metricDuration({ statistic: Stats.p(50) }),
            api.function.metricDuration({ statistic: Stats.p(99) }),
          ]),
          graph('Passes', [machine.metricStarted(), machine.metricFailed(), passMetric('PassFailures', Stats.SUM)]),
        ],
        [
          graph('Pass, ms', [passMetric('PassMs', Stats.p(50)), passMetric('PassMs', Stats.MAXIMUM)]),
          graph('Functions throttled', [api.function.metricThrottles(), reconcile.function.metricThrottles()]),
          graph('Nudges waiting', [nudges.metricApproximateAgeOfOldestMessage()]),
        ],
        [
          graph('Goal store', [
            data.database.metricServerlessDatabaseCapacity(),
            data.database.metricDatabaseConnections(),
          ]),
          graph('Broker', [brokerMetric('OfflinePartitionsCount'), brokerMetric('UnderReplicatedPartitions')]),
          graph(
            'Table throttles',
            Object.values(data.tables).map((table) => tableThrottles(table.tableName)),
          ),
        ],
      ],
    });
  }
}

function alarmProps(watch: Watch): AlarmProps {
  return {
    alarmName: `millrace-${watch.name}`,
    alarmDescription: `${watch.says} Runbook: docs/operate/runbooks.md#${watch.name.toLowerCase()}`,
    ...{ metric: watch.metric, threshold: watch.threshold, comparisonOperator: watch.when },
    evaluationPeriods: watch.minutes,
    datapointsToAlarm: watch.minutes,
    treatMissingData: watch.missing ?? TreatMissingData.NOT_BREACHING,
  };
}

const passMetric = (metricName: string, statistic: string): Metric =>
  new Metric({
    ...{ namespace: metricNamespace, metricName, statistic, period: minute },
    dimensionsMap: { service: 'reconciler' },
  });

const brokerMetric = (metricName: string): Metric =>
  new Metric({
    ...{ namespace: 'AWS/Kafka', metricName, statistic: Stats.MAXIMUM, period: minute },
    dimensionsMap: { 'Cluster Name': 'millrace' },
  });

const tableThrottles = (tableName: string): Metric =>
  new Metric({
    ...{ namespace: 'AWS/DynamoDB', metricName: 'ThrottledRequests', statistic: Stats.SUM, period: minute },
    dimensionsMap: { TableName: tableName },
  });

function platformWatches({ controlPlane }: ObservabilityProps): readonly Watch[] {
  const { api, reconcile, credentials, machine, nudges, deadNudges, httpApi } = controlPlane;
  const options = { period: minute };
  return [
    {
      ...{ name: 'PassesStopped', threshold: 1, when: below, minutes: 5 },
      metric: machine.metricSucceeded({ ...options, statistic: Stats.SUM }),
      says: 'No pass has ended for five minutes: nothing that is declared is carried out, dead workers are not replaced.',
      missing: TreatMissingData.BREACHING,
    },
    {
      ...{ name: 'PassesFail', threshold: 0, when: above, minutes: 10 },
      metric: passMetric('PassFailures', Stats.SUM),
      says: 'Some target could not be brought to its goal in each of ten minutes.',
    },
    {
      ...{ name: 'BooksUnbalanced', threshold: 0, when: above, minutes: 2 },
      metric: passMetric('JobsUnbalanced', Stats.MAXIMUM),
      says: 'The account of some job does not balance: a record that was read is not accounted for.',
    },
    {
      ...{ name: 'GoalStoreWentBack', threshold: 0, when: above, minutes: 1 },
      metric: passMetric('GoalStoreWentBack', Stats.MAXIMUM),
      says: 'The goal store lacks changes that were carried out (a restored backup): the fleet is frozen until somebody decides.',
    },
    {
      ...{ name: 'ReconcileErrors', threshold: 0, when: above, minutes: 3 },
      metric: reconcile.function.metricErrors(options),
      says: 'The reconcile function fails as a whole.',
    },
    {
      ...{ name: 'ReconcileSlow', threshold: 45_000, when: above, minutes: 5 },
      metric: passMetric('PassMs', Stats.MAXIMUM),
      says: 'A pass takes longer than the sweep takes to come round.',
    },
    {
      ...{ name: 'ApiErrors', threshold: 5, when: above, minutes: 3 },
      metric: httpApi.metricServerError({ ...options, statistic: Stats.SUM }),
      says: 'The API answers with 5xx.',
    },
    {
      ...{ name: 'ApiThrottled', threshold: 0, when: above, minutes: 5 },
      metric: api.function.metricThrottles(options),
      says: 'More requests than the API has concurrency for.',
    },
    {
      ...{ name: 'NudgesLate', threshold: 60, when: above, minutes: 3 },
      metric: nudges.metricApproximateAgeOfOldestMessage({ ...options, statistic: Stats.MAXIMUM }),
      says: 'Changes and stopped tasks wait; only the sweep sees them.',
    },
    {
      ...{ name: 'NudgesLost', threshold: 0, when: above, minutes: 1 },
      metric: deadNudges.metricApproximateNumberOfMessagesVisible({ ...options, statistic: Stats.MAXIMUM }),
      says: 'Events could not be delivered. Nothing is lost by it; the sweep saw to them.',
    },
    {
      ...{ name: 'CredentialsFail', threshold: 0, when: above, minutes: 3 },
      metric: credentials.function.metricErrors(options),
      says: "Workers cannot get their job's credentials: those that start wait, those that run stop within the hour.",
    },
    {
      ...{ name: 'CredentialsThrottled', threshold: 0, when: above, minutes: 5 },
      metric: credentials.function.metricThrottles(options),
      says: 'More workers start at once than the credentials function has concurrency for.',
    },
  ];
}

function dataWatches({ data, config }: ObservabilityProps): readonly Watch[] {
  const { database } = data;
  return [
    {
      ...{ name: 'BrokerOffline', threshold: 0, when: above, minutes: 1 },
      metric: brokerMetric('OfflinePartitionsCount'),
      says: 'Partitions without a leader: they are neither read nor written.',
    },
    {
      ...{ name: 'BrokerUnderReplicated', threshold: 0, when: above, minutes: 15 },
      metric: brokerMetric('UnderReplicatedPartitions'),
      says: 'A broker is behind or gone; one more and writes stop (min.insync.replicas 2).',
    },
    {
      ...{ name: 'BrokerDisk', threshold: 80, when: above, minutes: 5 },
      metric: brokerMetric('KafkaDataLogsDiskUsed'),
      says: 'A broker that is full stops.',
    },
    {
      ...{ name: 'GoalStoreCapacity', threshold: config.database.capacityMax * 0.9, when: above, minutes: 15 },
      metric: database.metricServerlessDatabaseCapacity({ period: minute, statistic: Stats.MAXIMUM }),
      says: 'The goal store is close to the largest size that it may grow to.',
    },
    ...Object.entries(data.tables).map(([name, table]): Watch => {
      const titled = `${name[0]!.toUpperCase()}${name.slice(1)}`;
      return {
        ...{ name: `Table${titled}Throttled`, threshold: 0, when: above, minutes: 3 },
        metric: tableThrottles(table.tableName),
        says: 'Leases, heartbeats or commits are put off; workers may lose their leases.',
      };
    }),
  ];
}
