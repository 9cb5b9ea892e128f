// The functions out of a bundle in parts, as they are deployed: what a part does not show, no run from source would miss.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleInParts } from '#adapters/local/bundle-program.ts';

/** Where a bundle finds the packages that stand beside it. */
const cache = resolve(import.meta.dirname, '../../node_modules/.cache');

/** For `await using`: its files go with it. */
export async function deployedParts() {
  const { files } = await bundleInParts('test/deploy/as-deployed.ts', { small: true });
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'as-deployed-'));
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
  const parts = (await import(pathToFileURL(join(folder, 'index.mjs')).href)) as typeof import('./as-deployed.ts');
  return {
    ...parts,
    async [Symbol.asyncDispose](): Promise<void> {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
