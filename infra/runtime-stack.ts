// What runs workers: one ECS cluster a cell, one task definition a size for all jobs, the worker's image, and the roles of tasks.
import { ArnFormat, Duration, RemovalPolicy, Size, Stack, type StackProps } from 'aws-cdk-lib';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AwsLogDriverMode,
  Capability,
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { environment } from '#core/names.ts';
import type { StageConfig, WorkerSizeConfig } from './config.ts';
import type { DataStack } from './data-stack.ts';
import { logRetention } from './log-retention.ts';
import type { NetworkStack } from './network-stack.ts';
import type { Programs } from './programs.ts';

/** The longest that Fargate waits between SIGTERM and SIGKILL. */
const stopTimeout = Duration.seconds(120);
/** Output that CloudWatch takes too slowly is dropped above this, so that it never holds up a worker. */
const logBuffer = Size.mebibytes(4);

interface RuntimeProps extends StackProps {
  readonly config: StageConfig;
  readonly network: NetworkStack;
  readonly data: DataStack;
  readonly programs: Programs;
  readonly version: string;
}

export const credentialsFunctionName = 'millrace-credentials';

export class RuntimeStack extends Stack {
  readonly clusters: readonly Cluster[];
  readonly taskDefinitions: readonly { readonly size: WorkerSizeConfig; readonly definition: FargateTaskDefinition }[];
  readonly taskRole: Role;
  readonly executionRole: Role;
  readonly workerLog: LogGroup;

  constructor(scope: Construct, id: string, props: RuntimeProps) {
    super(scope, id, props);
    const { config, network } = props;
    this.workerLog = new LogGroup(this, 'WorkerLog', {
      logGroupName: '/millrace/workers',
      retention: logRetention(config.logDays),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.clusters = Array.from(
      { length: config.runtime.cells },
      (_, index) =>
        new Cluster(this, `Cell${index + 1}`, {
          clusterName: `millrace-cell-${index + 1}`,
          vpc: network.vpc,
          enableFargateCapacityProviders: true,
          containerInsightsV2: ContainerInsights.ENABLED,
        }),
    );
    this.taskRole = this.#addTaskRole();
    this.executionRole = new Role(this, 'ExecutionRole', {
      path: '/millrace/',
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', { conditions: this.#ofThisAccount() }),
      description: 'ECS itself: pulls the image, opens the log',
    });
    const image = new DockerImageAsset(this, 'WorkerImage', {
      directory: props.programs.worker,
      platform: Platform.LINUX_ARM64,
    });
    this.taskDefinitions = config.runtime.sizes.map((size) => ({
      size,
      definition: this.#addTaskDefinition(size, image, props),
    }));
  }

  /** It may ask for its job's credentials, by a function that wants to see who it is, and for nothing else. */
  #addTaskRole(): Role {
    const role = new Role(this, 'TaskRole', {
      path: '/millrace/',
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', { conditions: this.#ofThisAccount() }),
      description: "Workers, before they have their job's credentials",
    });
    const resource = { service: 'lambda', resource: 'function', resourceName: credentialsFunctionName };
    const credentials = this.formatArn({ ...resource, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [credentials] }));
    return role;
  }

  #ofThisAccount() {
    return {
      StringEquals: { 'aws:SourceAccount': this.account },
      ArnLike: { 'aws:SourceArn': `arn:${this.partition}:ecs:${this.region}:${this.account}:*` },
    };
  }

  #addTaskDefinition(size: WorkerSizeConfig, image: DockerImageAsset, props: RuntimeProps): FargateTaskDefinition {
    const name = `${size.cpu}x${size.memoryMiB}`;
    const definition = new FargateTaskDefinition(this, `Worker${name}`, {
      family: `millrace-worker-${name}`,
      cpu: size.cpu,
      memoryLimitMiB: size.memoryMiB,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64, operatingSystemFamily: OperatingSystemFamily.LINUX },
      taskRole: this.taskRole,
      executionRole: this.executionRole,
    });
    // A worker that runs must find its definition after a deployment: old revisions stay.
    definition.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    const linuxParameters = new LinuxParameters(this, `Linux${name}`, { initProcessEnabled: true });
    linuxParameters.dropCapabilities(Capability.ALL);
    definition.addContainer('worker', {
      image: ContainerImage.fromDockerImageAsset(image),
      user: '65534:65534',
      readonlyRootFilesystem: true,
      privileged: false,
      linuxParameters,
      stopTimeout,
      environment: this.#workerEnvironment(props),
      logging: LogDrivers.awsLogs({
        streamPrefix: 'worker',
        logGroup: this.workerLog,
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: logBuffer,
      }),
    });
    return definition;
  }

  #workerEnvironment({ config, data, version }: RuntimeProps): Record<string, string> {
    return {
      [environment.stage]: config.stage,
      [environment.version]: version,
      [environment.region]: this.region,
      [environment.kafkaBrokers]: data.workerBrokers,
      [environment.kafkaAuth]: data.workerUser === null ? 'iam' : 'scram',
      ...(data.workerUser === null ? {} : { [environment.kafkaSecret]: data.workerUser.secret.secretArn }),
      [environment.bucket]: data.bucket.bucketName,
      [environment.credentialsFunction]: credentialsFunctionName,
      [environment.tableCatalog]: 'glue',
    };
  }
}
