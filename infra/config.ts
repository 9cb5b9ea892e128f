// What differs between the stages, typed: nothing is read from context, nothing is looked up, so a synth needs no account.

export type StageName = 'dev' | 'staging' | 'prod';

/** Who may call the API: tokens of an OpenID provider, or AWS identities of the account. */
export type ApiAccess =
  | { readonly kind: 'jwt'; readonly issuer: string; readonly audience: readonly string[] }
  | { readonly kind: 'iam' };

export interface WorkerSizeConfig {
  readonly cpu: 256 | 512 | 1024 | 2048 | 4096;
  readonly memoryMiB: number;
}

/** What a worker needs to be let in by each of the services that it can sign requests to. */
export const signedActions = {
  es: ['es:ESHttpGet', 'es:ESHttpHead', 'es:ESHttpPost', 'es:ESHttpPut'],
  aoss: ['aoss:APIAccessAll'],
  'execute-api': ['execute-api:Invoke'],
  lambda: ['lambda:InvokeFunctionUrl'],
  'vpc-lattice-svcs': ['vpc-lattice-svcs:Invoke'],
} as const;

/** A multiple of 3: one in each zone. */
type BrokerCount = 3 | 6 | 9 | 12 | 15 | 30;

/**
 * How workers prove to the brokers who they are. `iam` (where nothing is said): by their job's role, so that the brokers
 * keep jobs apart; 3,000 connections a broker. `scram`: by one user for all workers, for which no number is set, and the
 * brokers take every job for the same. The control plane is known by its functions' roles either way.
 */
export type WorkerLogin = 'iam' | 'scram';

/**
 * `provisioned`: brokers and disks of one's own, and the only kind whose Kafka is known to carry exactly-once here (4.x).
 * `express`: brokers whose storage AWS keeps and grows. `serverless`: no brokers to speak of, limits that do not move
 * (docs/operate/quotas.md). The last two keep `min.insync.replicas` to themselves.
 */
export type BrokerConfig =
  | {
      readonly kind: 'provisioned';
      readonly instanceType: string;
      readonly kafkaVersion: string;
      readonly brokers: BrokerCount;
      readonly volumeGiB: number;
      readonly workerLogin?: WorkerLogin;
    }
  | {
      readonly kind: 'express';
      readonly instanceType: `express.${string}`;
      readonly kafkaVersion: string;
      readonly brokers: BrokerCount;
      readonly workerLogin?: WorkerLogin;
    }
  | { readonly kind: 'serverless' };

/** A stage as it is, but for its workers' login: what the tools look at beside the stages. */
export const withWorkerUser = (config: StageConfig): StageConfig =>
  config.broker.kind === 'serverless' ? config : { ...config, broker: { ...config.broker, workerLogin: 'scram' } };

/** Serverless knows no other. */
export const workerLoginOf = (broker: BrokerConfig): WorkerLogin =>
  broker.kind === 'serverless' ? 'iam' : (broker.workerLogin ?? 'iam');

/** A repository on GitHub whose workflow may deploy the stage (docs/operate/deploy.md). */
export interface DeployFrom {
  /** `owner/name`. */
  readonly repository: string;
  /** The account knows GitHub as an issuer of identities already: it takes one of each. */
  readonly providerIsThere?: boolean;
}

