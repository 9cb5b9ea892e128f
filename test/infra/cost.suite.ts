// What a platform costs is computed from what the stacks hold.
import { expect, test } from '@jest/globals';
import { platformShapes } from '#core/cost/platform-shapes.ts';
import { stages } from '#infra/config.ts';
import { sharedPlatform, stackNames } from '#test/support/synth-platform.ts';

interface AlarmParts {
  readonly Metrics?: readonly { readonly MetricStat?: object; readonly Expression?: string }[];
}

/** A query by broker looks at one of each; one over the jobs of a shard at as many as there are, which each job is charged for. */
function metricsOf({ Metrics = [] }: AlarmParts): number {
  const plain = Metrics.filter(({ MetricStat }) => MetricStat !== undefined).length;
  const isByBroker = Metrics.some(({ Expression }) => Expression?.includes('GROUP BY "Broker ID"'));
  return isByBroker ? platformShapes.prod.brokers : Math.max(plain, 1);
}

export function costSuite(): void {
  test('the shapes that cost is computed from are those of the stacks', () => {
    for (const [name, shape] of Object.entries(platformShapes)) {
      const { broker, database, natGateways, runtime } = stages[name as keyof typeof stages];
      if (broker.kind !== 'provisioned') throw new Error('the price table knows provisioned brokers only');
      expect(shape).toMatchObject({
        ...{ brokers: broker.brokers, brokerType: broker.instanceType, volumeGiB: broker.volumeGiB, natGateways },
        tasksMax: runtime.tasksMax,
        databaseInstances: 1 + database.readers,
        // A database that may pause does not: the sweep asks it once a minute.
        capacityUnits: Math.max(0.5, database.capacityMin),
      });
    }
    const synth = sharedPlatform('prod');
    const count = (type: string, properties = {}): number =>
      stackNames.reduce(
        (sum, stack) => sum + Object.keys(synth.template(stack).findResources(type, { Properties: properties })).length,
        0,
      );
    const alarms = Object.values(synth.template('observability').findResources('AWS::CloudWatch::Alarm'));
    const alarmedMetrics = alarms.reduce((sum, { Properties }) => sum + metricsOf(Properties as AlarmParts), 0);
    const { endpoints, alarmMetrics, keys } = platformShapes.prod;
    expect({
      endpoints: count('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Interface' }),
      ...{ alarmMetrics: alarmedMetrics, keys: count('AWS::KMS::Key') },
    }).toEqual({ endpoints, alarmMetrics, keys });
  });
}
