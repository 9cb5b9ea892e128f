// What is taken from others: exact versions, each held to the bytes that were looked at, none of them run while it is installed unless it is listed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');
const readJson = <Content>(path: string): Content => JSON.parse(readFileSync(join(root, path), 'utf8')) as Content;

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly inBundle?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}
const { packages } = readJson<{ packages: Record<string, Locked> }>('package-lock.json');
const manifest = readJson<{
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}>('package.json');
const nameOf = (path: string): string => path.split('node_modules/').at(-1)!;

test('every package is named by one version', () => {
  const named = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(named.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

test('every package that is installed everywhere is held to its bytes', () => {
  const unheld = Object.entries(packages).filter(
    ([path, { integrity, inBundle, optional }]) => path !== '' && !integrity && !inBundle && !optional,
  );
  expect(unheld.map(([path]) => path)).toEqual([]);
});

test('every package comes from the registry, none from an address of its own', () => {
  const elsewhere = Object.values(packages).filter(
    ({ resolved }) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
  );
  expect(elsewhere).toEqual([]);
});

test('what has a script for its installation is decided about by name', () => {
  const withScripts = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  const undecided = withScripts.map(([path]) => nameOf(path)).filter((name) => !(name in manifest.allowScripts));
  expect(undecided).toEqual([]);
});

test('CDK’s command line is the one that can read what its library writes, and not the tag that points to a broken one', () => {
  expect(packages['node_modules/aws-cdk']?.version).toMatch(/^2\./);
});
