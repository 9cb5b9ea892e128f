// Adapters of AWS services against moto, a counterpart over HTTP: what they ask is understood, and what they are answered they understand.
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetDashboardCommand,
  PutMetricAlarmCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateStateMachineCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createJobWatches } from '#adapters/cloudwatch/job-watches.ts';
import { createMessageAuthenticator } from '#adapters/kms/message-authenticator.ts';
import { readLogin } from '#adapters/secretsmanager/login-secret.ts';
import { createSecretStore } from '#adapters/secretsmanager/secret-store.ts';
import { createNudges } from '#adapters/sqs/nudges.ts';
import { createExecutions } from '#adapters/stepfunctions/executions.ts';
import { createJobRole } from '#adapters/sts/job-role.ts';
import { secretName, sessionTags } from '#core/names.ts';
import { motoAccess, ownMoto } from '#test/support/moto.ts';
import { glueCatalogSuite } from './glue-catalog.suite.ts';
import { jobWatchesContract } from './job-watches.contract.ts';
import { secretStoreContract } from './secret-store.contract.ts';
import { taskEventsSuite } from './task-events.suite.ts';

/** Null where there is no python3 to run it with: then nothing here is tested, and says so. */
const moto = await ownMoto();
const onMoto = moto === null ? describe.skip : describe;
afterAll(async () => await moto?.[Symbol.asyncDispose]());

const { region } = motoAccess;
const at = () => ({ ...motoAccess, endpoint: moto?.url ?? '' });

