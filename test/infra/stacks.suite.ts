// The stacks as templates: what holds data stays, what does not can go, and a deployment never touches a worker that runs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { Match } from 'aws-cdk-lib/assertions';
import { environment } from '#core/names.ts';
import { stages } from '#infra/config.ts';
import { stoppedTasks } from '#infra/task-events.ts';
import {
  devWithWorkerUser,
  type StackName,
  type SynthPlatform,
  sharedPlatform,
  stackNames,
  synthPlatform,
} from '#test/support/synth-platform.ts';

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}
type Resources = Readonly<Record<string, Resource>>;

const resourcesOf = (synth: SynthPlatform, stack: StackName): Resources =>
  synth.template(stack).toJSON()['Resources'] as Resources;
const ofType = (resources: Resources, type: string): Resource[] =>
  Object.values(resources).filter((resource) => resource.Type === type);

const stateful = [
  'AWS::RDS::DBCluster',
  'AWS::RDS::DBInstance',
  'AWS::MSK::Cluster',
  'AWS::S3::Bucket',
  'AWS::DynamoDB::Table',
  'AWS::KMS::Key',
  'AWS::SecretsManager::Secret',
];

/** What the security group whose logical id begins so lets out: `<network, or a group>:<port>`. */
function reached(synth: SynthPlatform, name: string): readonly string[] {
  const groups = Object.entries(resourcesOf(synth, 'network'));
  const [id, group] = groups.find(([each, { Type }]) => Type === 'AWS::EC2::SecurityGroup' && each.startsWith(name))!;
  const inside = (group.Properties?.['SecurityGroupEgress'] ?? []) as { CidrIp?: string; FromPort?: number }[];
  const beside = groups
    .filter(
      ([, { Type, Properties }]) =>
        Type === 'AWS::EC2::SecurityGroupEgress' && JSON.stringify(Properties?.['GroupId']).includes(id),
    )
    .map(([, { Properties }]) => Properties as { CidrIp?: string; FromPort?: number });
  return [...inside, ...beside]
    .filter(({ CidrIp }) => CidrIp !== nowhere)
    .map(({ CidrIp = 'a group', FromPort }) => `${CidrIp}:${FromPort}`)
    .sort();
}

/** What CDK lets a group out to that may reach nothing. */
const nowhere = '255.255.255.255/32';

const workers = (synth: SynthPlatform): readonly string[] => reached(synth, 'Workers');

