// An alarm on a metric under dimensions that its service does not give it never has a value, and never fires: no template tells.
import { expect, test } from '@jest/globals';
import { stages } from '#infra/config.ts';
import { type SynthPlatform, sharedPlatform } from '#test/support/synth-platform.ts';

/**
 * What the services document, for the metrics that we look at. MSK: developer guide, "metrics for monitoring Standard
 * brokers" and "… Express brokers". DynamoDB: "Metrics and dimensions". Lambda: "Types of metrics". Step Functions:
 * "Monitoring metrics". SQS: "Available CloudWatch metrics". API Gateway: "HTTP API metrics". Aurora: "Cluster-level metrics".
 */
const documented: Readonly<Record<string, readonly string[]>> = {
  'AWS/Kafka ActiveControllerCount': ['Cluster Name'],
  'AWS/Kafka OfflinePartitionsCount': ['Cluster Name'],
  'AWS/Kafka UnderReplicatedPartitions': ['Broker ID', 'Cluster Name'],
  'AWS/Kafka KafkaDataLogsDiskUsed': ['Broker ID', 'Cluster Name'],
  'AWS/DynamoDB ReadThrottleEvents': ['TableName'],
  'AWS/DynamoDB WriteThrottleEvents': ['TableName'],
  'AWS/Lambda Errors': ['FunctionName'],
  'AWS/Lambda Throttles': ['FunctionName'],
  'AWS/Lambda Duration': ['FunctionName'],
  'AWS/States ExecutionsStarted': ['StateMachineArn'],
  'AWS/SQS ApproximateAgeOfOldestMessage': ['QueueName'],
  'AWS/SQS ApproximateNumberOfMessagesVisible': ['QueueName'],
  'AWS/ApiGateway Count': ['ApiId'],
  'AWS/ApiGateway 5xx': ['ApiId'],
  'AWS/RDS ServerlessDatabaseCapacity': ['DBClusterIdentifier'],
  'AWS/RDS DatabaseConnections': ['DBClusterIdentifier'],
  // Ours: of a pass (functions/reconcile/lambda-main.ts), of the credentials function (its lambda-main.ts), and of a job.
  'Millrace PassFailures': ['service'],
  'Millrace PassMs': ['service'],
  'Millrace JobsUnbalanced': ['service'],
  'Millrace GoalStoreWentBack': ['service'],
  'Millrace CredentialsRefused': ['service'],
  'Millrace Unhealthy': ['Job', 'Shard'],
};

/** Metrics that Express brokers do not have: they keep their disks and replicas to themselves. */
const standardOnly = ['OfflinePartitionsCount', 'UnderReplicatedPartitions', 'KafkaDataLogsDiskUsed'];

interface Looked {
  readonly metric: string;
  readonly dimensions: readonly string[];
}

interface PlainMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string }[];
}

const plain = ({ Namespace, MetricName, Dimensions = [] }: PlainMetric): Looked => ({
  metric: `${Namespace} ${MetricName}`,
  dimensions: Dimensions.map(({ Name }) => Name).sort(),
});

/** `SELECT MAX(name) FROM SCHEMA("namespace", dimension, …) …` */
function queried(text: string): Looked[] {
  const [, name, namespace, list] = /^SELECT \w+\((\w+)\) FROM SCHEMA\("([^"]+)", ([^)]+)\)/.exec(text) ?? [];
  if (name === undefined) return [];
  const dimensions = list!.split(', ').map((dimension) => dimension.replaceAll('"', ''));
  return [{ metric: `${namespace} ${name}`, dimensions: dimensions.sort() }];
}

function alarmedOn({ template }: SynthPlatform): readonly Looked[] {
  return Object.values(template('observability').findResources('AWS::CloudWatch::Alarm')).flatMap(({ Properties }) =>
    Properties.Metrics === undefined
      ? [plain(Properties as PlainMetric)]
      : (Properties.Metrics as { Expression?: string; MetricStat?: { Metric: PlainMetric } }[]).flatMap((part) =>
          part.MetricStat === undefined ? queried(part.Expression ?? '') : [plain(part.MetricStat.Metric)],
        ),
  );
}

