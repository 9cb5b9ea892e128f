// The rule packs that the stacks are held to, and which of their findings are explained.
import { type App, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, type NagPack, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { type AcceptedFinding, acceptedFindings } from './accepted-findings.ts';

export interface Finding {
  readonly rule: string;
  /** The construct's path within the platform. */
  readonly at: string;
  readonly text: string;
  /** Null: nobody has explained it. */
  readonly why: string | null;
}

const packs = (scope: App): readonly NagPack[] => [
  new AwsSolutionsChecks(scope),
  new ServerlessChecks(scope),
  new NIST80053R5Checks(scope),
];

/** All findings under `scope`, explained or not. */
export function findingsOf(app: App, scope: IConstruct = app): readonly Finding[] {
  return packs(app).flatMap((pack) =>
    pack.validateScope(scope).violations.flatMap(({ ruleName, description, violatingResources }) =>
      violatingResources.map(({ constructPath = '' }) => {
        const rule = ruleName.replace(/\[.*\]$/, '');
        const at = constructPath.replace(/^[^/]*Millrace-[a-z]+\//, '');
        const accepted = acceptedFindings.find((each) => each.rule === rule && each.at.test(at));
        return { rule: ruleName, at, text: description, why: accepted?.why ?? null };
      }),
    ),
  );
}

/** Explanations of what no pack finds any more. */
export const staleExplanations = (findings: readonly Finding[]): readonly AcceptedFinding[] =>
  acceptedFindings.filter(
    ({ rule, at }) =>
      !rule.startsWith('CloudFormation-Validate') &&
      !findings.some((finding) => finding.rule.replace(/\[.*\]$/, '') === rule && at.test(finding.at)),
  );

/** From then on a finding without an explanation fails the synth. */
export function holdToRules(app: App): void {
  const plugin: IPolicyValidationPlugin = {
    name: 'millrace-rules',
    validate: () => {
      const open = findingsOf(app).filter(({ why }) => why === null);
      return {
        success: open.length === 0,
        violations: open.map(({ rule, at, text }) => ({
          ruleName: rule,
          description: `${text} (${at}) Change it, or explain it in infra/accepted-findings.ts.`,
          violatingResources: [],
        })),
      };
    },
  };
  Validations.of(app).addPlugins(plugin);
  const zones = acceptedFindings.find(({ rule }) => rule === 'CloudFormation-Validate::W3010')?.why ?? '';
  Validations.of(app).acknowledge({ id: 'CloudFormation-Validate::W3010', reason: zones });
}
