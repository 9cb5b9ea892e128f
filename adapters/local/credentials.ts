// Passwords and keys of one local platform: made at random at its first start, readable by its owner only.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { PlatformError } from '#core/errors.ts';
import { placesIn } from './platform-file.ts';

export interface Credentials {
  readonly postgresPassword: string;
  readonly supervisorPassword: string;
  /** For S3 and DynamoDB; letters and digits only, as DynamoDB Local asks. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const secret = (): string => randomBytes(18).toString('hex');

/** The folder's credentials; made where there are none. */
export function credentialsIn(dataDir: string): Credentials {
  const { credentials: path, parts } = placesIn(dataDir);
  if (existsSync(path)) {
    const kept = readCredentials(path);
    if (kept !== null) return kept;
    // No part was started with them where there is no data of any.
    if (existsSync(parts)) throw unreadable(path, dataDir);
  }
  const made: Credentials = {
    postgresPassword: secret(),
    supervisorPassword: secret(),
    accessKeyId: `MILLRACE${randomBytes(6).toString('hex').toUpperCase()}`,
    secretAccessKey: secret(),
  };
  writeSynced(path, `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

function readCredentials(path: string): Credentials | null {
  const text = readFileSync(path, 'utf8');
  try {
    return JSON.parse(text) as Credentials;
  } catch {
    return null;
  }
}

/** Whole or not at all, also where the disk is full or the power fails: PostgreSQL keeps the password for good. */
function writeSynced(path: string, text: string): void {
  const unfinished = `${path}.new`;
  writeFileSync(unfinished, text, { mode: 0o600, flush: true });
  renameSync(unfinished, path);
}

const unreadable = (path: string, dataDir: string): PlatformError =>
  new PlatformError(
    'credentials-unreadable',
    `${path} cannot be read; expected the JSON by which the data of ${dataDir} is opened. ` +
      'Bring it back from a copy, or delete that data with `millrace down --wipe`',
    { fault: 'external', retry: 'no-retry' },
  );
