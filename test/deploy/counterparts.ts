// Deploys what moto's CloudFormation knows of the templates, looks at what came of it, and runs a route's control flow against it.
import { randomBytes } from 'node:crypto';
import { startEcsServer } from '#test/support/ecs-server.ts';
import { startMoto } from '#test/support/moto.ts';
import { ownKafka, ownPostgres, testAccessKey } from '#test/support/own-parts.ts';
import { runControlFlow } from './control-flow.ts';
import { deployAll, missingTables, type Template } from './moto-stacks.ts';
import type { Python } from './python.ts';
import { buildImage, hasBuildah, hasRunc, layOutImage, runImage, type WorkerImage } from './worker-image.ts';

export interface OnCounterparts {
  /** Resources that were made, by type. */
  readonly deployed: Readonly<Record<string, number>>;
  /** What went wrong. */
  readonly failed: readonly string[];
  /** Types that nothing here can make, each with what covers it instead. */
  readonly notDeployed: readonly string[];
  /** Size of the worker's image, laid out without an engine; null where runc is not there to run it. */
  readonly workerImageMiB: number | null;
  /** What held of the control flow. */
  readonly steps: readonly string[];
}

/** Of the smallest size. */
const memoryMiB = 512;
/** What a task's role gives on AWS. */
const ofTaskDefinition = {
  ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: testAccessKey.accessKeyId },
  AWS_SECRET_ACCESS_KEY: testAccessKey.secretAccessKey,
};
const account = '123456789012';
const region = 'us-east-1';

/** What stands for each type that moto cannot make. A type that is not listed fails the check. */
const coveredBy: Readonly<Record<string, string>> = {
  'AWS::ApiGatewayV2': 'the API behind gateway events (test/integration/on-aws.test.ts)',
  'AWS::CloudWatch::Alarm': 'template; each has its runbook (test/infra/runbooks.suite.ts)',
  'AWS::CloudWatch::Dashboard': 'template only; those of jobs on moto',
  'AWS::EC2': 'template, cdk-nag, cfn-lint',
  'AWS::ECS': 'an ECS over HTTP (test/contract/ecs-task-runner.test.ts)',
  'AWS::Events': 'its pattern on moto’s EventBridge (test/contract/task-events.suite.ts)',
  'AWS::IAM': 'a policy evaluator (test/infra/isolation.suite.ts)',
  'AWS::KMS': 'template; signing meets moto’s KMS (test/contract/aws-counterparts.test.ts)',
  'AWS::Lambda': 'bundles imported here; the handlers run in tests',
  'AWS::Logs': 'template',
  'AWS::MSK':
    'a real Kafka with tokens and the job role’s rights (test/integration/secured-kafka.test.ts); MSK has seen none',
  'AWS::RDS': 'a real PostgreSQL with the same roles; tokens have met no Aurora',
  'AWS::S3::BucketPolicy': 'template, cdk-nag',
  'AWS::SNS': 'template',
  'AWS::SQS::QueuePolicy': 'template, cdk-nag',
  'AWS::StepFunctions': 'its definition by two interpreters (test/contract/state-machine.test.ts)',
  'AWS::CDK::Metadata': 'nothing to deploy',
  Custom: 'the migration in test/integration/on-aws.test.ts; the others are the CDK library’s',
};

const coverOf = (type: string): string | undefined =>
  coveredBy[type] ?? coveredBy[type.split('::').slice(0, 2).join('::')] ?? coveredBy[type.split('::')[0]!];

export async function checkOnCounterparts(
  python: Python,
  templates: readonly Template[],
  workerProgram: string,
  say: (line: string) => void,
): Promise<OnCounterparts> {
  Object.assign(process.env, {
    ...{ AWS_REGION: region, AWS_ACCESS_KEY_ID: testAccessKey.accessKeyId },
    AWS_SECRET_ACCESS_KEY: testAccessKey.secretAccessKey,
  });
  await using moto = await startMoto(python);
  const { url } = moto;
  say('deploying to moto');
  const { deployed, failed, outputs } = await deployAll(url, templates);
  const missing = await missingTables(url);
  say('the control flow of a route');
  const image = hasRunc() ? imageOf(workerProgram, say) : null;
  const steps = await walk(url, outputs, image, say).finally(() => image?.remove());
  const left = new Set(templates.flatMap(({ resources }) => Object.values(resources).map(({ Type }) => Type)));
  const notDeployed = [...left].filter((type) => !(type in deployed)).sort();
  const uncovered = notDeployed.filter((type) => coverOf(type) === undefined);
  return {
    deployed,
    failed: [...failed, ...missing, ...uncovered.map((type) => `${type} is neither deployed nor covered`)],
    notDeployed: notDeployed.map((type) => `${type}: ${coverOf(type) ?? 'nothing'}`),
    ...{ steps, workerImageMiB: image?.mib ?? null },
  };
}

/** A buildah that is there and cannot build fails the check: it is no reason to lay the image out instead. */
function imageOf(program: string, say: (line: string) => void): WorkerImage {
  const image = hasBuildah() ? buildImage(program) : layOutImage(program);
  say(`the worker's image, ${image.made}: ${image.mib} MiB`);
  return image;
}

async function walk(
  url: string,
  outputs: Readonly<Record<string, string>>,
  image: WorkerImage | null,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const bucket = Object.entries(outputs).find(([id]) => id.startsWith('Checkpoints'))?.[1];
  if (bucket === undefined) throw new Error('the template made no bucket');
  const clusterArns = [`arn:aws:ecs:${region}:${account}:cluster/millrace-cell-1`];
  const taskDefinitionArn = `arn:aws:ecs:${region}:${account}:task-definition/millrace-worker-256x512:1`;
  const suffix = randomBytes(3).toString('hex');
  await using kafka = await ownKafka();
  await using postgres = await ownPostgres();
  await using ecs = await startEcsServer({
    ...{ clusters: clusterArns, taskDefinitions: [taskDefinitionArn], tasksMax: 10, stopTimeoutMs: 100 },
  });
  const { steps } = await runControlFlow(
    {
      ...{ postgresUrl: postgres.address, kafka: kafka.address, dynamodb: url, s3: url, bucket },
      ...{ ecs, clusterArns, taskDefinitionArn },
      ...(image === null ? {} : { work: (given) => runImage(image, { ...ofTaskDefinition, ...given }, memoryMiB) }),
    },
    { stream: `events-${suffix}`, route: `plays-${suffix}` },
  );
  for (const step of steps) say(`  ${step}`);
  return steps;
}
