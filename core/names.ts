// Every name that is spelled in AWS, Kafka, S3, DynamoDB, environment variables and metrics: the one file infra shares with code.

/** Environment variables, read once in each program's compose file. */
export const environment = {
  stage: 'MILLRACE_STAGE',
  dataDir: 'MILLRACE_DATA_DIR',
  kafkaBrokers: 'MILLRACE_KAFKA_BROKERS',
  /** `none`, `iam` or `scram`. */
  kafkaAuth: 'MILLRACE_KAFKA_AUTH',
  /** ARN of the secret with the user and the password for `scram`. */
  kafkaSecret: 'MILLRACE_KAFKA_SECRET',
  /** `of-broker`: topics leave `min.insync.replicas` to the broker; else the platform sets it. */
  minInsyncReplicas: 'MILLRACE_MIN_INSYNC_REPLICAS',
  postgresUrl: 'MILLRACE_POSTGRES_URL',
  /** `password` (in the URL) or `iam`. */
  postgresAuth: 'MILLRACE_POSTGRES_AUTH',
  dynamodbEndpoint: 'MILLRACE_DYNAMODB_ENDPOINT',
  s3Endpoint: 'MILLRACE_S3_ENDPOINT',
  cloudwatchEndpoint: 'MILLRACE_CLOUDWATCH_ENDPOINT',
  secretsEndpoint: 'MILLRACE_SECRETS_ENDPOINT',
  glueEndpoint: 'MILLRACE_GLUE_ENDPOINT',
  bucket: 'MILLRACE_BUCKET',
  /** Where the columns and folders of tables are kept: `glue`, or `bucket` beside the files, which is the default. */
  tableCatalog: 'MILLRACE_TABLE_CATALOG',
  region: 'AWS_REGION',
  accessKeyId: 'AWS_ACCESS_KEY_ID',
  secretAccessKey: 'AWS_SECRET_ACCESS_KEY',
  apiPort: 'MILLRACE_API_PORT',
  apiUrl: 'MILLRACE_API',
  /** Shown by the command line to an API whose gateway wants one. */
  apiToken: 'MILLRACE_TOKEN',
  supervisorPort: 'MILLRACE_SUPERVISOR_PORT',
  supervisorUrl: 'MILLRACE_SUPERVISOR_URL',
  reconcilerPort: 'MILLRACE_RECONCILER_PORT',
  reconcilerUrl: 'MILLRACE_RECONCILER_URL',
  logLevel: 'MILLRACE_LOG_LEVEL',
  /** The local supervisor's own settings. */
  workerEntry: 'MILLRACE_WORKER_ENTRY',
  tasksMax: 'MILLRACE_TASKS_MAX',
  stopTimeoutMs: 'MILLRACE_STOP_TIMEOUT_MS',
  /** How long a silent worker keeps what it holds; heartbeats and commits are stretched with it. */
  leaseMs: 'MILLRACE_LEASE_MS',
  /** Where secrets are kept as files, on one machine. */
  secretsDir: 'MILLRACE_SECRETS_DIR',
  /** Networks beside the public internet that sinks may write to: `loopback,10.0.0.0/8`, or `none`. */
  sinkNetworks: 'MILLRACE_SINK_NETWORKS',
  /** A JSON file of parameters of all jobs (or its text), and the same as a variable that goes before what routes say. */
  configFile: 'MILLRACE_CONFIG_FILE',
  config: 'MILLRACE_CONFIG',
  /** The cluster of OpenSearch sinks that name none. */
  openSearchUrl: 'MILLRACE_OPENSEARCH_URL',
  /** The schema registry of streams that name none. */
  registryUrl: 'MILLRACE_REGISTRY_URL',
  /** Node's own: a file of certificates that are trusted beside the public ones. */
  extraCertificates: 'NODE_EXTRA_CA_CERTS',
  /** Given to one worker task by the reconciler. */
  job: 'MILLRACE_JOB',
  worker: 'MILLRACE_WORKER',
  incarnation: 'MILLRACE_INCARNATION',
  slot: 'MILLRACE_SLOT',
  /** Hash of all that shapes the worker's process; reported back in its heartbeats. */
  render: 'MILLRACE_RENDER',
  /** Key of the job's goal in the bucket. */
  goal: 'MILLRACE_GOAL',
  /** Proof of which worker a task is, signed by the reconciler; the broker of credentials takes it. On AWS only. */
  identity: 'MILLRACE_IDENTITY',
  /** AWS only: what the deployment gives to functions and tasks. */
  version: 'MILLRACE_VERSION',
  clusters: 'MILLRACE_CLUSTERS',
  taskDefinitions: 'MILLRACE_TASK_DEFINITIONS',
  subnets: 'MILLRACE_SUBNETS',
  securityGroups: 'MILLRACE_SECURITY_GROUPS',
  workerLogGroup: 'MILLRACE_WORKER_LOG_GROUP',
  /** ARN of the SNS topic that alarms of jobs go to; absent: no alarms are made. */
  alarmTopic: 'MILLRACE_ALARM_TOPIC',
  /** Over how many shards the metrics of jobs are spread. */
  metricShards: 'MILLRACE_METRIC_SHARDS',
  ecsEndpoint: 'MILLRACE_ECS_ENDPOINT',
  stateMachine: 'MILLRACE_STATE_MACHINE',
  nudgeQueue: 'MILLRACE_NUDGE_QUEUE',
  identityKey: 'MILLRACE_IDENTITY_KEY',
  jobRole: 'MILLRACE_JOB_ROLE',
  credentialsFunction: 'MILLRACE_CREDENTIALS_FUNCTION',
  databaseSecret: 'MILLRACE_DATABASE_SECRET',
  apiFunction: 'MILLRACE_API_FUNCTION',
  databaseHost: 'MILLRACE_DATABASE_HOST',
} as const;

