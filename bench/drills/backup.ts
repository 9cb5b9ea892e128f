// A backup of a local platform's goal store, taken as PostgreSQL's manual says for a server that runs, and its restore.
import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { environmentOfRunning } from '#adapters/local/platform-environment.ts';
import { placesIn } from '#adapters/local/platform-file.ts';
import { environment } from '#core/names.ts';
import type { TestPlatform } from '#test/support/test-platform.ts';
import { allOver, takeAway } from './host-control.ts';

const filesOf = (platform: TestPlatform): string => join(placesIn(platform.dataDir).parts, 'postgres', 'files');

/** Returns the folder that it is in. */
export async function backUp(platform: TestPlatform): Promise<string> {
  const files = filesOf(platform);
  const backup = `${files}.backup`;
  const client = new pg.Client({ connectionString: environmentOfRunning(platform.dataDir)![environment.postgresUrl] });
  await client.connect();
  try {
    await client.query("SELECT pg_backup_start('drill', true)");
    copy(files, backup);
    // Not waited for: nobody archives. What was written meanwhile is in the log files that are copied again.
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    cpSync(join(files, 'pg_wal'), join(backup, 'pg_wal'), { recursive: true, force: true });
    writeFileSync(join(backup, 'backup_label'), rows[0]!.labelfile);
    return backup;
  } finally {
    await client.end();
  }
}

/** Files may come and go while they are copied: the log of changes makes up for it. */
function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !/\/(postmaster\.(pid|opts)|pgsql_tmp[^/]*)$/.test(path) });
}

/** As a restore goes: the server is gone, and comes back as it was. Whoever uses it finds it again. */
export async function restore(platform: TestPlatform, backup: string): Promise<void> {
  const files = filesOf(platform);
  const pid = platform.pid('postgres');
  const giveBack = takeAway(platform, ['postgres']);
  try {
    await allOver([pid]);
    rmSync(files, { recursive: true });
    renameSync(backup, files);
  } finally {
    await giveBack();
  }
}
