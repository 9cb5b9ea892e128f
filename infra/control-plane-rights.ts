// What each function of the control plane may do: the actions that its code uses, on the resources that it uses them on.
import { Stack } from 'aws-cdk-lib';
import { goalDatabase, jobAlarmPrefix, jobDashboardPrefix, secretName } from '#core/names.ts';
import type { DataStack } from './data-stack.ts';
import type { JobRole } from './job-role.ts';
import { kafkaArn } from './kafka-arns.ts';
import type { ProgramFunction } from './program-function.ts';
import type { RuntimeStack } from './runtime-stack.ts';

function allowDatabase(program: ProgramFunction, data: DataStack, user: string): void {
  const { partition, region, account } = Stack.of(program);
  const cluster = data.database.clusterResourceIdentifier;
  program.allow(['rds-db:connect'], [`arn:${partition}:rds-db:${region}:${account}:dbuser:${cluster}/${user}`]);
}

/** By `<tenant>/<secret>`; Secrets Manager ends each ARN with a hyphen and six characters of its own. */
function allowSecrets(program: ProgramFunction, { dataKey }: DataStack, names: readonly string[]): void {
  const { partition, region, account } = Stack.of(program);
  const arns = names.map((name) => {
    const [tenant = '', secret = ''] = name.split('/');
    return `arn:${partition}:secretsmanager:${region}:${account}:secret:${secretName(tenant, secret)}-??????`;
  });
  program.allow(['secretsmanager:GetSecretValue'], arns);
  program.allow(['kms:Decrypt'], [dataKey.keyArn], {
    StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` },
    StringLike: { 'kms:EncryptionContext:SecretARN': arns },
  });
}

/** Reads and appends to every topic, for the people whom the API lets; changes nothing of any. */
export function allowApi(program: ProgramFunction, data: DataStack, registrySecrets: readonly string[]): void {
  if (registrySecrets.length > 0) allowSecrets(program, data, registrySecrets);
  const clusterArn = data.brokerArn;
  allowDatabase(program, data, goalDatabase.api);
  const { control, splits, workers } = data.tables;
  program.allow(['dynamodb:Query', 'dynamodb:Scan', 'dynamodb:BatchGetItem'], [control.tableArn]);
  program.allow(['dynamodb:Query'], [splits.tableArn, workers.tableArn]);
  // Checkpoints are what a rewind is planned from.
  program.allow(['s3:GetObject'], [data.bucket.arnForObjects('checkpoints/*')]);
  program.allow(['s3:ListBucket'], [data.bucket.bucketArn], { StringLike: { 's3:prefix': 'checkpoints/*' } });
  program.allow(
    ['kafka-cluster:Connect', 'kafka-cluster:DescribeCluster', 'kafka-cluster:WriteDataIdempotently'],
    [clusterArn],
  );
  program.allow(
    [
      'kafka-cluster:DescribeTopic',
      'kafka-cluster:DescribeTopicDynamicConfiguration',
      'kafka-cluster:ReadData',
      'kafka-cluster:WriteData',
    ],
    [kafkaArn(clusterArn, 'topic', '*')],
  );
}

/** Makes and unmakes topics and tasks; reads and writes no record. */
export function allowReconcile(program: ProgramFunction, data: DataStack, runtime: RuntimeStack): void {
  const clusterArn = data.brokerArn;
  allowDatabase(program, data, goalDatabase.reconciler);
  const { control, splits, workers } = data.tables;
  program.allow(
    ['dynamodb:Query', 'dynamodb:Scan', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:BatchWriteItem'],
    [control.tableArn, workers.tableArn],
  );
  program.allow(['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:BatchWriteItem'], [splits.tableArn]);
  // GetObject: a goal that is there already is compared with the one to be written.
  program.allow(['s3:PutObject', 's3:GetObject'], [data.bucket.arnForObjects('goals/*')]);
  // Without it S3 says of an object that is not there that it may not be read, and the store has to ask again.
  program.allow(['s3:ListBucket'], [data.bucket.bucketArn]);
  program.allow(['kms:GenerateMac'], [data.identityKey.keyArn]);
  program.allow(['kafka-cluster:Connect', 'kafka-cluster:DescribeCluster'], [clusterArn]);
  program.allow(
    [
      'kafka-cluster:CreateTopic',
      'kafka-cluster:AlterTopic',
      'kafka-cluster:DeleteTopic',
      'kafka-cluster:DescribeTopic',
      'kafka-cluster:DescribeTopicDynamicConfiguration',
      'kafka-cluster:AlterTopicDynamicConfiguration',
    ],
    [kafkaArn(clusterArn, 'topic', '*')],
  );
  allowTasks(program, runtime);
  allowWatches(program);
}

/** Alarms and dashboards of single jobs, and no others. */
function allowWatches(program: ProgramFunction): void {
  const { partition, region, account } = Stack.of(program);
  const alarms = `arn:${partition}:cloudwatch:${region}:${account}:alarm`;
  program.allow(['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'], [`${alarms}:${jobAlarmPrefix}*`]);
  // A list is of all alarms, whatever prefix it is asked for.
  program.allow(['cloudwatch:DescribeAlarms'], [`${alarms}:*`]);
  program.allow(
    ['cloudwatch:PutDashboard', 'cloudwatch:DeleteDashboards'],
    [`arn:${partition}:cloudwatch::${account}:dashboard/${jobDashboardPrefix}*`],
  );
}

function allowTasks(program: ProgramFunction, runtime: RuntimeStack): void {
  const { partition, region, account } = Stack.of(program);
  const clusters = runtime.clusters.map((cluster) => cluster.clusterArn);
  const inCells = { ArnEquals: { 'ecs:cluster': clusters } };
  const tasks = runtime.clusters.map(
    ({ clusterName }) => `arn:${partition}:ecs:${region}:${account}:task/${clusterName}/*`,
  );
  program.allow(
    ['ecs:RunTask'],
    runtime.taskDefinitions.map(({ definition }) => definition.taskDefinitionArn),
    inCells,
  );
  program.allow(['ecs:TagResource'], tasks, { StringEquals: { 'ecs:CreateAction': 'RunTask' } });
  program.allow(['ecs:StopTask', 'ecs:DescribeTasks'], tasks, inCells);
  // The action knows no task; the condition keeps it to the cells.
  program.allow(['ecs:ListTasks'], ['*'], inCells);
  program.allow(['iam:PassRole'], [runtime.taskRole.roleArn, runtime.executionRole.roleArn], {
    StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
  });
}

export function allowCredentials(program: ProgramFunction, data: DataStack, jobRole: JobRole): void {
  program.allow(['kms:VerifyMac'], [data.identityKey.keyArn]);
  program.allow(['s3:GetObject'], [data.bucket.arnForObjects('goals/*')]);
  // By it the object store tells a goal that is gone from one that may not be read.
  program.allow(['s3:ListBucket'], [data.bucket.bucketArn], { StringLike: { 's3:prefix': 'goals/*' } });
  program.allow(['sts:AssumeRole', 'sts:TagSession'], [jobRole.role.roleArn]);
}

export function allowMigrate(program: ProgramFunction, data: DataStack): void {
  program.allow(['secretsmanager:GetSecretValue'], [data.ownerSecretArn]);
  const { region } = Stack.of(program);
  program.allow(['kms:Decrypt'], [data.dataKey.keyArn], {
    StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` },
  });
}
