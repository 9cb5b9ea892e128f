// What the platform is watched by: each metric under the dimensions that its service gives it, and from where on somebody is to look.
import { Duration } from 'aws-cdk-lib';
import {
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { metricNamespace } from '#core/names.ts';
import type { StageConfig } from './config.ts';
import type { ControlPlaneStack } from './control-plane-stack.ts';
import { brokerCluster, type DataStack } from './data-stack.ts';

const minute = Duration.minutes(1);
const above = ComparisonOperator.GREATER_THAN_THRESHOLD;
const below = ComparisonOperator.LESS_THAN_THRESHOLD;

export interface Watch {
  /** Also the heading of its runbook in docs/operate/runbooks.md: a test holds the two together. */
  readonly name: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly when: ComparisonOperator;
  readonly minutes: number;
  readonly says: string;
  readonly missing?: TreatMissingData;
}

/** What a function of ours tells of itself, under the name by which it logs. */
const ownMetric = (service: string, metricName: string, statistic: string): Metric =>
  new Metric({
    ...{ namespace: metricNamespace, metricName, statistic, period: minute },
    dimensionsMap: { service },
  });

export const passMetric = (metricName: string, statistic: string): Metric =>
  ownMetric('reconciler', metricName, statistic);

/** Passes that came to their end. The state machine succeeds also where a pass fails or was never begun: it leaves it to the sweep. */
export const passesEnded = (): Metric => passMetric('PassMs', Stats.SAMPLE_COUNT);

/** A worker that is refused gets an answer, so that the function's own errors do not count it. */
const credentialsNotGiven = ({ credentials }: ControlPlaneStack): MathExpression =>
  new MathExpression({
    expression: 'FILL(failed, 0) + FILL(refused, 0)',
    usingMetrics: {
      failed: credentials.function.metricErrors({ period: minute, statistic: Stats.SUM }),
      refused: ownMetric('credentials', 'CredentialsRefused', Stats.SUM),
    },
    ...{ label: 'Credentials not given', period: minute },
  });

/** Of the cluster as a whole. */
export const clusterMetric = (metricName: string): Metric =>
  new Metric({
    ...{ namespace: 'AWS/Kafka', metricName, statistic: Stats.MAXIMUM, period: minute },
    dimensionsMap: { 'Cluster Name': brokerCluster },
  });

/** Of each broker by itself, those that are added later too: under the cluster's name alone these metrics do not exist. */
export const eachBroker = (metricName: string): MathExpression =>
  new MathExpression({
    expression: [
      `SELECT MAX(${metricName}) FROM SCHEMA("AWS/Kafka", "Broker ID", "Cluster Name")`,
      `WHERE "Cluster Name" = '${brokerCluster}' GROUP BY "Broker ID"`,
    ].join(' '),
    ...{ label: metricName, period: minute },
  });

/** Reads and writes together. `ThrottledRequests` is kept by operation, and leaves out what was put off of a batch. */
export function tableThrottles(table: string, tableName: string): MathExpression {
  const events = (metricName: string): Metric =>
    new Metric({
      ...{ namespace: 'AWS/DynamoDB', metricName, statistic: Stats.SUM, period: minute },
      dimensionsMap: { TableName: tableName },
    });
  return new MathExpression({
    // Several of them stand in one graph, where a name is one metric's.
    expression: `FILL(${table}Reads, 0) + FILL(${table}Writes, 0)`,
    usingMetrics: {
      [`${table}Reads`]: events('ReadThrottleEvents'),
      [`${table}Writes`]: events('WriteThrottleEvents'),
    },
    ...{ label: tableName, period: minute },
  });
}

export function platformWatches(controlPlane: ControlPlaneStack): readonly Watch[] {
  const { api, reconcile, credentials, nudges, deadNudges, httpApi } = controlPlane;
  const options = { period: minute };
  return [
    {
      ...{ name: 'PassesStopped', threshold: 1, when: below, minutes: 5 },
      metric: passesEnded(),
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
      metric: credentialsNotGiven(controlPlane),
      says: "Workers cannot get their job's credentials: those that start wait, those that run stop within the hour.",
    },
    {
      ...{ name: 'CredentialsThrottled', threshold: 0, when: above, minutes: 5 },
      metric: credentials.function.metricThrottles(options),
      says: 'More workers start at once than the credentials function has concurrency for.',
    },
  ];
}

export function dataWatches(data: DataStack, config: StageConfig): readonly Watch[] {
  const { database } = data;
  return [
    ...brokerWatches(config.broker.kind),
    {
      ...{ name: 'GoalStoreCapacity', threshold: config.database.capacityMax * 0.9, when: above, minutes: 15 },
      metric: database.metricServerlessDatabaseCapacity({ period: minute, statistic: Stats.MAXIMUM }),
      says: 'The goal store is close to the largest size that it may grow to.',
    },
    ...Object.entries(data.tables).map(([name, table]): Watch => {
      const titled = `${name[0]!.toUpperCase()}${name.slice(1)}`;
      return {
        ...{ name: `Table${titled}Throttled`, threshold: 0, when: above, minutes: 3 },
        metric: tableThrottles(name, table.tableName),
        says: 'Leases, heartbeats or commits are put off; workers may lose their leases.',
      };
    }),
  ];
}

/** What each kind of broker tells of itself. Of serverless, AWS tells what goes in and out and nothing of its health: there the jobs do. */
function brokerWatches(kind: StageConfig['broker']['kind']): readonly Watch[] {
  const controller: Watch = {
    ...{ name: 'BrokerController', threshold: 1, when: below, minutes: 5 },
    metric: clusterMetric('ActiveControllerCount'),
    says: 'No broker leads the cluster: topics are neither made nor changed, and a partition that loses its leader gets no other.',
  };
  switch (kind) {
    case 'serverless':
      return [];
    case 'express':
      return [controller];
    case 'provisioned':
      return [controller, ...diskBrokerWatches];
  }
}

/** Express has no disk of one's own, and keeps replicas to itself. */
const diskBrokerWatches: readonly Watch[] = [
  {
    ...{ name: 'BrokerOffline', threshold: 0, when: above, minutes: 1 },
    metric: clusterMetric('OfflinePartitionsCount'),
    says: 'Partitions without a leader: they are neither read nor written.',
  },
  {
    ...{ name: 'BrokerUnderReplicated', threshold: 0, when: above, minutes: 15 },
    metric: eachBroker('UnderReplicatedPartitions'),
    says: 'A broker is behind or gone; one more and writes stop (min.insync.replicas 2).',
  },
  {
    ...{ name: 'BrokerDisk', threshold: 80, when: above, minutes: 5 },
    metric: eachBroker('KafkaDataLogsDiskUsed'),
    says: 'A broker that is full stops.',
  },
];
