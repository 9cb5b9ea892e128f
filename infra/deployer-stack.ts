// Optional: the role that a repository's workflow on GitHub deploys a stage with. No keys are kept anywhere: GitHub signs who asks, and AWS checks it.
import { type App, CfnOutput, DefaultStackSynthesizer, Duration, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { CfnOIDCProvider, FederatedPrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { DeployFrom, StageConfig, StageName } from './config.ts';

const issuer = 'token.actions.githubusercontent.com';
const audience = 'sts.amazonaws.com';
/** A first deployment makes a Kafka cluster, which takes longer than the hour that is given where nothing is said. */
const sessionHours = 2;
/** Of CDK's bootstrap. The first may hand templates to CloudFormation, the others upload what these name. */
const bootstrapRoles = ['deploy-role', 'file-publishing-role', 'image-publishing-role'] as const;

export interface DeployRoleProps extends DeployFrom {
  readonly stage: StageName;
  /** Of CDK's bootstrap in this account; its own where nothing is said. */
  readonly qualifier?: string;
}

/**
 * May take on the roles that `cdk bootstrap` made for deployments to this account and region, and do nothing by itself. Only
 * jobs of the repository that run in the environment named as the stage are given it: who may start those is set on GitHub.
 */
export class DeployRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: DeployRoleProps) {
    super(scope, id);
    const { repository, stage, qualifier = DefaultStackSynthesizer.DEFAULT_QUALIFIER } = props;
    if (!/^[\w.-]+\/[\w.-]+$/.test(repository))
      throw new Error(`got the repository "${repository}", expected owner/name: write it as GitHub does`);
    const { partition, account, region } = Stack.of(this);
    this.role = new Role(this, 'Role', {
      path: '/millrace/',
      roleName: `millrace-deploy-${stage}`,
      description: `Deploys Millrace ${stage} from ${repository}`,
      maxSessionDuration: Duration.hours(sessionHours),
      assumedBy: new FederatedPrincipal(
        this.#provider(props.providerIsThere ?? false),
        {
          StringEquals: {
            [`${issuer}:aud`]: audience,
            [`${issuer}:sub`]: `repo:${repository}:environment:${stage}`,
          },
        },
        'sts:AssumeRoleWithWebIdentity',
      ),
    });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['sts:AssumeRole'],
        resources: bootstrapRoles.map(
          (name) => `arn:${partition}:iam::${account}:role/cdk-${qualifier}-${name}-${account}-${region}`,
        ),
      }),
    );
  }

  /** An account has one of an issuer. AWS knows the certificates of GitHub's, so none is pinned here. */
  #provider(isThere: boolean): string {
    if (isThere) {
      const { partition, account } = Stack.of(this);
      return `arn:${partition}:iam::${account}:oidc-provider/${issuer}`;
    }
    return new CfnOIDCProvider(this, 'Provider', { url: `https://${issuer}`, clientIdList: [audience] }).attrArn;
  }
}

/** Beside the stage and no part of it: a deployment of the stage does not touch the role that it runs by. */
export class DeployerStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & DeployRoleProps) {
    super(scope, id, props);
    const { role } = new DeployRole(this, 'Deploy', props);
    new CfnOutput(this, 'DeployRole', { value: role.roleArn, description: 'DEPLOY_ROLE of the environment on GitHub' });
  }
}

/** Nothing where no repository may deploy the stage. */
export function addDeployer(app: App, { stage, region, account, deployFrom }: StageConfig): DeployerStack | null {
  if (deployFrom === undefined) return null;
  const deployer = new DeployerStack(app, `MillraceDeployer-${stage}`, {
    ...{ stackName: `millrace-${stage}-deployer`, description: `Millrace ${stage}: who may deploy it` },
    env: { region, ...(account ? { account } : {}) },
    ...{ stage, ...deployFrom },
  });
  Tags.of(deployer).add('millrace:platform', 'millrace');
  Tags.of(deployer).add('millrace:stage', stage);
  return deployer;
}
