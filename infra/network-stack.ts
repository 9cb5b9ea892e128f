// The network: three zones, private subnets, and ways to AWS's services that do not cross the internet.
import { Stack, type StackProps } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { type StageConfig, workerLoginOf } from './config.ts';
import { logRetention } from './log-retention.ts';

/** Services that functions and workers call; each endpoint has an interface in each zone. */
const endpoints = {
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrDocker: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Ecs: InterfaceVpcEndpointAwsService.ECS,
  Glue: InterfaceVpcEndpointAwsService.GLUE,
  Kms: InterfaceVpcEndpointAwsService.KMS,
  Lambda: InterfaceVpcEndpointAwsService.LAMBDA,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Monitoring: InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
  Secrets: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  Sqs: InterfaceVpcEndpointAwsService.SQS,
  States: InterfaceVpcEndpointAwsService.STEP_FUNCTIONS,
  Sts: InterfaceVpcEndpointAwsService.STS,
} as const;

const postgresPort = 5432;
/** MSK's listeners inside the VPC: for IAM access control, and for users with passwords. */
const kafkaPorts = { iam: 9098, scram: 9096 } as const;

const iamListener = 'Kafka with IAM access control';

export class NetworkStack extends Stack {
  readonly vpc: IVpc;
  readonly functions: SecurityGroup;
  /** Beside it, of the API alone: it asks schema registries, which may stand wherever sinks may. */
  readonly registries: SecurityGroup;
  readonly workers: SecurityGroup;
  readonly database: SecurityGroup;
  readonly broker: SecurityGroup;
  readonly #zones: readonly string[];

  constructor(scope: Construct, id: string, props: StackProps & { readonly config: StageConfig }) {
    super(scope, id, props);
    const { config } = props;
    this.#zones = config.availabilityZones;
    // The library's class does not fit its own interface under exact optional properties.
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(config.cidr),
      availabilityZones: [...config.availabilityZones],
      natGateways: config.natGateways,
      subnetConfiguration: [
        ...(config.natGateways > 0
          ? [{ name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false }]
          : []),
        {
          name: 'work',
          subnetType: config.natGateways > 0 ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED,
          cidrMask: 19,
        },
        { name: 'data', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      restrictDefaultSecurityGroup: true,
    }) as IVpc;
    this.vpc.addFlowLog('Flow', {
      destination: FlowLogDestination.toCloudWatchLogs(
        new LogGroup(this, 'FlowLog', { retention: logRetention(config.logDays) }),
      ),
      trafficType: FlowLogTrafficType.REJECT,
    });
    const group = (name: string, description: string): SecurityGroup =>
      new SecurityGroup(this, name, { vpc: this.vpc, description, allowAllOutbound: false });
    this.functions = group('Functions', 'Lambda functions of the control plane');
    this.registries = group('Registries', 'The API, which asks schema registries');
    this.workers = group('Workers', 'Tasks that process events');
    this.database = group('Database', 'The goal store');
    this.broker = group('Broker', 'The Kafka brokers');
    this.#allow(config);
    this.#allowSinks(config);
    this.#addEndpoints();
  }

  /** Without this, the zones of a stack with a known account are looked up, which needs credentials. */
  override get availabilityZones(): string[] {
    return [...this.#zones];
  }

  #allow({ broker }: StageConfig): void {
    const callers = [
      { from: this.functions, port: kafkaPorts.iam },
      { from: this.workers, port: kafkaPorts[workerLoginOf(broker)] },
    ];
    for (const { from, port } of callers) {
      from.addEgressRule(Peer.anyIpv4(), Port.HTTPS, 'AWS services, and sinks over HTTPS');
      from.addEgressRule(this.broker, Port.tcp(port), 'Kafka');
      this.broker.addIngressRule(from, Port.tcp(port), port === kafkaPorts.iam ? iamListener : 'Kafka with SCRAM');
    }
    this.functions.addEgressRule(this.database, Port.tcp(postgresPort), 'The goal store');
    this.database.addIngressRule(this.functions, Port.tcp(postgresPort), 'The control plane');
  }

  /** To what people declare go workers, and the API to ask registries. No other function of the control plane does. */
  #allowSinks({ sinks, natGateways }: StageConfig): void {
    const opened = [
      ...(natGateways > 0 ? [Peer.anyIpv4()] : []),
      ...sinks.networks.map((network) => Peer.ipv4(network)),
    ];
    for (const port of portsOf(sinks))
      for (const peer of opened) {
        this.workers.addEgressRule(peer, Port.tcp(port), 'Sinks');
        this.registries.addEgressRule(peer, Port.tcp(port), 'Schema registries');
      }
  }

  #addEndpoints(): void {
    for (const [name, service] of [
      ['S3', GatewayVpcEndpointAwsService.S3],
      ['DynamoDb', GatewayVpcEndpointAwsService.DYNAMODB],
    ] as const)
      this.vpc.addGatewayEndpoint(name, { service });
    const security = new SecurityGroup(this, 'Endpoints', {
      ...{ vpc: this.vpc, description: 'Endpoints of AWS services', allowAllOutbound: false },
    });
    for (const from of [this.functions, this.workers]) security.addIngressRule(from, Port.HTTPS, 'Inside the VPC');
    for (const [name, service] of Object.entries(endpoints))
      this.vpc.addInterfaceEndpoint(name, {
        ...{ service, securityGroups: [security], open: false, privateDnsEnabled: true },
        subnets: { subnetGroupName: 'work' },
      });
  }
}

/** Beside 443, which is open anyway. */
function portsOf({ ports, registryUrl }: StageConfig['sinks']): ReadonlySet<number> {
  const opened = new Set(ports);
  if (registryUrl !== undefined) opened.add(portOf(new URL(registryUrl)));
  opened.delete(443);
  return opened;
}

/** A URL does not name the port that its scheme implies. */
const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port));
