// The control plane: the API, the passes and what starts them, and the function that gives workers their credentials. Holds no data.

import { join } from 'node:path';
import { CfnOutput, CustomResource, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import {
  type CfnStage,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  type IHttpRouteAuthorizer,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Provider } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import { alarmTopic, declarationsFunction, environment, goalDatabase, reconcileStateMachine } from '#core/names.ts';
import type { StageConfig } from './config.ts';
import { allowApi, allowCredentials, allowMigrate, allowReconcile } from './control-plane-rights.ts';
import type { DataStack } from './data-stack.ts';
import { JobRole } from './job-role.ts';
import { logRetention } from './log-retention.ts';
import type { NetworkStack } from './network-stack.ts';
import { ProgramFunction, type ProgramProps } from './program-function.ts';
import type { FunctionName, Programs } from './programs.ts';
import { credentialsFunctionName, type RuntimeStack } from './runtime-stack.ts';
import { nudgeReceivesMax, stoppedTasks } from './task-events.ts';

/** The same file is run locally by an interpreter (functions/reconcile/local-machine.ts). */
export const reconcileDefinitionFile = join(import.meta.dirname, 'reconcile.asl.json');

export interface ControlPlaneProps extends StackProps {
  readonly config: StageConfig;
  readonly network: NetworkStack;
  readonly data: DataStack;
  readonly runtime: RuntimeStack;
  readonly programs: Programs;
  readonly version: string;
}

/** In MiB; Lambda gives one vCPU at 1,769. */
const memory = { api: 1_024, reconcile: 1_769, small: 512 } as const;
/** What API Gateway waits for at most, less a second to answer. */
const apiSeconds = 29;
/** Nothing is decided upon later than 30 s after a pass began: what takes so much longer hangs, and keeps others from passing. As in the state machine. */
const passSeconds = 120;

export class ControlPlaneStack extends Stack {
  readonly api: ProgramFunction;
  readonly reconcile: ProgramFunction;
  readonly nudge: ProgramFunction;
  readonly credentials: ProgramFunction;
  readonly machine: StateMachine;
  readonly nudges: Queue;
  readonly deadNudges: Queue;
  readonly httpApi: HttpApi;
  readonly jobRole: JobRole;
  readonly #props: ControlPlaneProps;

  constructor(scope: Construct, id: string, props: ControlPlaneProps) {
    super(scope, id, props);
    this.#props = props;
    const { config, data } = props;
    const migrated = this.#addMigration();
    this.deadNudges = this.#queue('DeadNudges', { retentionPeriod: Duration.days(14) });
    this.nudges = this.#queue('Nudges', {
      retentionPeriod: Duration.hours(1),
      visibilityTimeout: Duration.seconds(90),
      deadLetterQueue: { queue: this.deadNudges, maxReceiveCount: nudgeReceivesMax },
    });
    this.reconcile = this.#addReconcile();
    this.reconcile.function.node.addDependency(migrated);
    this.machine = this.#addMachine();
    this.nudge = this.#addNudge();
    this.api = this.#addApi();
    this.api.function.node.addDependency(migrated);
    this.credentials = this.#program('credentials', {
      description: "Gives a worker its job's credentials",
      ...{ memoryMiB: memory.small, timeoutSeconds: 15, reservedConcurrency: config.concurrency.credentials },
      environment: {
        ...this.#common(),
        [environment.identityKey]: data.identityKey.keyArn,
        [environment.bucket]: data.bucket.bucketName,
        [environment.jobRole]: `arn:${this.partition}:iam::${this.account}:role/millrace/job/millrace-job`,
      },
    });
    this.jobRole = new JobRole(this, 'JobRole', data, this.credentials.role, config);
    allowCredentials(this.credentials, data, this.jobRole);
    this.#addDeclarations();
    this.#addSchedules();
    this.httpApi = this.#addGateway(config);
    new CfnOutput(this, 'ApiUrl', { value: this.httpApi.apiEndpoint, description: 'MILLRACE_API of the command line' });
  }

  #program(
    name: FunctionName,
    props: Omit<ProgramProps, 'functionName' | 'code' | 'network' | 'logDays'>,
  ): ProgramFunction {
    const { programs, network, config } = this.#props;
    const functionName = name === 'credentials' ? credentialsFunctionName : `millrace-${name}`;
    const own = { functionName, code: programs[name], network, logDays: config.logDays };
    return new ProgramFunction(this, `${name[0]!.toUpperCase()}${name.slice(1)}`, { ...own, ...props });
  }

  #common(): Record<string, string> {
    return { [environment.stage]: this.#props.config.stage, [environment.version]: this.#props.version };
  }

  /** What the API checks declarations by, and the reconciler compiles goals by. */
  #ofGoals(): Record<string, string> {
    const { networks, openSearchUrl, registryUrl } = this.#props.config.sinks;
    return {
      ...jobConfig(this.#props.config),
      [environment.sinkNetworks]: networks.join(',') || 'none',
      ...(openSearchUrl === undefined ? {} : { [environment.openSearchUrl]: openSearchUrl }),
      ...(registryUrl === undefined ? {} : { [environment.registryUrl]: registryUrl }),
    };
  }

  #ofData(user: string): Record<string, string> {
    const { database, brokers } = this.#props.data;
    const { hostname, port } = database.clusterEndpoint;
    return {
      ...this.#common(),
      ...this.#ofGoals(),
      [environment.postgresUrl]: `postgres://${user}@${hostname}:${port}/${goalDatabase.name}`,
      [environment.postgresAuth]: 'iam',
      [environment.kafkaBrokers]: brokers,
      [environment.kafkaAuth]: 'iam',
      // Other kinds of brokers refuse a topic that sets it.
      ...(this.#props.config.broker.kind === 'provisioned' ? {} : { [environment.minInsyncReplicas]: 'of-broker' }),
    };
  }

  #queue(id: string, props: ConstructorParameters<typeof Queue>[2]): Queue {
    return new Queue(this, id, {
      ...{ encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, removalPolicy: RemovalPolicy.DESTROY },
      ...props,
    });
  }

  /** Runs at each deployment, before the functions that need what it makes. */
  #addMigration(): CustomResource {
    const { data, version, config } = this.#props;
    const migrate = this.#program('migrate', {
      description: 'Brings the goal store to this version',
      ...{ memoryMiB: memory.small, timeoutSeconds: 900, reservedConcurrency: 1 },
      environment: {
        ...this.#common(),
        [environment.databaseSecret]: data.ownerSecretArn,
        [environment.databaseHost]: `${data.database.clusterEndpoint.hostname}:${data.database.clusterEndpoint.port}`,
      },
    });
    allowMigrate(migrate, data);
    const provider = new Provider(this, 'Migration', {
      onEventHandler: migrate.function,
      logGroup: new LogGroup(this, 'MigrationLog', {
        ...{ retention: logRetention(config.logDays), removalPolicy: RemovalPolicy.DESTROY },
      }),
    });
    return new CustomResource(this, 'GoalStoreVersion', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::MillraceGoalStore',
      properties: { version },
    });
  }

  #addReconcile(): ProgramFunction {
    const { data, runtime, network, config } = this.#props;
    const reconcile = this.#program('reconcile', {
      description: 'One pass: observe, plan, act',
      ...{ memoryMiB: memory.reconcile, timeoutSeconds: passSeconds },
      reservedConcurrency: config.concurrency.reconcile,
      environment: {
        ...this.#ofData(goalDatabase.reconciler),
        [environment.bucket]: data.bucket.bucketName,
        [environment.clusters]: runtime.clusters.map((cluster) => cluster.clusterArn).join(','),
        [environment.taskDefinitions]: runtime.taskDefinitions
          .map(({ size, definition }) => `${size.cpu / 1_024}/${size.memoryMiB}=${definition.taskDefinitionArn}`)
          .join(','),
        [environment.subnets]: network.vpc.selectSubnets({ subnetGroupName: 'work' }).subnetIds.join(','),
        [environment.securityGroups]: network.workers.securityGroupId,
        [environment.workerLogGroup]: runtime.workerLog.logGroupName,
        [environment.identityKey]: data.identityKey.keyArn,
        [environment.alarmTopic]: `arn:${this.partition}:sns:${this.region}:${this.account}:${alarmTopic}`,
        [environment.metricShards]: String(config.fleetShards),
      },
    });
    allowReconcile(reconcile, data, runtime);
    return reconcile;
  }

  #addMachine(): StateMachine {
    const machine = new StateMachine(this, 'ReconcileMachine', {
      stateMachineName: reconcileStateMachine,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromFile(reconcileDefinitionFile),
      definitionSubstitutions: { ReconcileFunctionArn: this.reconcile.function.functionArn },
      timeout: Duration.hours(1),
      logs: {
        destination: new LogGroup(this, 'ReconcileLog', {
          ...{ retention: logRetention(this.#props.config.logDays), removalPolicy: RemovalPolicy.DESTROY },
        }),
        level: LogLevel.ALL,
      },
      tracingEnabled: true,
    });
    machine.addToRolePolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.reconcile.function.functionArn] }),
    );
    return machine;
  }

  #addNudge(): ProgramFunction {
    const nudge = this.#program('nudge', {
      description: 'From many nudges to few executions',
      ...{ memoryMiB: memory.small, timeoutSeconds: 15, reservedConcurrency: 2 },
      environment: { ...this.#common(), [environment.stateMachine]: this.machine.stateMachineArn },
    });
    nudge.allow(['states:StartExecution'], [this.machine.stateMachineArn]);
    nudge.allow(
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
      [this.nudges.queueArn],
    );
    nudge.function.addEventSource(new SqsEventSource(this.nudges, { batchSize: 10, maxConcurrency: 2 }));
    return nudge;
  }

  #addApi(): ProgramFunction {
    const { data, config, network } = this.#props;
    const api = this.#program('api', {
      description: 'The API: every request',
      reaches: network.registries,
      ...{ memoryMiB: memory.api, timeoutSeconds: apiSeconds, reservedConcurrency: config.concurrency.api },
      environment: {
        ...this.#ofData(goalDatabase.api),
        [environment.bucket]: data.bucket.bucketName,
        [environment.nudgeQueue]: this.nudges.queueUrl,
      },
    });
    allowApi(api, data, config.sinks.registrySecrets ?? []);
    api.allow(['sqs:SendMessage'], [this.nudges.queueArn]);
    return api;
  }

  /** Behind the custom resource of CDK's `Stream` and `Route`: it asks the API, and may do nothing else. */
  #addDeclarations(): void {
    const declare = this.#program('declare', {
      description: 'Declares what application stacks declare',
      ...{ memoryMiB: memory.small, timeoutSeconds: 120, reservedConcurrency: 5 },
      environment: { ...this.#common(), [environment.apiFunction]: this.api.function.functionName },
    });
    declare.allow(['lambda:InvokeFunction'], [this.api.function.functionArn]);
    new Provider(this, 'Declarations', {
      onEventHandler: declare.function,
      providerFunctionName: declarationsFunction,
      logGroup: new LogGroup(this, 'DeclarationsLog', {
        ...{ retention: logRetention(this.#props.config.logDays), removalPolicy: RemovalPolicy.DESTROY },
      }),
    });
  }

  #addSchedules(): void {
    new Rule(this, 'Sweep', {
      description: 'Every minute, whatever happened: a lost event costs a minute, never more.',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [
        new SfnStateMachine(this.machine, {
          input: RuleTargetInput.fromObject({ cause: 'sweep' }),
          deadLetterQueue: this.deadNudges,
          retryAttempts: 0,
        }),
      ],
    });
    new Rule(this, 'TaskStopped', {
      description: 'A worker that ended is replaced at once',
      eventPattern: stoppedTasks(this.#props.runtime.clusters.map((cluster) => cluster.clusterArn)),
      targets: [
        new SqsQueue(this.nudges, {
          message: RuleTargetInput.fromObject({ cause: 'a task stopped' }),
          deadLetterQueue: this.deadNudges,
          retryAttempts: 10,
          maxEventAge: Duration.minutes(10),
        }),
      ],
    });
  }

  #addGateway({ api, stage, logDays }: StageConfig): HttpApi {
    const authorizer: IHttpRouteAuthorizer =
      api.kind === 'jwt'
        ? new HttpJwtAuthorizer('Jwt', api.issuer, { jwtAudience: [...api.audience] })
        : new HttpIamAuthorizer();
    const gateway = new HttpApi(this, 'Gateway', {
      apiName: `millrace-${stage}`,
      description: 'Streams, routes and jobs',
      defaultAuthorizer: authorizer,
      disableExecuteApiEndpoint: false,
    });
    const integration = new HttpLambdaIntegration('ApiFunction', this.api.function);
    gateway.addRoutes({ path: '/v1/{proxy+}', methods: [HttpMethod.ANY], integration });
    // Its description is no secret, and tools fetch it before they have a token.
    gateway.addRoutes({
      ...{ path: '/v1/openapi.json', methods: [HttpMethod.GET], integration },
      authorizer: new HttpNoneAuthorizer(),
    });
    const access = new LogGroup(this, 'AccessLog', {
      ...{ retention: logRetention(logDays), removalPolicy: RemovalPolicy.DESTROY },
    });
    const defaultStage = gateway.defaultStage?.node.defaultChild as CfnStage;
    defaultStage.accessLogSettings = {
      destinationArn: access.logGroupArn,
      format: JSON.stringify({
        requestId: '$context.requestId',
        at: '$context.requestTimeEpoch',
        ip: '$context.identity.sourceIp',
        caller: '$context.authorizer.claims.sub$context.identity.userArn',
        request: '$context.httpMethod $context.path',
        status: '$context.status',
        ms: '$context.responseLatency',
        error: '$context.error.message$context.integrationErrorMessage',
      }),
    };
    defaultStage.defaultRouteSettings = {
      ...{ throttlingBurstLimit: 1_000, throttlingRateLimit: 500, detailedMetricsEnabled: true },
    };
    return gateway;
  }
}

/** The layers `files` and `environment` of the jobs' configuration, as the stage has them. */
function jobConfig({ jobs }: StageConfig): Record<string, string> {
  return {
    ...(jobs?.defaults === undefined ? {} : { [environment.configFile]: JSON.stringify(jobs.defaults) }),
    ...(jobs?.forced === undefined ? {} : { [environment.config]: JSON.stringify(jobs.forced) }),
  };
}
