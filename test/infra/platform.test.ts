// The synthesized stacks, looked at from all sides: one file, so that CDK is loaded once and each stage is synthesized once.
import { afterAll, describe } from '@jest/globals';
import { removeSynthesized } from '#test/support/synth-platform.ts';
import { costSuite } from './cost.suite.ts';
import { declarationsSuite } from './declarations.suite.ts';
import { deployerSuite } from './deployer.suite.ts';
import { isolationSuite } from './isolation.suite.ts';
import { rulePacksSuite } from './rule-packs.suite.ts';
import { runbooksSuite } from './runbooks.suite.ts';
import { stacksSuite } from './stacks.suite.ts';
import { watchesSuite } from './watches.suite.ts';

afterAll(removeSynthesized);

describe('the stacks', stacksSuite);
describe('the rights that the templates give', isolationSuite);
describe('the rule packs', rulePacksSuite);
describe('what a platform costs', costSuite);
describe('declarations in an application’s own stack', declarationsSuite);
describe('runbooks', runbooksSuite);
describe('what is watched', watchesSuite);
describe('a deployment by a workflow', deployerSuite);
