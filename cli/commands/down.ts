// `millrace down`: stops the platform on this machine; with --wipe its data goes too.
import type { Command } from 'commander';
import type { PlatformFile } from '#adapters/local/platform-file.ts';
import { dataDirOf } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';

interface DownOptions {
  readonly data?: string;
  readonly wipe?: boolean;
  readonly yes?: boolean;
}

export function registerDown(program: Command): void {
  program
    .command('down')
    .summary('stop the platform on this machine; its data stays')
    .option('--data <dir>', 'the folder that holds everything of it (else .millrace)')
    .option('--wipe', 'delete the folder: every event, declaration and checkpoint in it')
    .option('-y, --yes', 'do not ask before deleting')
    .action(async (options: DownOptions) => down(options));
}

async function down(options: DownOptions): Promise<void> {
  const dataDir = dataDirOf(options);
  const { confirm, note } = await import('#cli/terminal.ts');
  const { readPlatformFile } = await import('#adapters/local/platform-file.ts');
  const file = readPlatformFile(dataDir);
  if (options.wipe === true && options.yes !== true && !(await confirm(`Delete everything in ${dataDir}?`))) {
    throw new CommandError(exitCodes.failure, 'not agreed to, so nothing was stopped or deleted');
  }
  const { stopHost } = await import('#adapters/local/host-process.ts');
  if (file !== null && file.state !== 'stopped' && file.state !== 'killed') note('stopping: workers drain first');
  const wasRunning = await stopHost(dataDir);
  const ended = file?.state === 'killed' ? await endLeftovers(dataDir, file) : 0;
  note(wasRunning ? 'stopped' : ended > 0 ? `ended ${ended} processes of a killed platform` : 'was not running');
  if (options.wipe === true) await wipe(dataDir, file !== null);
}

/** Processes of a platform whose host was killed. */
async function endLeftovers(dataDir: string, file: PlatformFile): Promise<number> {
  const { placesIn, writePlatformFile } = await import('#adapters/local/platform-file.ts');
  const { endRecorded } = await import('#adapters/local/stale-processes.ts');
  const { endTasks } = await import('#adapters/local/stale-tasks.ts');
  const places = placesIn(dataDir);
  const workers = await endTasks(places.tasks);
  const parts = await endRecorded(places.run);
  writePlatformFile(dataDir, { ...file, state: 'stopped', host: null, pids: {}, parts: [] });
  return workers + parts.length;
}

/** Only a folder that a platform made: a mistyped --data deletes nothing. */
async function wipe(dataDir: string, isOurs: boolean): Promise<void> {
  const { note } = await import('#cli/terminal.ts');
  if (!isOurs) {
    note(`${dataDir} is no platform's data folder, so nothing was deleted`);
    return;
  }
  const { rm } = await import('node:fs/promises');
  await rm(dataDir, { recursive: true, force: true });
  note(`deleted ${dataDir}`);
}