export function stacksSuite(): void {
  let prod: SynthPlatform;
  let again: SynthPlatform;
  let next: SynthPlatform;

  beforeAll(() => {
    prod = sharedPlatform('prod');
    again = synthPlatform('dev');
    next = synthPlatform('prod', '2.0.0');
  });

  test('synthesized twice they are the same, so deploying twice changes nothing', () => {
    for (const stack of stackNames)
      expect(resourcesOf(again, stack)).toEqual(resourcesOf(sharedPlatform('dev'), stack));
  });

  test('logical ids of what holds data are frozen: another id would make CloudFormation replace it [fault 123]', () => {
    const ids = Object.entries(resourcesOf(prod, 'data'))
      .filter(([, { Type }]) => stateful.includes(Type))
      .map(([id, { Type }]) => `${Type} ${id}`)
      .sort();
    expect(ids).toEqual(
      readFileSync(join(import.meta.dirname, 'stateful-ids.txt'), 'utf8')
        .trim()
        .split('\n'),
    );
  });

  test('what holds data is in the data stack, is kept when it is deleted or replaced, and is protected [fault 123]', () => {
    for (const stack of stackNames.filter((name) => name !== 'data' && name !== 'observability'))
      expect(Object.values(resourcesOf(prod, stack)).filter(({ Type }) => stateful.includes(Type))).toEqual([]);
    const kept = Object.entries(resourcesOf(prod, 'data')).filter(([, { Type }]) => stateful.includes(Type));
    for (const [id, { Type, DeletionPolicy, UpdateReplacePolicy }] of kept) {
      if (Type === 'AWS::SecretsManager::Secret') continue;
      expect([id, DeletionPolicy, UpdateReplacePolicy]).toEqual([id, 'Retain', 'Retain']);
    }
    const data = resourcesOf(prod, 'data');
    expect(ofType(data, 'AWS::RDS::DBCluster')[0]?.Properties).toMatchObject({
      ...{ DeletionProtection: true, EnableIAMDatabaseAuthentication: true, StorageEncrypted: true },
      BackupRetentionPeriod: 35,
    });
    for (const table of ofType(data, 'AWS::DynamoDB::Table'))
      expect(table.Properties).toMatchObject({
        ...{ DeletionProtectionEnabled: true, BillingMode: 'PAY_PER_REQUEST' },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      });
    expect(prod.platform.data.terminationProtection).toBe(true);
  });

  test('no rule of the bucket can delete the current version of an object, so no live checkpoint', () => {
    const bucket = ofType(resourcesOf(prod, 'data'), 'AWS::S3::Bucket')[0]?.Properties as {
      VersioningConfiguration: unknown;
      LifecycleConfiguration: { Rules: Record<string, unknown>[] };
    };
    expect(bucket.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    const deleting = ['Expiration', 'ExpirationInDays', 'ExpirationDate', 'Transitions', 'Transition'];
    for (const rule of bucket.LifecycleConfiguration.Rules)
      expect(Object.keys(rule).filter((key) => deleting.includes(key))).toEqual([]);
  });

  test('what an upload that was broken off leaves in the bucket is removed after a day [fault 75]', () => {
    const bucket = ofType(resourcesOf(prod, 'data'), 'AWS::S3::Bucket')[0]?.Properties as {
      LifecycleConfiguration: { Rules: Record<string, unknown>[] };
    };
    expect(bucket.LifecycleConfiguration.Rules).toContainEqual(
      expect.objectContaining({
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        Status: 'Enabled',
      }),
    );
  });

  test('the broker acknowledges a write when two of three replicas have it, and speaks to nobody without TLS and IAM', () => {
    const data = resourcesOf(prod, 'data');
    expect(String(ofType(data, 'AWS::MSK::Configuration')[0]?.Properties?.['ServerProperties'])).toContain(
      'min.insync.replicas=2',
    );
    expect(ofType(data, 'AWS::MSK::Cluster')[0]?.Properties).toMatchObject({
      KafkaVersion: expect.stringMatching(/^4\.\d+\.x\.kraft$/),
      ClientAuthentication: { Sasl: { Iam: { Enabled: true } }, Unauthenticated: { Enabled: false } },
      EncryptionInfo: { EncryptionInTransit: { ClientBroker: 'TLS', InCluster: true } },
    });
  });

  test('Express and Serverless are one word in the stage: same clients, same rights, and topics leave to the broker what is its own', () => {
    const kinds = [
      { kind: 'express', instanceType: 'express.m7g.large', kafkaVersion: '3.9.x', brokers: 3 },
      { kind: 'serverless' },
    ] as const;
    for (const broker of kinds) {
      const synth = synthPlatform({ ...stages.dev, broker });
      const data = resourcesOf(synth, 'data');
      const type = broker.kind === 'serverless' ? 'AWS::MSK::ServerlessCluster' : 'AWS::MSK::Cluster';
      const [cluster] = ofType(data, type);
      expect(cluster).toMatchObject({
        DeletionPolicy: 'Retain',
        Properties: { ClientAuthentication: { Sasl: { Iam: { Enabled: true } } } },
      });
      expect(ofType(data, 'AWS::MSK::Configuration')).toEqual([]);
      expect(JSON.stringify(cluster)).not.toContain('EbsStorageInfo');
      synth.template('controlPlane').hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: 'millrace-reconcile',
        Environment: { Variables: Match.objectLike({ [environment.minInsyncReplicas]: 'of-broker' }) },
      });
    }
  });

  test('with a user for workers the brokers know both logins, MSK knows the user, and its password is under a key of its own', () => {
    const synth = sharedPlatform(devWithWorkerUser);
    const data = resourcesOf(synth, 'data');
    const [broker] = Object.keys(data).filter((id) => data[id]!.Type === 'AWS::MSK::Cluster');
    expect(data[broker!]?.Properties?.['ClientAuthentication']).toEqual({
      ...{ Sasl: { Iam: { Enabled: true }, Scram: { Enabled: true } }, Unauthenticated: { Enabled: false } },
    });
    const [secret] = Object.entries(data).filter(([, { Type }]) => Type === 'AWS::SecretsManager::Secret');
    expect(secret).toMatchObject([
      expect.stringMatching(/^WorkerUser/),
      {
        ...{ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' },
        Properties: {
          Name: 'AmazonMSK_millrace-worker',
          KmsKeyId: { 'Fn::GetAtt': [expect.stringMatching(/^WorkerUserKey/), 'Arn'] },
          GenerateSecretString: {
            SecretStringTemplate: '{"username":"millrace-worker"}',
            GenerateStringKey: 'password',
          },
        },
      },
    ]);
    expect(ofType(data, 'AWS::MSK::BatchScramSecret').map(({ Properties }) => Properties)).toEqual([
      { ClusterArn: { 'Fn::GetAtt': [broker, 'Arn'] }, SecretArnList: [{ Ref: secret![0] }] },
    ]);
  });

  test('workers are told the listener of users and where their login is, functions the one of roles', () => {
    const synth = sharedPlatform(devWithWorkerUser);
    const [definition] = ofType(resourcesOf(synth, 'runtime'), 'AWS::ECS::TaskDefinition');
    const [container] = definition!.Properties!['ContainerDefinitions'] as {
      Environment: { Name: string; Value: unknown }[];
    }[];
    const settings = Object.fromEntries(container!.Environment.map(({ Name, Value }) => [Name, JSON.stringify(Value)]));
    expect(settings[environment.kafkaAuth]).toBe('"scram"');
    expect(settings[environment.kafkaBrokers]).toContain('BootstrapBrokerStringSaslScram');
    expect(settings[environment.kafkaSecret]).toContain('WorkerUser');
    for (const name of ['millrace-api', 'millrace-reconcile']) {
      const found = ofType(resourcesOf(synth, 'controlPlane'), 'AWS::Lambda::Function').find(
        ({ Properties }) => Properties?.['FunctionName'] === name,
      );
      const { Variables } = found!.Properties!['Environment'] as { Variables: Record<string, unknown> };
      expect(Variables[environment.kafkaAuth]).toBe('iam');
      expect(JSON.stringify(Variables[environment.kafkaBrokers])).toContain('BootstrapBrokerStringSaslIam');
    }
    expect(workers(synth)).toEqual(['0.0.0.0/0:443', 'a group:9096']);
  });

  test('workers run on arm64, as nobody, on a file system they cannot write, with no capability, and get 120 s to stop [fault 114] [fault 115]', () => {
    const definitions = ofType(resourcesOf(prod, 'runtime'), 'AWS::ECS::TaskDefinition');
    expect(definitions).toHaveLength(8);
    for (const { Properties } of definitions)
      expect(Properties).toMatchObject({
        RuntimePlatform: { CpuArchitecture: 'ARM64' },
        RequiresCompatibilities: ['FARGATE'],
        ContainerDefinitions: [
          {
            ...{ User: '65534:65534', ReadonlyRootFilesystem: true, StopTimeout: 120, Privileged: false },
            LinuxParameters: { InitProcessEnabled: true, Capabilities: { Drop: ['ALL'] } },
            LogConfiguration: { Options: { mode: 'non-blocking' } },
          },
        ],
      });
  });

  test('there is no resource for a job, and no service: the reconciler runs the tasks [fault 52]', () => {
    for (const stack of stackNames) expect(ofType(resourcesOf(prod, stack), 'AWS::ECS::Service')).toEqual([]);
  });

  test('another version of the control plane changes functions and their settings, and no cluster, network, role or store', () => {
    for (const stack of ['network', 'data', 'observability'] as const)
      expect(resourcesOf(next, stack)).toEqual(resourcesOf(prod, stack));
    const changed = (['runtime', 'controlPlane'] as const).flatMap((stack) => {
      const before = resourcesOf(prod, stack);
      return Object.entries(resourcesOf(next, stack))
        .filter(([id, resource]) => JSON.stringify(resource) !== JSON.stringify(before[id]))
        .map(([, { Type }]) => Type);
    });
    expect([...new Set(changed)].sort()).toEqual([
      'AWS::ECS::TaskDefinition',
      'AWS::Lambda::Function',
      'Custom::MillraceGoalStore',
    ]);
  });

  test('definitions that tasks run from outlive the deployment that replaces them', () => {
    for (const { DeletionPolicy, UpdateReplacePolicy } of ofType(
      resourcesOf(prod, 'runtime'),
      'AWS::ECS::TaskDefinition',
    ))
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
  });

  test('a worker reaches HTTPS and Kafka; other ports and private networks only where the stage opens them for sinks', () => {
    expect(workers(prod)).toEqual(['0.0.0.0/0:443', 'a group:9098']);
    const sinks = { networks: ['10.9.0.0/16'], ports: [9_200], openSearchUrl: 'https://search.example.com' };
    const opened = synthPlatform({ ...stages.dev, sinks });
    expect(workers(opened)).toEqual(['0.0.0.0/0:443', '10.9.0.0/16:9200', 'a group:9098']);
    for (const name of ['millrace-api', 'millrace-reconcile'])
      opened.template('controlPlane').hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: name,
        Environment: {
          Variables: Match.objectLike({
            [environment.sinkNetworks]: '10.9.0.0/16',
            [environment.openSearchUrl]: 'https://search.example.com',
          }),
        },
      });
  });

  test('the API asks schema registries wherever workers may, by their ports; no other function reaches them', () => {
    const registryUrl = 'https://registry.internal:8081';
    const sinks = { networks: ['10.9.0.0/16'], ports: [9_200], registryUrl };
    const opened = synthPlatform({ ...stages.dev, sinks });
    expect(reached(opened, 'Registries')).toEqual(['10.9.0.0/16:8081', '10.9.0.0/16:9200']);
    expect(workers(opened)).toEqual(['0.0.0.0/0:443', '10.9.0.0/16:8081', '10.9.0.0/16:9200', 'a group:9098']);
    expect(reached(opened, 'Functions')).toEqual(['0.0.0.0/0:443', 'a group:5432', 'a group:9098']);
    for (const { Properties } of ofType(resourcesOf(opened, 'controlPlane'), 'AWS::Lambda::Function')) {
      const groups = JSON.stringify(Properties?.['VpcConfig'] ?? {});
      expect([Properties?.['FunctionName'], groups.includes('Registries')]).toEqual([
        ...[Properties?.['FunctionName'], Properties?.['FunctionName'] === 'millrace-api'],
      ]);
    }
    expect(reached(prod, 'Registries')).toEqual([]);
    const byNat = synthPlatform({ ...stages.dev, natGateways: 1, sinks: { ...sinks, networks: [], ports: [] } });
    expect(reached(byNat, 'Registries')).toEqual(['0.0.0.0/0:8081']);
  });

  test('functions run on Node 24 on arm64 inside the VPC, each traced, with concurrency of its own', () => {
    const functions = ofType(resourcesOf(prod, 'controlPlane'), 'AWS::Lambda::Function').filter(({ Properties }) =>
      /^millrace-(?!declarations$)/.test(String(Properties?.['FunctionName'])),
    );
    expect(functions.map(({ Properties }) => Properties?.['FunctionName']).sort()).toEqual(
      ['api', 'credentials', 'declare', 'migrate', 'nudge', 'reconcile'].map((name) => `millrace-${name}`),
    );
    for (const { Properties } of functions)
      expect(Properties).toMatchObject({
        ...{ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' },
        ...{ ReservedConcurrentExecutions: expect.any(Number), VpcConfig: expect.any(Object) },
        TracingConfig: { Mode: 'Active' },
      });
  });

  test('a stage whose passes could not list their tasks in time is refused', () => {
    const { concurrency, runtime } = stages.prod;
    const withPasses = (reconcile: number, tasksMax = runtime.tasksMax) =>
      synthPlatform({ ...stages.prod, concurrency: { ...concurrency, reconcile }, runtime: { ...runtime, tasksMax } });
    expect(() => withPasses(5)).toThrow(
      /5 passes at once take 51 s to list 10000 tasks.* set concurrency.reconcile to 2$/,
    );
    expect(() => withPasses(3)).toThrow(/set concurrency.reconcile to 2$/);
    expect(() => withPasses(2, 20_000)).toThrow(/set concurrency.reconcile to 1$/);
    expect(() => withPasses(1, 40_000)).toThrow(/set concurrency.reconcile to 1 and lower runtime.tasksMax$/);
  });

  test('no function has more than 4 KB of settings, which is what Lambda takes', () => {
    for (const { Properties } of ofType(resourcesOf(prod, 'controlPlane'), 'AWS::Lambda::Function')) {
      const variables = (Properties?.['Environment'] as { Variables?: object } | undefined)?.Variables ?? {};
      // A reference stands for some 90 characters once it is resolved.
      const resolved = JSON.stringify(variables).replaceAll(/\{"(Ref|Fn::[A-Za-z]+)":[^{}[\]]*?\}/g, 'x'.repeat(90));
      expect(resolved.length).toBeLessThan(4_096);
    }
  });

  test('a task that stops and a change through the API both come to the queue that starts passes; what fails is kept', () => {
    const rules = ofType(resourcesOf(prod, 'controlPlane'), 'AWS::Events::Rule').map(({ Properties }) => Properties);
    expect(rules).toContainEqual(expect.objectContaining({ ScheduleExpression: 'rate(1 minute)' }));
    expect(rules).toContainEqual(
      expect.objectContaining({
        EventPattern: expect.objectContaining({ 'detail-type': ['ECS Task State Change'] }),
        Targets: [expect.objectContaining({ DeadLetterConfig: expect.any(Object) })],
      }),
    );
  });

  test('the rule for tasks that stop looks into every cell, and may write to its queue and to the one for what fails', () => {
    const all = resourcesOf(prod, 'controlPlane');
    const [id = '', rule] = Object.entries(all).find(([key]) => key.startsWith('TaskStopped')) ?? [];
    const pattern = rule!.Properties!['EventPattern'] as { detail: { clusterArn: unknown[]; lastStatus: unknown } };
    expect(pattern.detail.clusterArn).toHaveLength(stages.prod.runtime.cells);
    const { detailType, ...wanted } = stoppedTasks(pattern.detail.clusterArn as string[]);
    expect(pattern).toEqual({ ...wanted, 'detail-type': detailType });
    const [target] = rule!.Properties!['Targets'] as { Arn: unknown; DeadLetterConfig: { Arn: unknown } }[];
    const fromRule = { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [id, 'Arn'] } } };
    const statements = ofType(all, 'AWS::SQS::QueuePolicy').flatMap(
      ({ Properties }) => (Properties!['PolicyDocument'] as { Statement: Record<string, unknown>[] }).Statement,
    );
    for (const queue of [target!.Arn, target!.DeadLetterConfig.Arn])
      expect(statements).toContainEqual(
        expect.objectContaining({
          ...{ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Resource: queue, Condition: fromRule },
        }),
      );
  });
}
