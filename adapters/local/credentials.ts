// Passwords and keys of one local platform: made at random at its first start, readable by its owner only.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
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
  const path = placesIn(dataDir).credentials;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Credentials;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const made: Credentials = {
    postgresPassword: secret(),
    supervisorPassword: secret(),
    accessKeyId: `MILLRACE${randomBytes(6).toString('hex').toUpperCase()}`,
    secretAccessKey: secret(),
  };
  writeFileSync(path, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return made;
}
