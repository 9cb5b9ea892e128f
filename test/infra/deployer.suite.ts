// Who may deploy a stage from GitHub: the role of the template, and the workflow that takes it on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { parse } from 'yaml';
import { stages } from '#infra/config.ts';
import { addDeployer } from '#infra/deployer-stack.ts';
import { findingsOf } from '#infra/rule-packs.ts';
import { isAllowed, resolveTemplate, type Statement } from '#test/support/policy-evaluator.ts';
import { anApp } from '#test/support/synth-platform.ts';

const account = '111122223333';
const standsFor = (reference: string): string =>
  ({ 'AWS::Partition': 'aws', 'AWS::Region': 'us-east-1', 'AWS::AccountId': account })[reference] ?? reference;

interface RoleProperties {
  readonly AssumeRolePolicyDocument: { readonly Statement: readonly Record<string, unknown>[] };
}

function deployer(deployFrom: { repository: string; providerIsThere?: boolean }): { app: App; template: Template } {
  const app = anApp();
  return { app, template: Template.fromStack(addDeployer(app, { ...stages.dev, deployFrom })!) };
}

const trustOf = (template: Template): readonly Record<string, unknown>[] => {
  const [role] = Object.values(template.findResources('AWS::IAM::Role'));
  return (role!['Properties'] as RoleProperties).AssumeRolePolicyDocument.Statement;
};

export function deployerSuite(): void {
  test('a stage that names no repository has no role for one', () => {
    expect(Object.values(stages).map((config) => addDeployer(anApp(), config))).toEqual([null, null, null]);
  });

  test('only a job of the repository in the stage’s environment is given the role', () => {
    const { template } = deployer({ repository: 'example/millrace' });
    const [providerId] = Object.keys(template.findResources('AWS::IAM::OIDCProvider'));
    expect(trustOf(template)).toEqual([
      {
        Effect: 'Allow',
        Action: 'sts:AssumeRoleWithWebIdentity',
        Principal: { Federated: { 'Fn::GetAtt': [providerId, 'Arn'] } },
        Condition: {
          StringEquals: {
            'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
            'token.actions.githubusercontent.com:sub': 'repo:example/millrace:environment:dev',
          },
        },
      },
    ]);
  });

  test('where the account knows GitHub already, its provider is taken and none is made', () => {
    const { template } = deployer({ repository: 'example/millrace', providerIsThere: true });
    template.resourceCountIs('AWS::IAM::OIDCProvider', 0);
    expect(JSON.stringify(trustOf(template))).toContain(':oidc-provider/token.actions.githubusercontent.com');
  });

  test('it may take on the roles of the bootstrap of its account and region, and do nothing else', () => {
    const policies = deployer({ repository: 'example/millrace' }).template.findResources('AWS::IAM::Policy');
    const statements = Object.values(policies)
      .flatMap(
        ({ Properties }) => (Properties as { PolicyDocument: { Statement: unknown[] } }).PolicyDocument.Statement,
      )
      .map((statement) => resolveTemplate(statement, standsFor) as Statement);
    const may = (action: string, role: string): boolean =>
      isAllowed(statements, { action, resource: `arn:aws:iam::${account}:role/${role}`, context: {} });
    const ofBootstrap = (kind: string, region = 'us-east-1'): string => `cdk-hnb659fds-${kind}-${account}-${region}`;
    for (const kind of ['deploy-role', 'file-publishing-role', 'image-publishing-role'])
      expect(may('sts:AssumeRole', ofBootstrap(kind))).toBe(true);
    for (const role of [
      ofBootstrap('cfn-exec-role'),
      ofBootstrap('lookup-role'),
      ofBootstrap('deploy-role', 'eu-west-1'),
      'millrace/job/millrace-job',
      'Admin',
    ])
      expect(may('sts:AssumeRole', role)).toBe(false);
    for (const action of ['iam:PassRole', 'iam:PutRolePolicy', 'sts:TagSession', 'iam:UpdateAssumeRolePolicy'])
      expect(may(action, ofBootstrap('deploy-role'))).toBe(false);
  });

  test('a repository that is no owner/name is refused, so that no pattern gets into who is trusted', () => {
    for (const repository of ['millrace', 'example/*', 'example/millrace:ref:x', ''])
      expect(() => deployer({ repository })).toThrow(/expected owner\/name/);
  });

  test('no rule pack finds anything that is not explained', () => {
    const { app } = deployer({ repository: 'example/millrace' });
    expect(findingsOf(app).filter(({ why }) => why === null)).toEqual([]);
  });

  test('in the workflow only the deployment may ask for an identity, in the environment of its stage, and each action is pinned to a commit', () => {
    const text = readFileSync(join(import.meta.dirname, '../../.github/workflows/ci.yml'), 'utf8');
    const { permissions, jobs } = parse(text, { merge: true }) as {
      permissions: unknown;
      jobs: Record<string, { permissions?: Record<string, string>; environment?: string; if?: string }>;
    };
    expect(permissions).toEqual({ contents: 'read' });
    const asking = Object.entries(jobs).filter(([, job]) => job.permissions?.['id-token'] === 'write');
    expect(asking.map(([name, { environment, if: when }]) => ({ name, environment, when }))).toEqual([
      { name: 'deploy', environment: `\${{ inputs.stage }}`, when: "github.event_name == 'workflow_dispatch'" },
    ]);
    const uses = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
    expect(uses.filter((action) => !/@[0-9a-f]{40}$/.test(action!))).toEqual([]);
  });
}
