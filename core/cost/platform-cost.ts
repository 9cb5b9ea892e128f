// What a platform costs a month: what it costs with no job, and what each job adds, from counts that follow from its settings.
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { roundMs } from '#core/job/pace.ts';
import type { PriceTable } from './price-table.ts';

/** What the stage's stacks hold, as far as it costs. */
export interface PlatformShape {
  readonly capacityUnits: number;
  readonly databaseInstances: number;
  readonly brokers: number;
  readonly brokerType: string;
  readonly volumeGiB: number;
  readonly natGateways: number;
  readonly endpoints: number;
  readonly zones: number;
  /** Metrics that alarms look at: an alarm costs by them. */
  readonly alarmMetrics: number;
  readonly keys: number;
  readonly reconcileMiB: number;
  /** Workers that the stage is made for; nothing in it grows by itself beyond them. */
  readonly tasksMax: number;
}

export interface Fleet {
  readonly jobs: number;
  readonly workersPerJob: number;
  readonly splitsPerJob: number;
  readonly cpu: number;
  readonly memoryMiB: number;
}

export interface CostLine {
  readonly what: string;
  readonly monthly: number;
  /** Whether more jobs make it more. */
  readonly grows: boolean;
  /** What makes it less. */
  readonly lever: string;
}

const hoursMonth = 730;
const secondsMonth = hoursMonth * 3_600;
/** Taken on, not measured: a second, and a millisecond a job. */
const passSeconds = (jobs: number): number => 1 + jobs * 0.001;
/** A sweep a minute: start, pass, choice, end. */
const transitionsASweep = 4;
/** A heartbeat is below a kilobyte as a rule; what DynamoDB charges for is started kilobytes. */
const heartbeatUnits = 2;
const logBytesAWorkerSecond = 20;

export function platformCost(
  shape: PlatformShape,
  fleet: Fleet,
  { worker }: Pick<PlatformSettings, 'worker'>,
  prices: PriceTable,
): readonly CostLine[] {
  return [...fixedCost(shape, prices), ...passCost(shape, fleet, prices), ...fleetCost(fleet, worker, prices)];
}

function fixedCost(shape: PlatformShape, prices: PriceTable): readonly CostLine[] {
  const broker = prices.kafkaBrokerHour[shape.brokerType] ?? Number.NaN;
  const fixed = (what: string, monthly: number, lever: string): CostLine => ({ what, monthly, grows: false, lever });
  return [
    fixed(
      `Kafka: ${shape.brokers} × ${shape.brokerType}`,
      shape.brokers * broker * hoursMonth,
      'smaller or fewer brokers',
    ),
    fixed(
      `Kafka: ${shape.brokers * shape.volumeGiB} GiB of disk`,
      shape.brokers * shape.volumeGiB * prices.kafkaStorageGibMonth,
      'retention',
    ),
    fixed(
      `Goal store: ${shape.databaseInstances} × ${shape.capacityUnits} ACU at the least`,
      shape.databaseInstances * shape.capacityUnits * prices.auroraCapacityUnitHour * hoursMonth,
      'capacityMin (the sweep keeps it from pausing), no reader',
    ),
    fixed(
      `Endpoints: ${shape.endpoints} in ${shape.zones} zones`,
      shape.endpoints * shape.zones * prices.endpointHour * hoursMonth,
      'fewer zones for them',
    ),
    fixed(`NAT: ${shape.natGateways}`, shape.natGateways * prices.natHour * hoursMonth, 'none where sinks are in AWS'),
    fixed('Alarms and keys', shape.alarmMetrics * prices.alarmMonth + shape.keys * prices.kmsKeyMonth, '-'),
  ];
}

function passCost({ reconcileMiB }: PlatformShape, { jobs }: Fleet, prices: PriceTable): readonly CostLine[] {
  const sweeps = secondsMonth / 60;
  const compute = sweeps * passSeconds(jobs) * (reconcileMiB / 1_024) * prices.lambdaArm.gibSecond;
  // Each pass reads every heartbeat and every control record: a kilobyte or two each, consistently.
  const reads = sweeps * jobs * 2 * prices.dynamoRead;
  return [
    {
      what: 'Passes: a sweep a minute',
      monthly: compute + sweeps * transitionsASweep * prices.stateTransition,
      grows: true,
      lever: '-',
    },
    { what: 'Passes: reading heartbeats and records', monthly: reads, grows: true, lever: 'a slower sweep' },
  ];
}

/** What the jobs themselves cost, without the platform around them. */
export function fleetCost(fleet: Fleet, worker: PlatformSettings['worker'], prices: PriceTable): readonly CostLine[] {
  const workers = fleet.jobs * fleet.workersPerJob;
  const splits = fleet.jobs * fleet.splitsPerJob;
  const each = (everyMs: number): number => secondsMonth / (everyMs / 1_000);
  const size = fleet.cpu * prices.fargateArm.vcpuHour + (fleet.memoryMiB / 1_024) * prices.fargateArm.gibHour;
  const grown = (what: string, monthly: number, lever: string): CostLine => ({ what, monthly, grows: true, lever });
  return [
    grown(
      `Workers: ${workers} × ${fleet.cpu} vCPU, ${fleet.memoryMiB} MiB`,
      workers * size * hoursMonth,
      'fewer workers a job, a Savings Plan',
    ),
    grown(
      'Heartbeats',
      workers * each(worker.heartbeatMs) * heartbeatUnits * prices.dynamoWrite,
      'heartbeatMs (and so how soon a silent worker is noticed)',
    ),
    grown('Rounds: reading the job’s items', workers * each(roundMs(worker)) * 2 * prices.dynamoRead, '-'),
    // The leader renews its own with each heartbeat.
    grown('Leases', fleet.jobs * each(worker.heartbeatMs) * prices.dynamoWrite, 'heartbeatMs'),
    grown('Commits', splits * each(worker.commitMs) * prices.dynamoWrite, 'commitMs (and so how much is read again)'),
    grown('Checkpoints', workers * each(worker.checkpointMs) * prices.s3Put, 'checkpointMs'),
    grown(
      'Credentials',
      workers * each(55 * 60_000) * (prices.kmsRequest + prices.lambdaArm.request + prices.s3Get),
      '-',
    ),
    grown(
      'Health: a metric a job, which an alarm of the fleet looks at',
      fleet.jobs * (prices.metricMonth + prices.alarmMonth),
      '-',
    ),
    grown('Logs', ((workers * logBytesAWorkerSecond * secondsMonth) / 2 ** 30) * prices.logGib, 'logLevel'),
  ];
}

export const totalOf = (lines: readonly CostLine[]): number => lines.reduce((sum, { monthly }) => sum + monthly, 0);
