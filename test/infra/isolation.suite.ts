// The rights that the templates give, evaluated: no job reaches what is another's, and each function only what it uses.
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { JobGoal } from '#core/job/job-goal.ts';
import { sessionTagsOf } from '#core/job/task-identity.ts';
import {
  deadLetterTopic,
  glueDatabase,
  jobId,
  objectKeys,
  replayUid,
  secretName,
  tableKeys,
  telemetryGroup,
  transactionalId,
  transactionGroup,
} from '#core/names.ts';
import { stages } from '#infra/config.ts';
import { isAllowed, resolveTemplate, type Statement } from '#test/support/policy-evaluator.ts';
import {
  devWithWorkerUser,
  type StackName,
  type SynthPlatform,
  sharedPlatform,
  stackNames,
  synthPlatform,
} from '#test/support/synth-platform.ts';

const bucketArn = 'arn:aws:s3:::checkpoints';
const clusterArn = 'arn:aws:kafka:us-east-1:111122223333:cluster/millrace/0a1b-2';
const inCluster = (kind: string, name: string): string => `${clusterArn.replace('cluster', kind)}/${name}`;
const tableArn = (id: string): string => `arn:aws:dynamodb:us-east-1:111122223333:table/${id}`;

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** What references stand for: recognizable for what the tests ask about, one of its kind for the rest. */
function standsFor(reference: string): string {
  if (reference === 'AWS::Partition') return 'aws';
  if (reference === 'AWS::Region') return 'us-east-1';
  if (reference === 'AWS::AccountId') return '111122223333';
  if (/Checkpoints/.test(reference)) return bucketArn;
  if (/WorkerUserKey/.test(reference)) return 'arn:aws:kms:us-east-1:111122223333:key/worker-user';
  if (/WorkerUser/.test(reference))
    return 'arn:aws:secretsmanager:us-east-1:111122223333:secret:AmazonMSK_millrace-worker-a1B2c3';
  if (/DataKey/.test(reference)) return 'arn:aws:kms:us-east-1:111122223333:key/data';
  if (/Broker.*Arn/.test(reference)) return clusterArn;
  for (const id of ['Splits', 'WorkerItems', 'Control']) if (reference.includes(id)) return tableArn(id);
  return `arn:aws:other:us-east-1:111122223333:${reference.replaceAll(/[^A-Za-z0-9]/g, '-')}`;
}

/** All statements of the policies on the role whose logical id begins with `role`. */
function statementsOf(synth: SynthPlatform, role: string): readonly Statement[] {
  return stackNames
    .flatMap((stack: StackName) =>
      Object.values(synth.template(stack).toJSON()['Resources'] as Record<string, Resource>),
    )
    .filter(
      ({ Type, Properties }) => Type === 'AWS::IAM::Policy' && JSON.stringify(Properties['Roles']).includes(`"${role}`),
    )
    .flatMap(({ Properties }) => (Properties['PolicyDocument'] as { Statement: unknown[] }).Statement)
    .map((statement) => resolveTemplate(statement, standsFor) as Statement);
}

const goalOf = (tenant: string, name: string, source: string, sink: string): JobGoal =>
  ({
    ...{ id: jobId(tenant, name, `uid-${name}`), tenant, name, uid: `uid-${name}` },
    source: { stream: source, topic: source, start: 'earliest' },
    sink: { kind: 'stream', stream: sink, topic: sink, keyed: false },
    deadLetterTopic: deadLetterTopic(tenant, name),
  }) as unknown as JobGoal;

const withSink = (goal: JobGoal, sink: object): JobGoal => ({ ...goal, sink: sink as JobGoal['sink'] });
const httpSink = (secret: string) => ({
  ...{ kind: 'http', url: 'https://hook.example.com/', networks: [], keyed: false },
  auth: { secret, scheme: 'bearer' },
});

const withRegistries = (goal: JobGoal, secrets: { source: string; sink: string }): JobGoal => {
  const format = (secret: string) => ({ registry: { auth: { secret, scheme: 'basic' } } });
  return {
    ...goal,
    source: { ...goal.source, format: format(secrets.source) },
    sink: { ...goal.sink, format: format(secrets.sink) },
  } as unknown as JobGoal;
};

