// The synthesized stacks, looked at from all sides: one file, so that CDK is loaded once and each stage is synthesized once.
import { describe } from '@jest/globals';
import { costSuite } from './cost.suite.ts';
import { declarationsSuite } from './declarations.suite.ts';
import { isolationSuite } from './isolation.suite.ts';
import { rulePacksSuite } from './rule-packs.suite.ts';
import { runbooksSuite } from './runbooks.suite.ts';
import { stacksSuite } from './stacks.suite.ts';

describe('the stacks', stacksSuite);
describe('the rights that the templates give', isolationSuite);
describe('the rule packs', rulePacksSuite);
describe('what a platform costs', costSuite);
describe('declarations in an application’s own stack', declarationsSuite);
describe('runbooks', runbooksSuite);
