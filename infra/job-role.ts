// The role of every job's worker, narrowed by the tags of the session in which it is assumed: to the job's own items, objects and topics.
import { Stack } from 'aws-cdk-lib';
import { ArnPrincipal, type IRole, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { sessionTags } from '#core/names.ts';
import { type StageConfig, signedActions } from './config.ts';
import type { DataStack, WorkerUser } from './data-stack.ts';
import { jobKafkaRights } from './job-kafka-rights.ts';
import { kafkaArn } from './kafka-arns.ts';

const tag = (name: keyof typeof sessionTags): string => `\${aws:PrincipalTag/${sessionTags[name]}}`;

export class JobRole extends Construct {
  readonly role: Role;

  /** Only `issuer` may assume it, and only with all the tags that narrow it set by itself. */
  constructor(scope: Construct, id: string, data: DataStack, issuer: IRole, { sinks }: StageConfig) {
    super(scope, id);
    this.role = new Role(this, 'Role', {
      path: '/millrace/job/',
      roleName: 'millrace-job',
      assumedBy: new ArnPrincipal(issuer.roleArn),
      description: "A job's worker; its session's tags name what is its own",
    });
    this.role.assumeRolePolicy?.addStatements(
      new PolicyStatement({
        actions: ['sts:TagSession'],
        principals: [new ArnPrincipal(issuer.roleArn)],
        conditions: {
          StringLike: { [`aws:RequestTag/${sessionTags.job}`]: '*/*@*' },
          'ForAllValues:StringEquals': { 'aws:TagKeys': Object.values(sessionTags) },
        },
      }),
    );
    this.#allowStores(data);
    if (data.workerUser === null) this.#allowKafka(data.brokerArn);
    else this.#allowKafkaLogin(data.workerUser);
    this.#allowSecret(data);
    this.#allowGlue();
    for (const [service, arns] of Object.entries(sinks.signed ?? {}))
      this.#allow(signedActions[service as keyof typeof signedActions], arns);
  }

  #allow(actions: readonly string[], resources: readonly string[], conditions?: Record<string, unknown>): void {
    const statement = { actions: [...actions], resources: [...resources] };
    this.role.addToPolicy(new PolicyStatement({ ...statement, ...(conditions === undefined ? {} : { conditions }) }));
  }

  #allowStores({ bucket, tables }: DataStack): void {
    this.#allow(['s3:GetObject'], [bucket.arnForObjects(`goals/${tag('job')}/*`)]);
    this.#allow(
      ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      ['checkpoints', 'staging', 'journal'].map((folder) => bucket.arnForObjects(`${folder}/${tag('job')}/*`)),
    );
    // A table's files are never changed and never taken away.
    this.#allow(['s3:GetObject', 's3:PutObject'], [bucket.arnForObjects(`tables/${tag('table')}/*`)]);
    // Also each key by itself: by that the object store tells what is not there from what may not be read.
    const listed = ['checkpoints', 'goals', 'staging', 'journal'].map((folder) => `${folder}/${tag('job')}/*`);
    this.#allow(['s3:ListBucket'], [bucket.bucketArn], {
      StringLike: { 's3:prefix': [...listed, `tables/${tag('table')}/*`] },
    });
    const ownItems = {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [tag('job')] },
      // Without it a request that names no key at all would do as well.
      Null: { 'dynamodb:LeadingKeys': 'false' },
    };
    this.#allow(['dynamodb:Query', 'dynamodb:UpdateItem'], [tables.splits.tableArn, tables.workers.tableArn], ownItems);
    // A worker that ends takes its own heartbeat away.
    this.#allow(['dynamodb:DeleteItem'], [tables.workers.tableArn], ownItems);
  }

  /** Of the secrets that its sink and its registries name, three at most. Secrets Manager ends each ARN with a hyphen and six characters of its own. */
  #allowSecret({ dataKey }: DataStack): void {
    const { partition, region, account } = Stack.of(this);
    const arns = (['secret', 'sourceSecret', 'sinkSecret'] as const).map(
      (name) => `arn:${partition}:secretsmanager:${region}:${account}:secret:millrace/${tag(name)}-??????`,
    );
    this.#allow(['secretsmanager:GetSecretValue'], arns);
    // For a secret that was put under the platform's key; one under Secrets Manager's own needs no right to it.
    this.#allow(['kms:Decrypt'], [dataKey.keyArn], {
      StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` },
      StringLike: { 'kms:EncryptionContext:SecretARN': arns },
    });
  }

  /**
   * Its table, and its tenant's database, which the first of the tenant's tables makes. Glue wants a right to the catalog
   * and to all that an action touches; a right to the catalog alone gives nothing, and a job without a table has not even that.
   */
  #allowGlue(): void {
    const { partition, region, account } = Stack.of(this);
    const arn = (resource: string): string => `arn:${partition}:glue:${region}:${account}:${resource}`;
    const ofDatabase = [arn('catalog'), arn(`database/${tag('glueDatabase')}`)];
    const hasTable = { Null: { [`aws:PrincipalTag/${sessionTags.glueTable}`]: 'false' } };
    this.#allow(['glue:CreateDatabase'], ofDatabase, hasTable);
    this.#allow(
      [
        ...['glue:GetTable', 'glue:CreateTable', 'glue:UpdateTable'],
        ...['glue:BatchCreatePartition', 'glue:BatchGetPartition', 'glue:BatchUpdatePartition'],
      ],
      [...ofDatabase, arn(`table/${tag('glueTable')}`)],
      hasTable,
    );
  }

  /** What the user may do is the brokers' business; no other right at Kafka goes with the role. */
  #allowKafkaLogin({ secret, key }: WorkerUser): void {
    this.#allow(['secretsmanager:GetSecretValue'], [secret.secretArn]);
    this.#allow(['kms:Decrypt'], [key.keyArn], {
      StringEquals: {
        'kms:ViaService': `secretsmanager.${Stack.of(this).region}.amazonaws.com`,
        'kms:EncryptionContext:SecretARN': secret.secretArn,
      },
    });
  }

  #allowKafka(clusterArn: string): void {
    for (const { kind, name, actions } of jobKafkaRights(tag))
      this.#allow(
        actions.map((action) => `kafka-cluster:${action}`),
        [kind === 'cluster' ? clusterArn : kafkaArn(clusterArn, kind, name)],
      );
  }
}