export interface StageConfig {
  readonly stage: StageName;
  /** Absent: the account that the deployment's credentials are of. One account holds one stage: names in it are fixed. */
  readonly account?: string;
  readonly region: string;
  readonly availabilityZones: readonly [string, string, string];
  readonly cidr: string;
  /** For sinks outside AWS's private network; 0: nothing in the VPC reaches the internet. */
  readonly natGateways: 0 | 1 | 3;
  readonly api: ApiAccess;
  readonly database: {
    /** Aurora capacity units; 0 lets it pause when nobody is connected. */
    readonly capacityMin: number;
    readonly capacityMax: number;
    readonly readers: 0 | 1;
    readonly backupDays: number;
  };
  readonly broker: BrokerConfig;
  readonly runtime: {
    /** One ECS cluster each: the blast radius of a runaway fleet. Cells are added, never taken away while jobs run in them. */
    readonly cells: number;
    readonly sizes: readonly WorkerSizeConfig[];
    /** Tasks the account may run (its quota of Fargate vCPUs); alarms compare with it. */
    readonly tasksMax: number;
  };
  /** Where routes may write to over HTTP. The public internet is open to them where there are NAT gateways. */
  readonly sinks: {
    /** Private networks beside it, such as `10.0.0.0/8`; routes to them (peering, a transit gateway) are the network team's. */
    readonly networks: readonly string[];
    /** Beside 443, and the port of `registryUrl`. */
    readonly ports: readonly number[];
    /** The cluster of OpenSearch sinks that name none. */
    readonly openSearchUrl?: string;
    /**
     * What sinks with `auth: { aws: … }` may be signed for: ARNs by service, such as `arn:aws:es:…:domain/search/*`. Open to
     * every job, for nothing in a session says which: who may declare such a sink is the API's business.
     */
    readonly signed?: Readonly<Partial<Record<keyof typeof signedActions, readonly string[]>>>;
    /** The schema registry of streams that name none. */
    readonly registryUrl?: string;
    /** Of registries, `<tenant>/<secret>`: the API takes, shows and tries events by their schemas, so it may read these and no others. */
    readonly registrySecrets?: readonly string[];
  };
  /** Parameters of all jobs (docs/reference/configuration.md): where neither team nor route says another, and over what they say. */
  readonly jobs?: {
    readonly defaults?: Readonly<Record<string, string | number>>;
    readonly forced?: Readonly<Record<string, string | number>>;
  };
  readonly concurrency: {
    readonly api: number;
    /** Passes at once. They share what ECS lets the account read, so that more of them list slower (`pass-reads.ts`), and decide no sooner. */
    readonly reconcile: number;
    readonly credentials: number;
  };
  readonly logDays: 7 | 30 | 90;
  /**
   * Over how many shards the jobs' metrics are spread, with an alarm on each: one query looks at 500 jobs at most. Changed,
   * every job's metrics begin anew in another shard.
   */
  readonly fleetShards: 1 | 2 | 4 | 8 | 16 | 32 | 64;
  /** Where alarms go; absent: to a topic without subscribers. */
  readonly alarmEmail?: string;
  /** Absent: no workflow may deploy it, a person does. */
  readonly deployFrom?: DeployFrom;
}

const region = 'us-east-1';
const availabilityZones = ['us-east-1a', 'us-east-1b', 'us-east-1c'] as const;

const sizes: readonly WorkerSizeConfig[] = [
  { cpu: 256, memoryMiB: 512 },
  { cpu: 256, memoryMiB: 1024 },
  { cpu: 512, memoryMiB: 1024 },
  { cpu: 512, memoryMiB: 2048 },
  { cpu: 1024, memoryMiB: 2048 },
  { cpu: 1024, memoryMiB: 4096 },
  { cpu: 2048, memoryMiB: 8192 },
  { cpu: 4096, memoryMiB: 16384 },
];

const sinks = { networks: [], ports: [] };

const kafkaVersion = '4.1.x.kraft';

export const stages: Readonly<Record<StageName, StageConfig>> = {
  dev: {
    ...{ stage: 'dev', region, availabilityZones, cidr: '10.40.0.0/16', natGateways: 0 },
    api: { kind: 'iam' },
    database: { capacityMin: 0, capacityMax: 4, readers: 0, backupDays: 7 },
    broker: { kind: 'provisioned', instanceType: 'kafka.t3.small', kafkaVersion, brokers: 3, volumeGiB: 50 },
    runtime: { cells: 1, sizes, tasksMax: 100 },
    concurrency: { api: 20, reconcile: 2, credentials: 10 },
    sinks,
    logDays: 7,
    fleetShards: 1,
  },
  staging: {
    ...{ stage: 'staging', region, availabilityZones, cidr: '10.41.0.0/16', natGateways: 1 },
    api: { kind: 'iam' },
    database: { capacityMin: 0.5, capacityMax: 8, readers: 0, backupDays: 14 },
    broker: { kind: 'provisioned', instanceType: 'kafka.m7g.large', kafkaVersion, brokers: 3, volumeGiB: 200 },
    runtime: { cells: 1, sizes, tasksMax: 500 },
    concurrency: { api: 50, reconcile: 3, credentials: 20 },
    sinks,
    logDays: 30,
    fleetShards: 2,
  },
  prod: {
    ...{ stage: 'prod', region, availabilityZones, cidr: '10.42.0.0/16', natGateways: 3 },
    api: { kind: 'jwt', issuer: 'https://login.example.com/', audience: ['millrace'] },
    database: { capacityMin: 1, capacityMax: 32, readers: 1, backupDays: 35 },
    broker: { kind: 'provisioned', instanceType: 'kafka.m7g.xlarge', kafkaVersion, brokers: 6, volumeGiB: 1000 },
    runtime: { cells: 4, sizes, tasksMax: 10_000 },
    // A pass lists 10,000 tasks in 12 s, and in 24 s when all were replaced within the hour: ECS lists those that stopped as well.
    // Two at once would then take 40 s, and after 30 s nothing of what a pass decides is carried out.
    concurrency: { api: 200, reconcile: 1, credentials: 100 },
    sinks,
    logDays: 90,
    fleetShards: 32,
  },
};