/** Tags on a task, by which the reconciler knows its own again. */
export const taskTags = {
  platform: 'millrace:platform',
  job: 'millrace:job',
  uid: 'millrace:uid',
  revision: 'millrace:revision',
  render: 'millrace:render',
  incarnation: 'millrace:incarnation',
  slot: 'millrace:slot',
} as const;

/** Session tags of a job's credentials on AWS; the job role's policy grants what they name and nothing else. */
export const sessionTags = {
  /** The job's id: its items in the tables, its goals and checkpoints in the bucket. */
  job: 'millrace-job',
  /** Topics: the one it reads, the one it writes, its dead letters. */
  source: 'millrace-source',
  sink: 'millrace-sink',
  deadLetter: 'millrace-dead-letter',
  /** The group under which its positions are shown. */
  group: 'millrace-group',
  /** The table it writes: `<tenant>/<table>`. */
  table: 'millrace-table',
  /** Where Glue has that table: the database, and `<database>/<table>`. */
  glueDatabase: 'millrace-glue-database',
  glueTable: 'millrace-glue-table',
  /** The secret that its sink is shown: `<tenant>/<secret>`. */
  secret: 'millrace-secret',
  /** Those that the registries of its source's and its sink's schemas are shown. */
  sourceSecret: 'millrace-source-secret',
  sinkSecret: 'millrace-sink-secret',
} as const;

/** The user of all workers at brokers that know users and passwords; MSK takes no secret whose name begins otherwise. */
export const workerLogin = { user: 'millrace-worker', secretName: 'AmazonMSK_millrace-worker' } as const;

/** A secret's name in Secrets Manager. */
export const secretName = (tenant: string, name: string): string => `millrace/${tenant}/${name}`;

/** On what a CloudFormation stack has declared: `<stack>/<logical id>`. */
export const stackLabel = 'millrace.stack';

/** The function whose ARN is the service token of CDK's `Stream` and `Route`, in every account that holds a platform. */
export const declarationsFunction = 'millrace-declarations';

/** DynamoDB tables. */
export const tables = {
  /** One item a split: owner, epoch, committed position. */
  splits: 'millrace-splits',
  /** One item a worker: its heartbeat; one a job: the leader's lease and the split assignment. */
  workers: 'millrace-workers',
  /** One item a job or stream: what the reconciler decided last, its claim and its backoff. */
  control: 'millrace-control',
} as const;

export const defaultBucket = 'millrace';

/** A job is one sink of a route: `<route>.<sink>`. */
export const jobName = (route: string, sink: string): string => `${route}.${sink}`;

/** A worker is one slot of a job in one incarnation; its name orders with age: a later worker has the higher incarnation. */
export const workerName = (job: string, incarnation: number, slot: number): string =>
  `${job}/${String(incarnation).padStart(8, '0')}/${slot}`;

/** Without its job, for messages that stand under the job anyway: incarnation and slot, `3/0`. */
export const shortWorkerName = (worker: string): string => {
  const [incarnation, slot] = worker.split('/').slice(-2);
  return `${Number(incarnation)}/${slot}`;
};

export const defaultTenant = 'default';

/**
 * Names in a cluster that all tenants share: those of the default tenant as they are, those of another behind its own. No
 * stream's name has a dot and a job's has one, so no tenant can name what is another's.
 */
const ofTenant = (tenant: string, name: string): string => (tenant === defaultTenant ? name : `${tenant}.${name}`);

/** A stream's topic bears the stream's name; the platform's own topics begin with two underscores, which no stream can. */
export const topicOfStream = (tenant: string, stream: string): string => ofTenant(tenant, stream);
export const deadLetterTopic = (tenant: string, job: string): string => `__dlq.${ofTenant(tenant, job)}`;

/** Headers of a dead letter; its key and value are the original's bytes. */
export const deadLetterHeaders = {
  job: 'millrace-job',
  revision: 'millrace-revision',
  errorClass: 'millrace-error-class',
  errorCode: 'millrace-error-code',
  errorMessage: 'millrace-error-message',
  topic: 'millrace-source-topic',
  topicId: 'millrace-source-topic-id',
  partition: 'millrace-source-partition',
  offset: 'millrace-source-offset',
  timestamp: 'millrace-source-timestamp',
  failedAt: 'millrace-failed-at',
} as const;
/** How often a dead letter was replayed before it failed again; absent on one that never was. */
export const replaysHeader = 'millrace-replays';

