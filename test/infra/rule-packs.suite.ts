// The rule packs find nothing that nobody has explained, and no explanation outlives what it explains.
import { expect, test } from '@jest/globals';
import { findingsOf, staleExplanations } from '#infra/rule-packs.ts';
import { devWithWorkerUser, sharedPlatform } from '#test/support/synth-platform.ts';

export function rulePacksSuite(): void {
  test('AwsSolutions, Serverless and NIST 800-53 r5 find nothing unexplained in any stage', () => {
    const findings = (['dev', 'prod', devWithWorkerUser] as const).flatMap((stage) =>
      findingsOf(sharedPlatform(stage).app),
    );
    expect(findings.filter(({ why }) => why === null).map(({ rule, at }) => `${rule} at ${at}`)).toEqual([]);
    expect(staleExplanations(findings)).toEqual([]);
    expect(findings.length).toBeGreaterThan(20);
  });
}
