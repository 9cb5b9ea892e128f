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
import {
  clusterMetric,
  dataWatches,
  eachBroker,
  passesEnded,
  passMetric,
  platformWatches,
  tableThrottles,
  type Watch,
} from './watches.ts';

interface ObservabilityProps extends StackProps {
  readonly config: StageConfig;
  readonly data: DataStack;
  readonly runtime: RuntimeStack;
  readonly controlPlane: ControlPlaneStack;
}

const minute = Duration.minutes(1);
const above = ComparisonOperator.GREATER_THAN_THRESHOLD;

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
    this.alarms = [...platformWatches(props.controlPlane), ...dataWatches(props.data, props.config)].map((watch) => {
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
          'A job has been stalled, failed or degraded in four of six minutes. Runbook: docs/operate/runbooks.md#fleetunhealthy',
        metrics: [
          {
            ...{ id: 'jobs', period: minute.toSeconds(), returnData: true },
            expression: `SELECT MAX(${unhealthy}) ${from} GROUP BY Job`,
          },
        ],
        // A minute may be without a pass, and so without figures.
        ...{ comparisonOperator: above, threshold: 0, evaluationPeriods: 6, datapointsToAlarm: 4 },
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmActions: [topic.topicArn],
      });
    }
  }

  #addDashboard({ controlPlane, data, config }: ObservabilityProps): void {
    const { api, reconcile, machine, nudges } = controlPlane;
    const broker = brokerGraph(config.broker.kind);
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
          graph('Passes', [machine.metricStarted(), passesEnded(), passMetric('PassFailures', Stats.SUM)]),
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
          ...(broker.length > 0 ? [graph('Broker', broker)] : []),
          graph(
            'Table throttles',
            Object.entries(data.tables).map(([name, table]) => tableThrottles(name, table.tableName)),
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

function brokerGraph(kind: StageConfig['broker']['kind']): IMetric[] {
  switch (kind) {
    case 'serverless':
      return [];
    case 'express':
      return [clusterMetric('ActiveControllerCount')];
    case 'provisioned':
      return [clusterMetric('OfflinePartitionsCount'), eachBroker('UnderReplicatedPartitions')];
  }
}
