// A data folder as a folder among a person's others: whether it is a platform's, whether it may become one, and how it is emptied.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { PlatformError } from '#core/errors.ts';
import { type Places, placesIn, readPlatformFile } from './platform-file.ts';

/** What a platform puts into its folder, the lock last: it is held while the others are deleted. */
function entriesOf(places: Places): readonly string[] {
  const { platformFile, credentials, run, logs, tasks, parts, secrets, lock } = places;
  const half = [platformFile, credentials].map((path) => `${path}.new`);
  return [run, tasks, parts, secrets, logs, platformFile, credentials, ...half, `${lock}-journal`, lock];
}

/** What a file system or a desktop puts into any folder. */
const nobodys = ['lost+found', '.DS_Store'];
const shownMax = 3;

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** One was started in it, or is being started for the first time: its file comes some seconds after its lock. */
export function isPlatformFolder(dataDir: string): boolean {
  const { lock, hostLog } = placesIn(dataDir);
  return readPlatformFile(dataDir) !== null || (existsSync(lock) && existsSync(hostLog));
}

/** Throws where the folder holds something else and never held a platform: no platform mixes its files with those of a project. */
export function checkFolderForPlatform(dataDir: string): void {
  const places = placesIn(dataDir);
  const known = [...nobodys, ...entriesOf(places).map((path) => basename(path))];
  const strange = namesIn(places.data).filter((name) => !known.includes(name));
  if (strange.length === 0 || isPlatformFolder(dataDir)) return;
  const more = strange.length > shownMax ? ` and ${strange.length - shownMax} more` : '';
  throw new PlatformError(
    'no-data-folder',
    `${places.data} holds ${strange.slice(0, shownMax).join(', ')}${more}; expected an empty folder, or one of a platform. ` +
      'Name another by --data',
    { fault: 'user', retry: 'no-retry' },
  );
}

/** Deletes what is the platform's, and the folder where nothing else is in it. For whoever holds its lock. Returns what is left. */
export function emptyFolder(dataDir: string): readonly string[] {
  const places = placesIn(dataDir);
  for (const path of entriesOf(places)) rmSync(path, { recursive: true, force: true });
  const left = namesIn(places.data);
  if (left.length === 0) rmdirSync(places.data);
  return left;
}
