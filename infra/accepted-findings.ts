// Findings of the rule packs that we leave as they are, each with its reason. What is not here fails the synth.

export interface AcceptedFinding {
  /** The rule's id, without what stands in brackets. */
  readonly rule: string;
  /** Where: of the construct's path within the platform. */
  readonly at: RegExp;
  readonly why: string;
}

const ownFunctions = /^ControlPlane\/(Api|Reconcile|Nudge|Credentials|Migrate|Declare)\//;
/** Functions that the CDK library itself brings for custom resources; they run while a deployment runs. */
const libraryFunctions = /^(ControlPlane\/(Migration|Declarations)\/|Data\/AWS679f53fac002430cb0da5b7982bd2287\/)/;
const table = /^Data\/(Splits|WorkerItems|Control)\//;
const runsInDeployment =
  "Code of the CDK library, called by CloudFormation only while a deployment runs; what fails is the deployment's failure.";
const noDeadLetters =
  'Called synchronously (API Gateway, Step Functions, CloudFormation, a worker) or from a queue that has its own dead-letter queue: no failed call is dropped.';
const noWorkerRotation =
  'MSK takes a new password within ten minutes, in which workers that connect are refused: a person changes it when there is a reason to (docs/operate/secrets.md).';

export const acceptedFindings: readonly AcceptedFinding[] = [
  {
    rule: 'AwsSolutions-APIG4',
    at: /openapi\.json\//,
    why: 'The description of the API is public, as the repository is.',
  },
  {
    rule: 'AwsSolutions-ECS2',
    at: /^Runtime\/Worker\d/,
    why: 'The environment of the definition holds addresses only; secrets come by reference.',
  },
  { rule: 'AwsSolutions-IAM4', at: libraryFunctions, why: runsInDeployment },
  {
    rule: 'AwsSolutions-IAM5',
    at: /^ControlPlane\/(Api|Reconcile|Nudge|Credentials|Migrate|Declare)\/Role\//,
    why: 'X-Ray and the network interfaces of Lambda know no narrower resource (the code itself is denied the latter); topics are made at run time; goals are in one prefix; ListTasks is kept to the cells by a condition.',
  },
  {
    rule: 'AwsSolutions-IAM5',
    at: /^ControlPlane\/JobRole\//,
    why: "Objects under the job's own prefix, which the session's tag names; test/infra/isolation.suite.ts shows that no job reaches another's.",
  },
  {
    rule: 'AwsSolutions-IAM5',
    at: /^ControlPlane\/ReconcileMachine\/Role\//,
    why: 'Log delivery of Step Functions and X-Ray know no narrower resource.',
  },
  { rule: 'AwsSolutions-IAM5', at: libraryFunctions, why: runsInDeployment },
  {
    rule: 'AwsSolutions-IAM5',
    at: /^Runtime\/ExecutionRole\//,
    why: 'ecr:GetAuthorizationToken knows no resource.',
  },
  {
    rule: 'AwsSolutions-S1',
    at: /^Data\/Checkpoints\//,
    why: 'Access is recorded by CloudTrail data events (docs/operate/deploy.md), which name the session and so the job; server access logs do not.',
  },
  {
    rule: 'NIST.800.53.R5-S3BucketLoggingEnabled',
    at: /^Data\/Checkpoints\//,
    why: 'As AwsSolutions-S1.',
  },
  {
    rule: 'NIST.800.53.R5-S3BucketReplicationEnabled',
    at: /^Data\/Checkpoints\//,
    why: 'A checkpoint is of use only beside the Kafka cluster whose positions it holds; docs/operate/disaster-recovery.md.',
  },
  {
    rule: 'NIST.800.53.R5-S3DefaultEncryptionKMS',
    at: /^Data\/Checkpoints\//,
    why: 'Encrypted with S3-managed keys: a KMS request a checkpoint would be the larger part of its price at 10,000 jobs.',
  },
  {
    rule: 'NIST.800.53.R5-CloudWatchLogGroupEncrypted',
    at: /./,
    why: "Encrypted with the service's keys; no record and no secret is logged (test: a canary secret is searched for).",
  },
  {
    rule: 'NIST.800.53.R5-DynamoDBInBackupPlan',
    at: table,
    why: 'Point-in-time recovery is on; an older copy of leases and positions would be wrong, not safe.',
  },
  {
    rule: 'NIST.800.53.R5-RDSInBackupPlan',
    at: /^Data\/GoalStore\//,
    why: 'Aurora keeps continuous backups for as many days as the stage says.',
  },
  {
    rule: 'NIST.800.53.R5-RDSEnhancedMonitoringEnabled',
    at: /^Data\/GoalStore\//,
    why: 'Serverless v2 instances: capacity and Performance Insights are watched; there is no host of ours to look at.',
  },
  {
    rule: 'NIST.800.53.R5-IAMNoInlinePolicy',
    at: /./,
    why: 'A policy of one role, beside it, that nobody else can attach: that is what least privilege asks for.',
  },
  { rule: 'NIST.800.53.R5-LambdaConcurrency', at: libraryFunctions, why: runsInDeployment },
  { rule: 'NIST.800.53.R5-LambdaDLQ', at: ownFunctions, why: noDeadLetters },
  { rule: 'NIST.800.53.R5-LambdaDLQ', at: libraryFunctions, why: runsInDeployment },
  {
    rule: 'NIST.800.53.R5-LambdaInsideVPC',
    at: libraryFunctions,
    why: 'Calls public AWS APIs only; it reaches nothing in the VPC.',
  },
  {
    rule: 'NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW',
    at: /^Network\/Vpc\/publicSubnet/,
    why: 'Only NAT gateways are in these subnets.',
  },
  { rule: 'Serverless-LambdaDLQ', at: ownFunctions, why: noDeadLetters },
  { rule: 'Serverless-LambdaDLQ', at: libraryFunctions, why: runsInDeployment },
  { rule: 'Serverless-LambdaDefaultMemorySize', at: libraryFunctions, why: runsInDeployment },
  { rule: 'Serverless-LambdaTracing', at: libraryFunctions, why: runsInDeployment },
  {
    rule: 'Serverless-LambdaEventSourceMappingDestination',
    at: /^ControlPlane\/Nudge\//,
    why: 'For streams; a queue sends what fails to its dead-letter queue by itself.',
  },
  {
    rule: 'Serverless-SQSRedrivePolicy',
    at: /^ControlPlane\/DeadNudges\//,
    why: 'It is the dead-letter queue.',
  },
  { rule: 'AwsSolutions-SMG4', at: /^Data\/WorkerUser\//, why: noWorkerRotation },
  { rule: 'NIST.800.53.R5-SecretsManagerRotationEnabled', at: /^Data\/WorkerUser\//, why: noWorkerRotation },
  {
    rule: 'CloudFormation-Validate::W3010',
    at: /^Network\/Vpc\//,
    why: 'Zones are fixed in infra/config.ts, so that a synth looks nothing up and two synths are the same.',
  },
];
