// Jest on Node 24 as it is: suites are loaded by Node, which takes TypeScript, and each project is one kind of test.
import type { Config } from 'jest';

const project = (name: string, testMatch: string[], more: Config = {}): NonNullable<Config['projects']>[number] => ({
  displayName: name,
  rootDir: import.meta.dirname,
  testMatch: testMatch.map((pattern) => `<rootDir>/test/${pattern}`),
  // One process runs many suites, and loads what they share once (docs/decisions/0024).
  testEnvironment: '<rootDir>/test/support/jest/process-environment.ts',
  testRunner: '<rootDir>/test/support/jest/run-suite.ts',
  transform: {},
  injectGlobals: false,
  modulePathIgnorePatterns: ['<rootDir>/.millrace', '<rootDir>/cdk.out', '<rootDir>/.cache'],
  ...more,
});

const config: Config = {
  testTimeout: 180_000,
  projects: [
    /** No process, no network: the pure core and what is as quick as it. */
    project('unit', [
      'core/**/*.test.ts',
      'cli/**/*.test.ts',
      'workers/**/*.test.ts',
      'functions/**/*.test.ts',
      'infra/**/*.test.ts',
      'simulation/**/*.test.ts',
      'mutants/**/*.test.ts',
      'docs/**/*.test.ts',
      '*.test.ts',
    ]),
    /** The real Kafka, Postgres, DynamoDB Local and S3 server, started once for all suites. */
    project('integration', ['adapters/**/*.test.ts', 'integration/**/*.test.ts', 'contract/**/*.test.ts'], {
      globalSetup: '<rootDir>/test/support/start-parts.ts',
      globalTeardown: '<rootDir>/test/support/stop-parts.ts',
    }),
    /** The whole platform, driven from outside, with faults. */
    project('e2e', ['e2e/**/*.test.ts']),
  ],
};

export default config;
