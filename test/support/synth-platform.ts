// A stage's stacks, synthesized in memory, with stand-ins where the bundled programs would be: tests of templates need no bundle.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type StageConfig, type StageName, stages, withWorkerUser } from '#infra/config.ts';
import { MillracePlatform } from '#infra/millrace-platform.ts';
import { functionEntries, type Programs } from '#infra/programs.ts';

export type StackName = 'network' | 'data' | 'runtime' | 'controlPlane' | 'observability';

export interface SynthPlatform {
  readonly app: App;
  readonly platform: MillracePlatform;
  readonly template: (stack: StackName) => Template;
}

export const stackNames: readonly StackName[] = ['network', 'data', 'runtime', 'controlPlane', 'observability'];

/** CDK's own rules are checked where the app is synthesized (deploy:check); here they would take most of the time. */
process.env['CDK_VALIDATION'] = 'false';

/** Everything that is made here lies in it; `removeSynthesized` takes it away. */
let place: string | null = null;
function ownFolder(name: string): string {
  place ??= mkdtempSync(join(tmpdir(), 'millrace-synth-'));
  return mkdtempSync(join(place, `${name}-`));
}

export function removeSynthesized(): void {
  if (place !== null) rmSync(place, { recursive: true, force: true });
  place = null;
}

/** Whose output goes with the rest of what tests synthesize. */
export const anApp = (): App => new App({ outdir: ownFolder('app') });

const synthesized = new Map<StageConfig, SynthPlatform>();

/** Of a stage as it is configured: the same for all that only look at it. */
export function sharedPlatform(stage: StageName | StageConfig): SynthPlatform {
  const config = typeof stage === 'string' ? stages[stage] : stage;
  const known = synthesized.get(config) ?? synthPlatform(config);
  synthesized.set(config, known);
  return known;
}

/** Of the variants of a stage, the one that has resources of its own. */
export const devWithWorkerUser = withWorkerUser(stages.dev);

export function synthPlatform(stage: StageName | StageConfig, version = '1.2.3'): SynthPlatform {
  const app = anApp();
  const config = typeof stage === 'string' ? stages[stage] : stage;
  const platform = new MillracePlatform(app, `Millrace-${config.stage}`, { config, programs: standIns(), version });
  const templates = new Map<StackName, Template>();
  return {
    app,
    platform,
    template: (stack) => {
      const known = templates.get(stack) ?? Template.fromStack(platform[stack]);
      templates.set(stack, known);
      return known;
    },
  };
}

function standIns(): Programs {
  const folder = ownFolder('programs');
  return Object.fromEntries(
    [...Object.keys(functionEntries), 'worker'].map((name) => {
      const own = join(folder, name);
      mkdirSync(own);
      writeFileSync(join(own, 'index.mjs'), `// ${name}\n`);
      if (name === 'worker') writeFileSync(join(own, 'Dockerfile'), 'FROM scratch\n');
      return [name, own];
    }),
  ) as unknown as Programs;
}
