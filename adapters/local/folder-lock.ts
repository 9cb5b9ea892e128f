// One platform a data folder: a lock that the operating system lets go when its holder dies, however it dies.
import { DatabaseSync } from 'node:sqlite';

const sqliteBusy = 5;

/** The function that lets go, or null where another process holds the lock. (SQLite's lock on a file, by fcntl.) */
export function lockFolder(path: string): (() => void) | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) return null;
    throw error;
  }
}
