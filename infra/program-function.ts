// One Lambda function of ours: its bundle, its log, its role with the rights that are listed and no others.
import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageConfig } from './config.ts';
import { logRetention } from './log-retention.ts';
import type { NetworkStack } from './network-stack.ts';

export interface ProgramProps {
  readonly functionName: string;
  /** Folder of the bundle. */
  readonly code: string;
  readonly description: string;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  readonly reservedConcurrency: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly network: NetworkStack;
  /** What else it may reach, beside what all functions may. */
  readonly reaches?: ISecurityGroup;
  readonly logDays: StageConfig['logDays'];
  /** Takes what was asked of it without anybody waiting, and failed. */
  readonly deadLetters?: Queue;
}

/** The trust store of the runtime knows the certificates of RDS; Node's own does not. */
const certificates = '/var/runtime/ca-cert.pem';

/** What Lambda itself does with a function's role in a VPC. AWS offers no narrower resource for these. */
const networkActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

export class ProgramFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: ProgramProps) {
    super(scope, id);
    const log = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${props.functionName}`,
      retention: logRetention(props.logDays),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', {
      path: '/millrace/',
      roleName: props.functionName,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: props.description,
    });
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [`${log.logGroupArn}`]);
    this.#allowNetwork(props.functionName);
    this.function = new LambdaFunction(this, 'Function', {
      functionName: props.functionName,
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(props.code),
      memorySize: props.memoryMiB,
      timeout: Duration.seconds(props.timeoutSeconds),
      reservedConcurrentExecutions: props.reservedConcurrency,
      environment: { NODE_EXTRA_CA_CERTS: certificates, ...props.environment },
      role: this.role.withoutPolicyUpdates(),
      logGroup: log,
      tracing: Tracing.ACTIVE,
      vpc: props.network.vpc,
      vpcSubnets: { subnetGroupName: 'work' },
      securityGroups: [props.network.functions, ...(props.reaches ? [props.reaches] : [])],
      ...(props.deadLetters ? { deadLetterQueue: props.deadLetters } : {}),
    });
    if (props.deadLetters) this.allow(['sqs:SendMessage'], [props.deadLetters.queueArn]);
    this.allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*']);
    // A function that starts before its role has its rights fails its first call.
    this.function.node.addDependency(this.role);
  }

  allow(actions: readonly string[], resources: readonly string[], conditions?: Record<string, unknown>): void {
    this.role.addToPolicy(
      new PolicyStatement({
        ...{ actions: [...actions], resources: [...resources] },
        ...(conditions === undefined ? {} : { conditions }),
      }),
    );
  }

  /** Lambda needs it to place the function in the VPC; the function's own code is denied it. */
  #allowNetwork(functionName: string): void {
    this.allow(networkActions, ['*']);
    const resource = { service: 'lambda', resource: 'function', resourceName: functionName };
    const arn = Stack.of(this).formatArn({ ...resource, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    this.role.addToPolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        actions: networkActions,
        resources: ['*'],
        conditions: { ArnEquals: { 'lambda:SourceFunctionArn': arn } },
      }),
    );
  }
}
