// Watches of jobs on this machine: a file each in the data folder. What is above its threshold is told by the events of the job.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { watchHash } from '#core/plan/plan-watches.ts';
import type { JobWatch, JobWatches, ObservedWatch } from '#core/ports/job-watches.ts';

/** Tenants and jobs have no space of their own. */
const fileName = (tenant: string, job: string): string => `${tenant} ${job}.json`;
const fileForm = /^([a-z0-9-]+) ([a-z0-9.-]+)\.json$/;

export function watchFiles(folder: string): JobWatches {
  return {
    list: async () => {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      const watches = await Promise.all(names.map((name) => readWatch(folder, name)));
      return watches.filter((watch) => watch !== null);
    },
    put: async (watch) => {
      const path = join(folder, fileName(watch.tenant, watch.job));
      await mkdir(folder, { recursive: true });
      await writeFile(`${path}.new`, `${JSON.stringify(watch, null, 2)}\n`);
      await rename(`${path}.new`, path);
    },
    remove: (tenant, job) => rm(join(folder, fileName(tenant, job)), { force: true }),
  };
}

async function readWatch(folder: string, name: string): Promise<ObservedWatch | null> {
  const form = fileForm.exec(name);
  if (form === null) return null;
  const [, tenant = '', job = ''] = form;
  try {
    const watch = JSON.parse(await readFile(join(folder, name), 'utf8')) as JobWatch;
    return { tenant, job, hash: watchHash(watch) };
  } catch {
    // Half of a file, or somebody's own: it is put anew where it is wanted, and goes where it is not.
    return { tenant, job, hash: null };
  }
}
