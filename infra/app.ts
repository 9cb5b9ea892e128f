// The CDK app: every stage of infra/config.ts to its stacks. Synthesizes without credentials and without a network.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { stages } from './config.ts';
import { addDeployer } from './deployer-stack.ts';
import { MillracePlatform } from './millrace-platform.ts';
import { bundlePrograms } from './programs.ts';
import { holdToRules } from './rule-packs.ts';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

const programs = await bundlePrograms(join(root, 'cdk.out/programs'));
const app = new App();
for (const config of Object.values(stages)) {
  new MillracePlatform(app, `Millrace-${config.stage}`, { config, programs, version });
  addDeployer(app, config);
}
holdToRules(app);
app.synth();