onMoto('on moto', () => {
  describe('secrets in Secrets Manager', () => {
    let lives = 0;
    secretStoreContract(async () => {
      const client = new SecretsManagerClient(at());
      const life = ++lives;
      // Tenants of one life each, so that no test finds what another has set.
      const own = (tenant: string): string => `${tenant}-${life}`;
      const store = createSecretStore(at());
      return {
        store: { read: (tenant, name) => store.read(own(tenant), name) },
        set: async (tenant, name, text) => {
          const id = secretName(own(tenant), name);
          const put = client.send(new PutSecretValueCommand({ SecretId: id, SecretString: text }));
          await put.catch(async (error: unknown) => {
            if (!(error instanceof ResourceNotFoundException)) throw error;
            await client.send(new CreateSecretCommand({ Name: id, SecretString: text }));
          });
        },
      };
    });

    test('a login that AWS keeps is read with its password; what is no login is refused, and not told', async () => {
      const client = new SecretsManagerClient(at());
      const { ARN } = await client.send(
        new CreateSecretCommand({ Name: 'rds!cluster', SecretString: '{"username":"owner","password":"p"}' }),
      );
      const read = await readLogin({ region, secretArn: ARN ?? '', endpoint: moto?.url ?? '' });
      expect(read).toEqual({ username: 'owner', password: 'p' });
      await client.send(new PutSecretValueCommand({ SecretId: 'rds!cluster', SecretString: '{"password":"hidden"}' }));
      const refused = readLogin({ region, secretArn: ARN ?? '', endpoint: moto?.url ?? '' });
      await expect(refused).rejects.toMatchObject({
        message: expect.not.stringContaining('hidden'),
        code: 'login-invalid',
      });
    });
  });

  describe('watches of jobs in CloudWatch', () => {
    const watches = () =>
      createJobWatches({ ...at(), topicArn: 'arn:aws:sns:us-east-1:123456789012:alarms', shards: 4 });
    jobWatchesContract(watches);

    test('an alarm looks at the metric that the figures are written under, and a dashboard shows it; others’ alarms stay', async () => {
      const client = new CloudWatchClient(at());
      const own = { Namespace: 'Own', MetricName: 'm', Statistic: 'Sum', Period: 60, EvaluationPeriods: 1 } as const;
      await client.send(
        new PutMetricAlarmCommand({
          ...{ ...own, AlarmName: 'millrace-PassesFail', Threshold: 1, ComparisonOperator: 'GreaterThanThreshold' },
        }),
      );
      const watch = { tenant: 'default', job: 'seen.out', owner: 'playback', alerts: { deadLetterRate: 0.01 } };
      await watches().put(watch);
      const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({}));
      expect(
        MetricAlarms.find(({ AlarmName }) => AlarmName === 'millrace-job/default/seen.out/deadLetterRate'),
      ).toMatchObject({
        ...{ Namespace: 'Millrace', MetricName: 'DeadLetters', Threshold: 1, TreatMissingData: 'notBreaching' },
        Dimensions: expect.arrayContaining([{ Name: 'Job', Value: 'default/seen.out' }]),
      });
      const dashboard = { DashboardName: 'millrace-job-default_seen_out' };
      const { DashboardBody = '{}' } = await client.send(new GetDashboardCommand(dashboard));
      expect(JSON.parse(DashboardBody).widgets).toHaveLength(4);
      await watches().remove('default', 'seen.out');
      const { MetricAlarms: left = [] } = await client.send(new DescribeAlarmsCommand({}));
      expect(left.map(({ AlarmName }) => AlarmName)).toContain('millrace-PassesFail');
      await expect(client.send(new GetDashboardCommand(dashboard))).rejects.toThrow();
    });
  });

  describe('tables in Glue', () => glueCatalogSuite(moto?.url ?? ''));

  describe('events of tasks by EventBridge', () => taskEventsSuite(moto?.url ?? ''));

  test('KMS: what was signed verifies; another text, another signature and another key do not', async () => {
    const kms = new KMSClient(at());
    const newKey = async (): Promise<string> => {
      const spec = { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' } as const;
      return (await kms.send(new CreateKeyCommand(spec))).KeyMetadata?.KeyId ?? '';
    };
    const [keyId, otherId] = [await newKey(), await newKey()];
    const own = createMessageAuthenticator({ region, keyId, endpoint: moto?.url ?? '' });
    const other = createMessageAuthenticator({ region, keyId: otherId, endpoint: moto?.url ?? '' });
    const signature = await own.sign('["job","worker","goal"]');
    expect(await own.sign('["job","worker","goal"]')).toBe(signature);
    expect(await own.verify('["job","worker","goal"]', signature)).toBe(true);
    expect(await own.verify('["job","worker","goal2"]', signature)).toBe(false);
    expect(await other.verify('["job","worker","goal"]', signature)).toBe(false);
  });

  test("STS: a session of the job's role, whose credentials last for an hour at most", async () => {
    const roleArn = 'arn:aws:iam::123456789012:role/millrace/job/millrace-job';
    const assume = createJobRole({ region, roleArn, endpoint: moto?.url ?? '' });
    const issued = await assume('default/plays.out@u1/00000001/0', { [sessionTags.job]: 'default/plays.out@u1' });
    expect(issued).toMatchObject({ accessKeyId: expect.any(String), sessionToken: expect.any(String) });
    expect(issued.expiresAt - Date.now()).toBeLessThanOrEqual(3_600_000);
    expect(issued.expiresAt).toBeGreaterThan(Date.now());
  });

  test('SQS and Step Functions: a nudge waits in the queue, and starts one execution however often it is delivered', async () => {
    const sqs = new SQSClient(at());
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'nudges' }));
    const queueUrl = QueueUrl.replace(/^https?:\/\/[^/]+/, moto?.url ?? '');
    await createNudges({ region, queueUrl, endpoint: moto?.url ?? '' })('PUT /v1/routes/plays');
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
    expect(Messages).toHaveLength(1);
    expect(Messages[0]?.Body).toContain('/v1/routes/plays');

    const states = new SFNClient(at());
    const { stateMachineArn = '' } = await states.send(
      new CreateStateMachineCommand({
        name: 'millrace-reconcile',
        definition: JSON.stringify({ StartAt: 'End', States: { End: { Type: 'Succeed' } } }),
        roleArn: 'arn:aws:iam::123456789012:role/millrace-machine',
      }),
    );
    const start = createExecutions({ region, stateMachineArn, endpoint: moto?.url ?? '' });
    expect(await start('nudge-1', 'a nudge')).toBe('started');
    // Of the same name and input as one that runs, Step Functions would tell that it started.
    expect(await start('nudge-1', 'a nudge')).toBe('exists');
    expect(await start('nudge-2', 'a nudge')).toBe('started');
    const { executions = [] } = await states.send(new ListExecutionsCommand({ stateMachineArn }));
    expect(executions.map(({ name }) => name).sort()).toEqual(['nudge-1', 'nudge-2']);
  });
});
