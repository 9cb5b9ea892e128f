// Jest on ESM and Node 24: TypeScript goes through swc, and each project is one kind of test.
import { join } from 'node:path';
import type { Config } from 'jest';
import { bundledPackage } from './test/support/bundled-package.ts';

/** As its 329 modules it took each suite that uses it a second of processor time. */
const kafkaLibrary = bundledPackage('@platformatic/kafka', {
  beside: ['@platformatic/wasm-utils'],
  instead: { 'ajv/dist/2020.js': join(import.meta.dirname, 'test/support/unchecked-options.mjs') },
});

const project = (name: string, testMatch: string[], more: Config = {}): NonNullable<Config['projects']>[number] => ({
  displayName: name,
  rootDir: import.meta.dirname,
  testMatch: testMatch.map((pattern) => `<rootDir>/test/${pattern}`),
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  moduleNameMapper: { '^@platformatic/kafka$': kafkaLibrary },
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
