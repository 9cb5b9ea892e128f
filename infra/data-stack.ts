// All that holds data: the goal store, the broker, checkpoints, leases and positions, and the key that signs identities. Kept when the stack goes.
import { Duration, RemovalPolicy, SecretValue, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import {
  CfnBatchScramSecret,
  CfnCluster,
  type CfnClusterProps,
  CfnConfiguration,
  CfnServerlessCluster,
} from 'aws-cdk-lib/aws-msk';
import {
  AuroraPostgresEngineVersion,
  type CfnDBCluster,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
  ParameterGroup,
} from 'aws-cdk-lib/aws-rds';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import { goalDatabase, tables, workerLogin } from '#core/names.ts';
import { type StageConfig, workerLoginOf } from './config.ts';
import { logRetention } from './log-retention.ts';
import type { NetworkStack } from './network-stack.ts';

const keep = RemovalPolicy.RETAIN;

/** What the brokers' metrics go by. */
export const brokerCluster = 'millrace';

/** What the broker does for topics whose settings say nothing else; `createMissingTopics` is the reconciler's work. */
const brokerProperties = [
  'auto.create.topics.enable=false',
  'default.replication.factor=3',
  'min.insync.replicas=2',
  'num.partitions=3',
  'unclean.leader.election.enable=false',
  'offsets.topic.replication.factor=3',
  'transaction.state.log.replication.factor=3',
  'transaction.state.log.min.isr=2',
  'message.max.bytes=5242880',
].join('\n');

/** The user that all workers are at the brokers, and the key that its password is kept under: MSK takes none under AWS's own. */
export interface WorkerUser {
  readonly secret: Secret;
  readonly key: Key;
}

/** Where the answer of `getBootstrapBrokers` has each listener. */
const listeners = { iam: 'BootstrapBrokerStringSaslIam', scram: 'BootstrapBrokerStringSaslScram' } as const;

interface DataProps extends StackProps {
  readonly config: StageConfig;
  readonly network: NetworkStack;
}

export class DataStack extends Stack {
  readonly database: DatabaseCluster;
  /** Of the database's owner; RDS keeps the password and changes it every seven days. */
  readonly ownerSecretArn: string;
  readonly brokerArn: string;
  /** `host:port` of the brokers' listener for IAM access control, comma-separated. */
  readonly brokers: string;
  /** The same of the listener that workers use. */
  readonly workerBrokers: string;
  /** Null where workers are known by their jobs' roles. */
  readonly workerUser: WorkerUser | null;
  readonly bucket: Bucket;
  readonly tables: Readonly<Record<keyof typeof tables, Table>>;
  readonly identityKey: Key;
  readonly dataKey: Key;

  constructor(scope: Construct, id: string, props: DataProps) {
    super(scope, id, { terminationProtection: true, ...props });
    const { config, network } = props;
    this.dataKey = new Key(this, 'DataKey', {
      ...{ description: 'Encrypts what the platform stores', enableKeyRotation: true, removalPolicy: keep },
    });
    this.identityKey = new Key(this, 'IdentityKey', {
      description: "Signs workers' identities; it cannot leave KMS",
      keySpec: KeySpec.HMAC_256,
      keyUsage: KeyUsage.GENERATE_VERIFY_MAC,
      removalPolicy: keep,
    });
    this.database = this.#addDatabase(config, network);
    this.ownerSecretArn = this.#letRdsKeepThePassword();
    this.brokerArn = this.#addBroker(config, network);
    const isScram = workerLoginOf(config.broker) === 'scram';
    const addresses = this.#readBrokers(isScram ? [listeners.iam, listeners.scram] : [listeners.iam]);
    this.brokers = addresses.getResponseField(listeners.iam);
    this.workerBrokers = isScram ? addresses.getResponseField(listeners.scram) : this.brokers;
    this.workerUser = isScram ? this.#addWorkerUser() : null;
    this.bucket = this.#addBucket();
    this.tables = {
      splits: this.#addTable('Splits', tables.splits),
      workers: this.#addTable('WorkerItems', tables.workers),
      control: this.#addTable('Control', tables.control),
    };
  }

  #addDatabase({ database }: StageConfig, network: NetworkStack): DatabaseCluster {
    const engine = DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_5 });
    const instance = { publiclyAccessible: false, enablePerformanceInsights: true } as const;
    return new DatabaseCluster(this, 'GoalStore', {
      engine,
      parameterGroup: new ParameterGroup(this, 'GoalStoreParameters', {
        engine,
        description: 'Only over TLS; slow statements are logged',
        parameters: { 'rds.force_ssl': '1', log_min_duration_statement: '1000' },
      }),
      defaultDatabaseName: goalDatabase.name,
      credentials: Credentials.fromPassword('millrace_owner', SecretValue.unsafePlainText('never used')),
      serverlessV2MinCapacity: database.capacityMin,
      serverlessV2MaxCapacity: database.capacityMax,
      writer: ClusterInstance.serverlessV2('Writer', instance),
      readers: Array.from({ length: database.readers }, (_, index) =>
        ClusterInstance.serverlessV2(`Reader${index}`, { ...instance, scaleWithWriter: true }),
      ),
      iamAuthentication: true,
      storageEncrypted: true,
      storageEncryptionKey: this.dataKey,
      backup: { retention: Duration.days(database.backupDays) },
      copyTagsToSnapshot: true,
      cloudwatchLogsExports: ['postgresql'],
      deletionProtection: true,
      removalPolicy: keep,
      vpc: network.vpc,
      vpcSubnets: { subnetGroupName: 'data' },
      securityGroups: [network.database],
    });
  }

  /** The construct knows passwords of ours only; CloudFormation knows RDS's own. */
  #letRdsKeepThePassword(): string {
    const cluster = this.database.node.defaultChild as CfnDBCluster;
    cluster.addPropertyDeletionOverride('MasterUserPassword');
    cluster.manageMasterUserPassword = true;
    cluster.masterUserSecret = { kmsKeyId: this.dataKey.keyArn };
    return cluster.attrMasterUserSecretSecretArn;
  }

  /** Gives its ARN. The logical id is the same whatever kind it is: another kind is another cluster, and nobody's events move by themselves. */
  #addBroker({ broker, logDays }: StageConfig, network: NetworkStack): string {
    const subnets = network.vpc.selectSubnets({ subnetGroupName: 'data' }).subnetIds;
    const securityGroups = [network.broker.securityGroupId];
    if (broker.kind === 'serverless') {
      const cluster = new CfnServerlessCluster(this, 'Broker', {
        clusterName: brokerCluster,
        clientAuthentication: { sasl: { iam: { enabled: true } } },
        vpcConfigs: [{ subnetIds: subnets, securityGroups }],
      });
      cluster.applyRemovalPolicy(keep);
      return cluster.attrArn;
    }
    const cluster = new CfnCluster(this, 'Broker', {
      clusterName: brokerCluster,
      kafkaVersion: broker.kafkaVersion,
      numberOfBrokerNodes: broker.brokers,
      brokerNodeGroupInfo: {
        instanceType: broker.instanceType,
        clientSubnets: subnets,
        securityGroups,
        ...(broker.kind === 'provisioned' ? { storageInfo: { ebsStorageInfo: { volumeSize: broker.volumeGiB } } } : {}),
        connectivityInfo: { publicAccess: { type: 'DISABLED' } },
      },
      ...(broker.kind === 'provisioned' ? this.#configuration(broker.kafkaVersion) : {}),
      clientAuthentication: {
        sasl: { iam: { enabled: true }, ...(workerLoginOf(broker) === 'scram' ? { scram: { enabled: true } } : {}) },
        unauthenticated: { enabled: false },
      },
      encryptionInfo: {
        encryptionAtRest: { dataVolumeKmsKeyId: this.dataKey.keyArn },
        encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
      },
      // All that alarms look at, free of charge; by topic and broker, ten thousand topics cost more than the brokers.
      enhancedMonitoring: 'DEFAULT',
      loggingInfo: {
        brokerLogs: {
          cloudWatchLogs: {
            enabled: true,
            logGroup: new LogGroup(this, 'BrokerLog', { retention: logRetention(logDays) }).logGroupName,
          },
        },
      },
    });
    cluster.applyRemovalPolicy(keep);
    return cluster.attrArn;
  }

  /** Express brokers come with theirs. */
  #configuration(kafkaVersion: string): Pick<CfnClusterProps, 'configurationInfo'> {
    const configuration = new CfnConfiguration(this, 'BrokerConfiguration', {
      name: 'millrace',
      kafkaVersionsList: [kafkaVersion],
      serverProperties: brokerProperties,
    });
    configuration.applyRemovalPolicy(keep);
    return {
      configurationInfo: { arn: configuration.attrArn, revision: configuration.attrLatestRevisionRevision },
    };
  }

  /** CloudFormation does not give a cluster's addresses. */
  #readBrokers(outputPaths: string[]): AwsCustomResource {
    const call = {
      service: 'Kafka',
      action: 'getBootstrapBrokers',
      parameters: { ClusterArn: this.brokerArn },
      physicalResourceId: PhysicalResourceId.of('millrace-brokers'),
      outputPaths,
    };
    return new AwsCustomResource(this, 'BrokerAddresses', {
      onUpdate: call,
      installLatestAwsSdk: false,
      policy: AwsCustomResourcePolicy.fromSdkCalls({ resources: [this.brokerArn] }),
    });
  }

  /** MSK reads the secret by a policy that it puts on it itself, when the two are brought together. */
  #addWorkerUser(): WorkerUser {
    const key = new Key(this, 'WorkerUserKey', {
      ...{ description: "Encrypts the password of the workers' Kafka user", enableKeyRotation: true },
      removalPolicy: keep,
    });
    const secret = new Secret(this, 'WorkerUser', {
      secretName: workerLogin.secretName,
      description: 'The user that workers are at the Kafka brokers',
      encryptionKey: key,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: workerLogin.user }),
        generateStringKey: 'password',
        passwordLength: 48,
        excludePunctuation: true,
      },
      removalPolicy: keep,
    });
    new CfnBatchScramSecret(this, 'BrokerUsers', { clusterArn: this.brokerArn, secretArnList: [secret.secretArn] });
    return { secret, key };
  }

  /**
   * Only versions that were overwritten or deleted expire, after a time in which a person can bring them back: which
   * checkpoints are live only the platform knows, and it deletes the others itself.
   */
  #addBucket(): Bucket {
    return new Bucket(this, 'Checkpoints', {
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [
        { id: 'deleted-versions', noncurrentVersionExpiration: Duration.days(7), expiredObjectDeleteMarker: true },
        { id: 'abandoned-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: keep,
    });
  }

  #addTable(id: string, tableName: string): Table {
    return new Table(this, id, {
      tableName,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // Hygiene only: no item that the platform still needs bears it.
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: true,
      removalPolicy: keep,
    });
  }
}