/** S3 keys. Numbers are zero-padded, so that keys sort as they age. */
export const objectKeys = {
  /** How far passes have gone by the goal store's history. */
  goalHistory: 'goals/history.json',
  /** A job's compiled goal; immutable, named by the hash of its content. */
  goal: (job: string, hash: string): string => `goals/${job}/${hash}.json`,
  /** The same, named by what of it shapes a worker's process: the first goal that workers of that shape were started for. */
  goalOfRender: (job: string, render: string): string => `goals/${job}/by-render/${render}.json`,
  checkpoint: (job: string, uid: string, sequence: number): string =>
    `checkpoints/${job}/${uid}/${String(sequence).padStart(12, '0')}.json`,
  checkpointPrefix: (job: string, uid: string): string => `checkpoints/${job}/${uid}/`,
} as const;

/**
 * S3 keys of tables. The data prefix holds files of the table and nothing else, at any moment: whoever lists it reads the
 * table. What is on its way lies elsewhere.
 */
export const tableKeys = {
  data: (tenant: string, table: string): string => `tables/${tenant}/${table}/`,
  /** Uploaded, not yet part of the table; a split of a job is the only one that writes there. */
  staging: (job: string, split: string): string => `staging/${job}/${split}/`,
  journal: (job: string, split: string): string => `journal/${job}/${split}/`,
  journalEntry: (job: string, split: string, sequence: number): string =>
    `journal/${job}/${split}/${String(sequence).padStart(12, '0')}.json`,
  catalog: (tenant: string, table: string): string => `catalog/${tenant}/${table}/`,
} as const;

/** A tenant's database in Glue. Tenants have no underscores of their own; Athena takes no hyphens without quotes. */
export const glueDatabase = (tenant: string): string => `millrace_${tenant.replaceAll('-', '_')}`;

/** The consumer group under which a job's positions are also committed to Kafka, for other people's lag tools. */
export const telemetryGroup = (tenant: string, job: string): string => `millrace.${ofTenant(tenant, job)}`;

/**
 * Exactly-once: the group whose offsets are a job's positions, and the transactional id of one split. Both bear the job's id,
 * so that another life of the job shares neither.
 */
export const transactionGroup = (job: string): string => `millrace.${job}`;
export const transactionalId = (job: string, split: string): string => `millrace.${job}/${split}`;

/** Postgres: the channel of the goal store's outbox. */
export const outboxChannel = 'millrace_outbox';

/** The goal store's database, and the users in it that have no password but a token. */
export const goalDatabase = { name: 'millrace', api: 'millrace_api', reconciler: 'millrace_reconciler' } as const;

/** The namespace of the platform's CloudWatch metrics. */
export const metricNamespace = 'Millrace';

/** Metrics of jobs, by `Shard` and `Job`: an alarm on a whole fleet looks at one shard of it. */
export const jobMetrics = { unhealthy: 'Unhealthy', lag: 'Lag', deadLetters: 'DeadLetters' } as const;

/** Which shard a job's metrics are in: so many jobs each as one alarm's query may look at. */
export function shardOf(job: string, shards: number): number {
  let hash = 2_166_136_261;
  for (let at = 0; at < job.length; at++) hash = Math.imul(hash ^ job.charCodeAt(at), 16_777_619) >>> 0;
  return hash % shards;
}

/** Alarms of single jobs; the platform's own begin with `millrace-` and a capital. */
export const jobAlarmPrefix = 'millrace-job/';
/** Dashboards of single jobs. */
export const jobDashboardPrefix = 'millrace-job-';
/** The SNS topic that alarms go to. */
export const alarmTopic = 'millrace-alarms';

/** The state machine that drives passes. */
export const reconcileStateMachine = 'millrace-reconcile';

/** A job's id: one life of one job of one tenant. A name that is deleted and declared again gets another, so nothing of the old one is adopted. */
export const jobId = (tenant: string, name: string, uid: string): string => `${tenant}/${name}@${uid}`;

/** The life of a replay: the job's own, with the operation's number; what it leaves is cleared as any ended job's. */
export const replayUid = (uid: string, sequence: number): string => `${uid}-replay${sequence}`;
export const isReplay = (job: string): boolean => /-replay\d+$/.test(job);

/** The parts of a job's id, or null for what is none. */
export function readJobId(
  id: string,
): { tenant: string; name: string; route: string; sink: string; uid: string } | null {
  const match = /^([a-z0-9-]+)\/(([a-z0-9-]+)\.([a-z0-9-]+))@([A-Za-z0-9-]+)$/.exec(id);
  return match ? { tenant: match[1]!, name: match[2]!, route: match[3]!, sink: match[4]!, uid: match[5]! } : null;
}

/** Kafka topic settings that the platform sets and watches; any other setting of a topic is its operators' business. */
export const topicSettings = ['cleanup.policy', 'max.message.bytes', 'min.insync.replicas', 'retention.ms'] as const;