/** A widget's metric is a row: namespace, name, then names and values of dimensions in turns, and at last how it is drawn. */
function drawn({ template }: SynthPlatform): readonly Looked[] {
  const [dashboard] = Object.values(template('observability').findResources('AWS::CloudWatch::Dashboard'));
  const parts = dashboard!['Properties'].DashboardBody['Fn::Join'][1] as unknown[];
  const body = JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'token')).join('')) as {
    widgets: { properties: { metrics?: readonly unknown[][] } }[];
  };
  return body.widgets
    .flatMap(({ properties }) => properties.metrics ?? [])
    .flatMap((row) => {
      if (typeof row[0] === 'object') return queried((row[0] as { expression: string }).expression);
      const names = row.slice(2).filter((part, index) => index % 2 === 0 && typeof part === 'string') as string[];
      return [{ metric: `${row[0]} ${row[1]}`, dimensions: names.sort() }];
    });
}

export function watchesSuite(): void {
  const { broker, ...rest } = stages.dev;
  const express = sharedPlatform({
    ...{ ...rest, broker: { kind: 'express', instanceType: 'express.m7g.large', kafkaVersion: '3.9.x', brokers: 3 } },
  });
  const serverless = sharedPlatform({ ...rest, broker: { kind: 'serverless' } });

  test.each([
    ['provisioned', sharedPlatform('prod')],
    ['express', express],
    ['serverless', serverless],
  ])(
    'every alarm and graph looks at metrics under the dimensions that their services give them (%s)',
    (_, platform) => {
      const looked = [...alarmedOn(platform), ...drawn(platform)];
      expect(looked.length).toBeGreaterThan(30);
      for (const { metric, dimensions } of looked) expect([metric, dimensions]).toEqual([metric, documented[metric]]);
    },
  );

  const alarm = (name: string): Record<string, unknown> =>
    Object.values(sharedPlatform('prod').template('observability').findResources('AWS::CloudWatch::Alarm')).find(
      ({ Properties }) => Properties.AlarmName === `millrace-${name}`,
    )!['Properties'];

  test('that passes have stopped is seen by passes that do not end, whatever the executions around them come to', () => {
    expect(alarm('PassesStopped')).toMatchObject({
      ...{ Namespace: 'Millrace', MetricName: 'PassMs', Statistic: 'SampleCount' },
      ...{ Dimensions: [{ Name: 'service', Value: 'reconciler' }], TreatMissingData: 'breaching' },
      ...{ ComparisonOperator: 'LessThanThreshold', Threshold: 1, EvaluationPeriods: 5, DatapointsToAlarm: 5 },
    });
  });

  test('that workers get no credentials is seen by calls that fail and by calls that are refused', () => {
    const { Metrics } = alarm('CredentialsFail') as {
      Metrics: { Id: string; Expression?: string; MetricStat?: { Metric: PlainMetric } }[];
    };
    expect(Metrics.find(({ Expression }) => Expression !== undefined)?.Expression).toBe(
      'FILL(failed, 0) + FILL(refused, 0)',
    );
    const part = (id: string) => Metrics.find(({ Id }) => Id === id)?.MetricStat?.Metric;
    expect(part('failed')).toMatchObject({ Namespace: 'AWS/Lambda', MetricName: 'Errors' });
    expect(part('refused')).toEqual({
      ...{ Namespace: 'Millrace', MetricName: 'CredentialsRefused' },
      Dimensions: [{ Name: 'service', Value: 'credentials' }],
    });
  });

  test('no alarm waits for what Express or Serverless brokers never tell', () => {
    const names = (platform: SynthPlatform) =>
      [...alarmedOn(platform), ...drawn(platform)]
        .filter(({ metric }) => metric.startsWith('AWS/Kafka'))
        .map(({ metric }) => metric.replace('AWS/Kafka ', ''));
    expect(names(express).filter((name) => standardOnly.includes(name))).toEqual([]);
    expect(names(serverless)).toEqual([]);
  });
}
