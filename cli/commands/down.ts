// `millrace down`: stops the platform on this machine; with --wipe its data goes too.
import type { Command } from 'commander';
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
    .option('--wipe', 'delete all that is the platform’s in the folder: every event, declaration and checkpoint')
    .option('-y, --yes', 'do not ask before deleting')
    .action(async (options: DownOptions) => down(options));
}

async function down(options: DownOptions): Promise<void> {
  const dataDir = dataDirOf(options);
  const { confirm, note } = await import('#cli/terminal.ts');
  const { isPlatformFolder } = await import('#adapters/local/data-folder.ts');
  if (!isPlatformFolder(dataDir)) {
    note('was not running');
    // A mistyped --data deletes nothing.
    if (options.wipe === true) note(`${dataDir} is no platform's data folder, so nothing was deleted`);
    return;
  }
  if (options.wipe === true && options.yes !== true && !(await confirm(`Delete the platform's data in ${dataDir}?`))) {
    throw new CommandError(exitCodes.failure, 'not agreed to, so nothing was stopped or deleted');
  }
  const { isRunning, readPlatformFile } = await import('#adapters/local/platform-file.ts');
  if (isRunning(readPlatformFile(dataDir))) note('stopping: workers drain first');
  const { stopAndLock } = await import('#adapters/local/host-process.ts');
  const stopped = await stopAndLock(dataDir);
  if (stopped === null) throw stillLocked(dataDir);
  try {
    const endedCount = await endLeftovers(dataDir);
    note(outcomeOf(stopped.wasRunning, endedCount));
    if (options.wipe === true) await wipe(dataDir);
  } finally {
    stopped.unlock();
  }
}

function outcomeOf(wasRunning: boolean, endedCount: number): string {
  if (endedCount > 0) return `ended ${endedCount} processes that the host had left running`;
  return wasRunning ? 'stopped' : 'was not running';
}

/** Processes that a host left which was killed or did not come to its end. Afterwards none lives, or we say which. */
async function endLeftovers(dataDir: string): Promise<number> {
  const platformFile = await import('#adapters/local/platform-file.ts');
  const leftovers = await import('#adapters/local/leftovers.ts');
  const places = platformFile.placesIn(dataDir);
  const { parts, workersCount } = await leftovers.endLeftovers(places);
  const alive = leftovers.leftoversIn(places);
  if (alive.length > 0) throw stillAlive(dataDir, alive);
  const file = platformFile.readPlatformFile(dataDir);
  if (file?.state === 'killed') {
    try {
      platformFile.writePlatformFile(dataDir, { ...file, state: 'stopped', host: null, pids: {}, parts: [] });
    } catch {
      // A full disk. It is down all the same, and the next start makes as little of a killed one as of a stopped one.
    }
  }
  return parts.length + workersCount;
}

async function wipe(dataDir: string): Promise<void> {
  const { note } = await import('#cli/terminal.ts');
  const { emptyFolder } = await import('#adapters/local/data-folder.ts');
  const left = emptyFolder(dataDir);
  const kept = left.length === 0 ? '' : `: all that was the platform's; ${left.length} other files or folders are left`;
  note(`deleted ${dataDir}${kept}`);
}

const stillLocked = (dataDir: string): CommandError =>
  new CommandError(
    exitCodes.conflict,
    `a platform is being started in ${dataDir}, or another command stops it; nothing was deleted`,
    { fix: 'millrace down     again, in a minute\nmillrace status   shows what is there' },
  );

const stillAlive = (dataDir: string, alive: readonly string[]): CommandError =>
  new CommandError(exitCodes.failure, `the platform in ${dataDir} is not down; nothing was deleted`, {
    details: alive.map((one) => `  ${one} was killed and has not ended`),
    fix: 'millrace down   again; a process that hangs in the kernel, on a disk or a mount, ends when that answers',
  });
