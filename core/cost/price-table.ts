// AWS's list prices that the platform's cost is made of. A table, not a look-up: its date says how far to trust it.

export interface PriceTable {
  readonly region: string;
  /** When the prices were written down. */
  readonly asOf: string;
  readonly currency: 'USD';
  readonly fargateArm: { readonly vcpuHour: number; readonly gibHour: number };
  readonly lambdaArm: { readonly gibSecond: number; readonly request: number };
  readonly auroraCapacityUnitHour: number;
  readonly auroraStorageGibMonth: number;
  readonly kafkaBrokerHour: Readonly<Record<string, number>>;
  readonly kafkaStorageGibMonth: number;
  readonly dynamoWrite: number;
  readonly dynamoRead: number;
  readonly s3Put: number;
  readonly s3Get: number;
  readonly stateTransition: number;
  readonly sqsRequest: number;
  readonly kmsRequest: number;
  readonly kmsKeyMonth: number;
  readonly endpointHour: number;
  readonly natHour: number;
  readonly alarmMonth: number;
  /** The first ten thousand; the next are a third of it. */
  readonly metricMonth: number;
  readonly logGib: number;
}

/** On-demand, US East (N. Virginia), without taxes, discounts, free tiers and data transfer. Written down from memory of the public price pages. */
export const prices: PriceTable = {
  ...{ region: 'us-east-1', asOf: '2025-06-01', currency: 'USD' },
  fargateArm: { vcpuHour: 0.03238, gibHour: 0.00356 },
  lambdaArm: { gibSecond: 0.0000133334, request: 0.0000002 },
  auroraCapacityUnitHour: 0.12,
  auroraStorageGibMonth: 0.1,
  kafkaBrokerHour: { 'kafka.t3.small': 0.0456, 'kafka.m7g.large': 0.204, 'kafka.m7g.xlarge': 0.408 },
  kafkaStorageGibMonth: 0.1,
  dynamoWrite: 0.000000625,
  dynamoRead: 0.000000125,
  s3Put: 0.000005,
  s3Get: 0.0000004,
  stateTransition: 0.000025,
  sqsRequest: 0.0000004,
  kmsRequest: 0.000003,
  kmsKeyMonth: 1,
  endpointHour: 0.01,
  natHour: 0.045,
  alarmMonth: 0.1,
  metricMonth: 0.3,
  logGib: 0.5,
};