/** Names that are each other's beginning, that share a source, that read what another writes, and of another tenant. */
const jobs: readonly JobGoal[] = [
  goalOf('default', 'play.out', 'events', 'plays'),
  goalOf('default', 'plays.out', 'events', 'plays-too'),
  goalOf('default', 'plays.out2', 'events', 'other'),
  goalOf('default', 'next.out', 'plays', 'last'),
  goalOf('acme', 'play.out', 'acme-events', 'acme-plays'),
  withSink(goalOf('default', 'hooks.a', 'events', ''), httpSink('hook')),
  withSink(goalOf('default', 'hooks.b', 'events', ''), httpSink('hook-two')),
  withSink(goalOf('acme', 'hooks.a', 'acme-events', ''), httpSink('hook')),
  withSink(goalOf('default', 'lake.a', 'events', ''), { kind: 'warehouse', table: 'plays' }),
  withSink(goalOf('default', 'lake.b', 'events', ''), { kind: 'warehouse', table: 'plays2' }),
  withSink(goalOf('acme-co', 'lake.a', 'acme-events', ''), { kind: 'warehouse', table: 'plays' }),
  withRegistries(goalOf('default', 'avro.a', 'events', 'avro-a'), { source: 'registry', sink: 'registry-two' }),
  withRegistries(goalOf('default', 'avro.b', 'events', 'avro-b'), { source: 'registry-b', sink: 'registry-b' }),
  // A replay of the first: it reads what the first has set aside.
  {
    ...goalOf('default', 'play.out', deadLetterTopic('default', 'play.out'), 'plays'),
    id: jobId('default', 'play.out', replayUid('uid-play.out', 3)),
    uid: replayUid('uid-play.out', 3),
  },
];

