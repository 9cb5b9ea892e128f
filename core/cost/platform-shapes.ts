// The stages as far as they cost; a test holds them against the stacks.
import type { PlatformShape } from './platform-cost.ts';

export const shapeNames = ['dev', 'staging', 'prod'] as const;
export type ShapeName = (typeof shapeNames)[number];

const all = { endpoints: 12, zones: 3, keys: 3, reconcileMiB: 1_769 } as const;
/** Of the platform's own alarms, but for the two that look at each broker; the fleet's come with its shards. */
const platformMetrics = 22;
const alarmMetrics = (brokers: number, shards: number): number => platformMetrics + 2 * brokers + shards;

export const platformShapes: Readonly<Record<ShapeName, PlatformShape>> = {
  dev: {
    ...all,
    alarmMetrics: alarmMetrics(3, 1),
    ...{ capacityUnits: 0.5, databaseInstances: 1, brokers: 3, brokerType: 'kafka.t3.small', volumeGiB: 50 },
    ...{ natGateways: 0, tasksMax: 100 },
  },
  staging: {
    ...all,
    alarmMetrics: alarmMetrics(3, 2),
    ...{ capacityUnits: 0.5, databaseInstances: 1, brokers: 3, brokerType: 'kafka.m7g.large', volumeGiB: 200 },
    ...{ natGateways: 1, tasksMax: 500 },
  },
  prod: {
    ...all,
    alarmMetrics: alarmMetrics(6, 32),
    ...{ capacityUnits: 1, databaseInstances: 2, brokers: 6, brokerType: 'kafka.m7g.xlarge', volumeGiB: 1_000 },
    ...{ natGateways: 3, tasksMax: 10_000 },
  },
};
