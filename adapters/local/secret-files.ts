// Secrets on this machine: a file each in the data folder, readable by its owner only.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretStore } from '#core/ports/secret-store.ts';
import { namePattern } from '#core/spec/declared-name.ts';

export interface SecretFiles extends SecretStore {
  set(tenant: string, name: string, text: string): Promise<void>;
  list(tenant: string): Promise<readonly string[]>;
  /** False where there was none. */
  remove(tenant: string, name: string): Promise<boolean>;
}

export function secretFiles(folder: string): SecretFiles {
  const pathOf = (tenant: string, name: string): string => {
    // Neither is a path: the pattern has no dots and no slashes.
    if (![tenant, name].every((part) => namePattern.test(part))) throw new Error(`${name} cannot be a secret's name`);
    return join(folder, tenant, name);
  };
  return {
    read: async (tenant, name) => await unlessMissing(readFile(pathOf(tenant, name), 'utf8'), null),
    set: async (tenant, name, text) => {
      const path = pathOf(tenant, name);
      await mkdir(join(folder, tenant), { recursive: true, mode: 0o700 });
      // A worker that reads meanwhile gets the old or the new one, whole.
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
    list: async (tenant) =>
      (await unlessMissing(readdir(join(folder, tenant)), [])).filter((name) => namePattern.test(name)).sort(),
    remove: async (tenant, name) =>
      await unlessMissing(
        rm(pathOf(tenant, name)).then(() => true),
        false,
      ),
  };
}

async function unlessMissing<Value, Missing>(value: Promise<Value>, missing: Missing): Promise<Value | Missing> {
  try {
    return await value;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return missing;
  }
}