interface Access {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

const keyed = (job: string) => ({ 'dynamodb:leadingkeys': [job] });

const secretArn = (tenant: string, name: string): string =>
  `arn:aws:secretsmanager:us-east-1:111122223333:secret:${secretName(tenant, name)}-a1B2c3`;

function readsSecret(tenant: string, name: string): readonly Access[] {
  const resource = secretArn(tenant, name);
  const context = {
    'kms:viaservice': 'secretsmanager.us-east-1.amazonaws.com',
    'kms:encryptioncontext:secretarn': resource,
  };
  return [
    { action: 'secretsmanager:GetSecretValue', resource },
    { action: 'kms:Decrypt', resource: standsFor('DataKey'), context },
  ];
}

/** What reading and writing by schemas takes. */
function accessesOfRegistries({ tenant, source, sink }: JobGoal): readonly Access[] {
  const auths = [source.format?.registry.auth, sink.kind === 'stream' ? sink.format?.registry.auth : null];
  return auths.flatMap((auth) => (auth ? readsSecret(tenant, auth.secret) : []));
}

const glueArn = (resource: string): string => `arn:aws:glue:us-east-1:111122223333:${resource}`;

/** Glue asks for the right to each resource above the one that is meant. */
function accessesOfGlue(database: string, table: string): readonly Access[] {
  const above = ['catalog', `database/${database}`];
  const of = (actions: readonly string[], resources: readonly string[]): readonly Access[] =>
    actions.flatMap((action) =>
      resources.map((resource) => ({ action: `glue:${action}`, resource: glueArn(resource) })),
    );
  return [
    ...of(['CreateDatabase'], above),
    ...of(
      [
        ...['GetTable', 'CreateTable', 'UpdateTable'],
        ...['BatchCreatePartition', 'BatchGetPartition', 'BatchUpdatePartition'],
      ],
      [...above, `table/${database}/${table}`],
    ),
  ];
}

/** What writing to its sink takes. */
function accessesOfSink({ id, tenant, sink }: JobGoal): readonly Access[] {
  switch (sink.kind) {
    case 'stream':
      return ['WriteData', 'DescribeTopic'].map((action) => ({
        ...{ action: `kafka-cluster:${action}`, resource: inCluster('topic', sink.topic) },
      }));
    case 'http':
    case 'opensearch':
      return sink.auth !== null && 'secret' in sink.auth ? readsSecret(tenant, sink.auth.secret) : [];
    case 'warehouse': {
      const staged = `${bucketArn}/${tableKeys.staging(id, 'events/0')}1.parquet`;
      const data = `${bucketArn}/${tableKeys.data(tenant, sink.table)}1.parquet`;
      const journal = `${bucketArn}/${tableKeys.journalEntry(id, 'events/0', 1)}`;
      return [
        ...[staged, journal].flatMap((resource) =>
          ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'].map((action) => ({ action, resource })),
        ),
        ...['s3:GetObject', 's3:PutObject'].map((action) => ({ action, resource: data })),
        ...[
          ...[tableKeys.journal(id, 'events/0'), tableKeys.staging(id, 'events/0')],
          // Whether a file is there, an entry of the journal, or what was staged.
          `${tableKeys.data(tenant, sink.table)}1.parquet`,
          tableKeys.journalEntry(id, 'events/0', 1),
          `${tableKeys.staging(id, 'events/0')}1.parquet`,
        ].map((prefix) => ({
          ...{ action: 's3:ListBucket', resource: bucketArn, context: { 's3:prefix': prefix } },
        })),
        ...accessesOfGlue(glueDatabase(tenant), sink.table),
      ];
    }
  }
}

/** All that a worker does for its job. */
const accessesOf = (goal: JobGoal): readonly Access[] => {
  const { id, uid, name } = goal;
  const checkpoint = `${bucketArn}/${objectKeys.checkpoint(id, uid, 7)}`;
  return [
    { action: 's3:GetObject', resource: `${bucketArn}/${objectKeys.goal(id, 'abc')}` },
    ...['s3:GetObject', 's3:PutObject', 's3:DeleteObject'].map((action) => ({ action, resource: checkpoint })),
    ...[
      objectKeys.checkpointPrefix(id, uid),
      // Whether they are there.
      ...[objectKeys.checkpoint(id, uid, 7), objectKeys.goal(id, 'abc')],
    ].map((prefix) => ({
      ...{ action: 's3:ListBucket', resource: bucketArn, context: { 's3:prefix': prefix } },
    })),
    ...['Splits', 'WorkerItems'].flatMap((table) =>
      ['dynamodb:Query', 'dynamodb:UpdateItem'].map((action) => ({
        ...{ action, resource: tableArn(table), context: keyed(id) },
      })),
    ),
    { action: 'dynamodb:DeleteItem', resource: tableArn('WorkerItems'), context: keyed(id) },
    ...['ReadData', 'DescribeTopic'].map((action) => ({
      ...{ action: `kafka-cluster:${action}`, resource: inCluster('topic', goal.source.topic) },
    })),
    ...accessesOfSink(goal),
    ...accessesOfRegistries(goal),
    ...['WriteData', 'DescribeTopic'].map((action) => ({
      ...{ action: `kafka-cluster:${action}`, resource: inCluster('topic', goal.deadLetterTopic) },
    })),
    { action: 'kafka-cluster:AlterGroup', resource: inCluster('group', telemetryGroup(goal.tenant, name)) },
    // Exactly-once: its positions are a group's offsets, written in a transaction of the split's own.
    ...['DescribeGroup', 'AlterGroup'].map((action) => ({
      ...{ action: `kafka-cluster:${action}`, resource: inCluster('group', transactionGroup(id)) },
    })),
    ...['DescribeTransactionalId', 'AlterTransactionalId'].map((action) => ({
      action: `kafka-cluster:${action}`,
      resource: inCluster('transactional-id', transactionalId(id, `${goal.source.topic}/0`)),
    })),
  ];
};

export function isolationSuite(): void {
  const synth = sharedPlatform('prod');

  describe("a worker with its job's credentials", () => {
    let ofJobRole: readonly Statement[];
    const may = (goal: JobGoal, { action, resource, context = {} }: Access): boolean => {
      const tags = Object.entries(sessionTagsOf(goal)).map(
        ([key, value]) => [`aws:principaltag/${key}`, value] as const,
      );
      return isAllowed(ofJobRole, { action, resource, context: { ...Object.fromEntries(tags), ...context } });
    };

    beforeEach(() => {
      ofJobRole = statementsOf(synth, 'JobRole');
    });

    test.each(jobs.map((goal) => [goal.id, goal] as const))('%s may do all that it has to', (_, goal) => {
      expect(accessesOf(goal).filter((access) => !may(goal, access))).toEqual([]);
    });

    test('no job may do anything to what is another job’s alone', () => {
      const reached = jobs.flatMap((goal) =>
        jobs
          .filter((other) => other !== goal)
          .flatMap((other) =>
            accessesOf(other)
              // A stream that both were declared to read or write is not the other's alone.
              .filter((access) => !accessesOf(goal).some((own) => JSON.stringify(own) === JSON.stringify(access)))
              .filter((access) => may(goal, access))
              .map(({ action, resource }) => `${goal.id}: ${action} on ${resource} of ${other.id}`),
          ),
      );
      expect(reached).toEqual([]);
    });

    test('no job may read a whole table, delete a position, write a goal, make a topic, or assume a role', () => {
      const [goal] = jobs;
      for (const access of [
        { action: 'dynamodb:Scan', resource: tableArn('Splits') },
        { action: 'dynamodb:Query', resource: tableArn('Splits') },
        {
          action: 'dynamodb:UpdateItem',
          resource: tableArn('Splits'),
          context: { 'dynamodb:leadingkeys': [goal!.id, jobs[1]!.id] },
        },
        { action: 'dynamodb:DeleteItem', resource: tableArn('Splits'), context: keyed(goal!.id) },
        { action: 'dynamodb:UpdateItem', resource: tableArn('Control'), context: keyed(goal!.id) },
        { action: 's3:PutObject', resource: `${bucketArn}/${objectKeys.goal(goal!.id, 'abc')}` },
        { action: 's3:ListBucket', resource: bucketArn },
        { action: 's3:ListBucket', resource: bucketArn, context: { 's3:prefix': 'checkpoints/' } },
        { action: 'kafka-cluster:CreateTopic', resource: inCluster('topic', 'plays') },
        { action: 'kafka-cluster:WriteData', resource: inCluster('topic', goal!.source.topic) },
        { action: 'secretsmanager:GetSecretValue', resource: secretArn('default', 'hook') },
        { action: 'kms:Decrypt', resource: standsFor('DataKey') },
        { action: 'sts:AssumeRole', resource: 'arn:aws:iam::111122223333:role/millrace/job/millrace-job' },
        // A job without a table has no business in the catalog.
        { action: 'glue:GetTable', resource: glueArn('catalog') },
      ])
        expect([access.action, access.resource, may(goal!, access)]).toEqual([access.action, access.resource, false]);
    });

    test('a job with a table drops none, and changes no database and no partition that is another’s', () => {
      const lake = jobs.find(({ name }) => name === 'lake.a')!;
      for (const [action, resource] of [
        ['DeleteTable', 'table/millrace_default/plays'],
        ['BatchDeletePartition', 'table/millrace_default/plays'],
        ['UpdateDatabase', 'database/millrace_default'],
        ['CreateTable', 'table/millrace_default/plays/x'],
        ['UpdateTable', 'table/default/plays'],
        ['CreateDatabase', 'database/default'],
        ['GetTable', 'database/default'],
      ] as const)
        expect([action, resource, may(lake, { action: `glue:${action}`, resource: glueArn(resource) })]).toEqual([
          ...[action, resource],
          false,
        ]);
    });

    test('requests are signed for what the stage lists, and for nothing where it lists nothing', () => {
      const search = 'arn:aws:es:us-east-1:111122223333:domain/search/*';
      const opened = synthPlatform({ ...stages.dev, sinks: { networks: [], ports: [], signed: { es: [search] } } });
      const statements = statementsOf(opened, 'JobRole');
      const post = (domain: string) => ({
        ...{ action: 'es:ESHttpPost', context: {} },
        resource: `arn:aws:es:us-east-1:111122223333:domain/${domain}/_bulk`,
      });
      expect(isAllowed(statements, post('search'))).toBe(true);
      expect(isAllowed(statements, post('other'))).toBe(false);
      expect(isAllowed(statements, { ...post('search'), action: 'es:ESHttpDelete' })).toBe(false);
      expect(isAllowed(ofJobRole, post('search'))).toBe(false);
    });

    test('without tags the role may do nothing but open a connection', () => {
      const untagged = jobs.flatMap(accessesOf).filter((access) => isAllowed(ofJobRole, { context: {}, ...access }));
      expect(untagged).toEqual([]);
    });

    test('with a user for workers a job reads that login and no other secret, and has no right at Kafka by its role', () => {
      ofJobRole = statementsOf(sharedPlatform(devWithWorkerUser), 'JobRole');
      const [goal] = jobs;
      const login = standsFor('WorkerUser');
      const decrypt = (resource: string, secret: string): Access => ({
        ...{ action: 'kms:Decrypt', resource },
        context: {
          'kms:viaservice': 'secretsmanager.us-east-1.amazonaws.com',
          'kms:encryptioncontext:secretarn': secret,
        },
      });
      const asked: readonly (readonly [Access, boolean])[] = [
        [{ action: 'secretsmanager:GetSecretValue', resource: login }, true],
        [decrypt(standsFor('WorkerUserKey'), login), true],
        [decrypt(standsFor('WorkerUserKey'), secretArn('default', 'hook')), false],
        [decrypt(standsFor('DataKey'), login), false],
        [{ action: 'secretsmanager:GetSecretValue', resource: secretArn('default', 'hook') }, false],
        [{ action: 'secretsmanager:PutSecretValue', resource: login }, false],
      ];
      expect(asked.map(([access]) => may(goal!, access))).toEqual(asked.map(([, allowed]) => allowed));
      const atKafka = ofJobRole.flatMap(({ Action }) => [Action].flat()).filter((each) => /^kafka/.test(each));
      expect(atKafka).toEqual([]);
    });

    test('before it has them its task may call one function and nothing else', () => {
      expect(statementsOf(synth, 'TaskRole').map(({ Action, Resource }) => [Action, Resource])).toEqual([
        ['lambda:InvokeFunction', 'arn:aws:lambda:us-east-1:111122223333:function:millrace-credentials'],
      ]);
    });
  });

  describe('the control plane', () => {
    test('no policy allows all actions of a service, and only actions without narrower resources are allowed on all', () => {
      const everywhere = new Set<string>();
      for (const role of ['Api', 'Reconcile', 'Nudge', 'Credentials', 'Migrate', 'JobRole', 'TaskRole'])
        for (const { Effect, Action, Resource } of statementsOf(synth, role))
          for (const action of [Action].flat()) {
            expect(action).not.toMatch(/\*/);
            if (Effect === 'Allow' && [Resource].flat().includes('*')) everywhere.add(action);
          }
      expect([...everywhere].filter((action) => !/^(ec2|xray|logs):/.test(action))).toEqual(['ecs:ListTasks']);
    });

    test("the function's own code may not make network interfaces, which Lambda does for it", () => {
      const statements = statementsOf(synth, 'Api');
      const request = { action: 'ec2:CreateNetworkInterface', resource: 'arn:aws:ec2:us-east-1:111122223333:subnet/s' };
      const own = { 'lambda:sourcefunctionarn': 'arn:aws:lambda:us-east-1:111122223333:function:millrace-api' };
      expect(isAllowed(statements, { ...request, context: {} })).toBe(true);
      expect(isAllowed(statements, { ...request, context: own })).toBe(false);
    });

    test('only the reconciler runs tasks, only in the cells, and passes no role but the two of tasks, and to ECS only', () => {
      const statements = statementsOf(synth, 'Reconcile');
      const pass = statements.filter(({ Action }) => [Action].flat().includes('iam:PassRole'));
      expect(pass).toHaveLength(1);
      expect([pass[0]!.Resource].flat()).toHaveLength(2);
      expect(pass[0]!.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
      for (const action of ['ecs:RunTask', 'ecs:StopTask', 'ecs:DescribeTasks', 'ecs:ListTasks'])
        for (const statement of statements.filter((each) => [each.Action].flat().includes(action)))
          expect(Object.keys(statement.Condition ?? {})).toEqual(['ArnEquals']);
      for (const role of ['Api', 'Nudge', 'Credentials', 'Migrate'])
        expect(
          statementsOf(synth, role)
            .flatMap(({ Action }) => [Action].flat())
            .filter((a) => /^(ecs|iam):/.test(a)),
        ).toEqual([]);
    });

    test('the API reads what people ask for: dead letters, events, positions, checkpoints, the books of jobs', () => {
      const statements = statementsOf(synth, 'Api');
      const prefix = objectKeys.checkpointPrefix(jobs[0]!.id, 'uid');
      for (const access of [
        { action: 'kafka-cluster:ReadData', resource: inCluster('topic', deadLetterTopic('default', 'play.out')) },
        { action: 'kafka-cluster:DescribeTopic', resource: inCluster('topic', deadLetterTopic('default', 'play.out')) },
        { action: 'kafka-cluster:WriteData', resource: inCluster('topic', 'events') },
        { action: 's3:GetObject', resource: `${bucketArn}/${objectKeys.checkpoint(jobs[0]!.id, 'uid', 7)}` },
        { action: 's3:ListBucket', resource: bucketArn, context: { 's3:prefix': prefix } },
        ...['Splits', 'WorkerItems', 'Control'].map((table) => ({
          ...{ action: 'dynamodb:Query', resource: tableArn(table) },
        })),
      ])
        expect([access.action, access.resource, isAllowed(statements, { context: {}, ...access })]).toEqual([
          ...[access.action, access.resource],
          true,
        ]);
    });

    test('the function of credentials sees whether a goal is there, and nothing else of the bucket', () => {
      const statements = statementsOf(synth, 'Credentials');
      const mayList = (prefix: string): boolean =>
        isAllowed(statements, {
          ...{ action: 's3:ListBucket', resource: bucketArn, context: { 's3:prefix': prefix } },
        });
      expect(mayList(objectKeys.goal(jobs[0]!.id, 'abc'))).toBe(true);
      expect(mayList(objectKeys.checkpointPrefix(jobs[0]!.id, 'uid'))).toBe(false);
      expect(mayList('')).toBe(false);
    });

    test('the API reads the secrets of registries that the stage names, and no other', () => {
      const sinks = { networks: [], ports: [], registrySecrets: ['default/registry'] };
      const statements = statementsOf(synthPlatform({ ...stages.dev, sinks }), 'Api');
      const read = (name: string) => ({
        ...{ action: 'secretsmanager:GetSecretValue', resource: secretArn('default', name), context: {} },
      });
      expect(isAllowed(statements, read('registry'))).toBe(true);
      expect(isAllowed(statements, read('registry-2'))).toBe(false);
      expect(isAllowed(statements, read('hook'))).toBe(false);
    });

    test('no function of the control plane reads the secret of a sink', () => {
      for (const role of ['Api', 'Reconcile', 'Nudge', 'Credentials', 'Migrate']) {
        const request = {
          action: 'secretsmanager:GetSecretValue',
          resource: secretArn('default', 'hook'),
          context: {},
        };
        expect([role, isAllowed(statementsOf(synth, role), request)]).toEqual([role, false]);
      }
    });

    test('the API writes no goal, no lease and no position, and the reconciler no record', () => {
      const writes = (role: string, pattern: RegExp): string[] =>
        statementsOf(synth, role)
          .flatMap(({ Action }) => [Action].flat())
          .filter((action) => pattern.test(action));
      expect(writes('Api', /^(s3:(?!GetObject|ListBucket)|dynamodb:(?!Query|Scan|BatchGetItem))/)).toEqual([]);
      expect(writes('Reconcile', /^kafka-cluster:(ReadData|WriteData)/)).toEqual([]);
    });
  });
}
