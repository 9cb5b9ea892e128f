// The rights that the templates give, evaluated: no job reaches what is another's, and each function only what it uses.
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { JobGoal } from '#core/job/job-goal.ts';
import { sessionTagsOf } from '#core/job/task-identity.ts';
import { deadLetterTopic, jobId, objectKeys, telemetryGroup } from '#core/names.ts';
import { isAllowed, resolveTemplate, type Statement } from '#test/support/policy-evaluator.ts';
import { type StackName, type SynthPlatform, stackNames, synthPlatform } from '#test/support/synth-platform.ts';

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
    deadLetterTopic: deadLetterTopic(name),
  }) as unknown as JobGoal;

/** Names that are each other's beginning, that share a source, that read what another writes, and of another tenant. */
const jobs: readonly JobGoal[] = [
  goalOf('default', 'play.out', 'events', 'plays'),
  goalOf('default', 'plays.out', 'events', 'plays-too'),
  goalOf('default', 'plays.out2', 'events', 'other'),
  goalOf('default', 'next.out', 'plays', 'last'),
  goalOf('acme', 'play.out', 'acme-events', 'acme-plays'),
];

interface Access {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

const keyed = (job: string) => ({ 'dynamodb:leadingkeys': [job] });

/** All that a worker does for its job. */
const accessesOf = (goal: JobGoal): readonly Access[] => {
  const { id, uid, name } = goal;
  const checkpoint = `${bucketArn}/${objectKeys.checkpoint(id, uid, 7)}`;
  const sink = goal.sink.kind === 'stream' ? goal.sink.topic : '';
  return [
    { action: 's3:GetObject', resource: `${bucketArn}/${objectKeys.goal(id, 'abc')}` },
    ...['s3:GetObject', 's3:PutObject', 's3:DeleteObject'].map((action) => ({ action, resource: checkpoint })),
    { action: 's3:ListBucket', resource: bucketArn, context: { 's3:prefix': objectKeys.checkpointPrefix(id, uid) } },
    ...['Splits', 'WorkerItems'].flatMap((table) =>
      ['dynamodb:Query', 'dynamodb:UpdateItem'].map((action) => ({
        ...{ action, resource: tableArn(table), context: keyed(id) },
      })),
    ),
    { action: 'dynamodb:DeleteItem', resource: tableArn('WorkerItems'), context: keyed(id) },
    { action: 'kafka-cluster:ReadData', resource: inCluster('topic', goal.source.topic) },
    { action: 'kafka-cluster:WriteData', resource: inCluster('topic', sink) },
    { action: 'kafka-cluster:WriteData', resource: inCluster('topic', goal.deadLetterTopic) },
    { action: 'kafka-cluster:AlterGroup', resource: inCluster('group', telemetryGroup(name)) },
  ];
};

const synth = synthPlatform('prod');

describe("a worker with its job's credentials", () => {
  let ofJobRole: readonly Statement[];
  const may = (goal: JobGoal, { action, resource, context = {} }: Access): boolean => {
    const tags = Object.entries(sessionTagsOf(goal)).map(([key, value]) => [`aws:principaltag/${key}`, value] as const);
    return isAllowed(ofJobRole, { action, resource, context: { ...Object.fromEntries(tags), ...context } });
  };

  beforeAll(() => {
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
      { action: 'sts:AssumeRole', resource: 'arn:aws:iam::111122223333:role/millrace/job/millrace-job' },
    ])
      expect([access.action, access.resource, may(goal!, access)]).toEqual([access.action, access.resource, false]);
  });

  test('without tags the role may do nothing but open a connection', () => {
    const untagged = jobs.flatMap(accessesOf).filter((access) => isAllowed(ofJobRole, { context: {}, ...access }));
    expect(untagged).toEqual([]);
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

  test('the API writes no goal, no lease and no position, and the reconciler no record', () => {
    const writes = (role: string, pattern: RegExp): string[] =>
      statementsOf(synth, role)
        .flatMap(({ Action }) => [Action].flat())
        .filter((action) => pattern.test(action));
    expect(writes('Api', /^(s3:(?!GetObject|ListBucket)|dynamodb:(?!Query|Scan))/)).toEqual([]);
    expect(writes('Reconcile', /^kafka-cluster:(ReadData|WriteData)/)).toEqual([]);
  });
});
