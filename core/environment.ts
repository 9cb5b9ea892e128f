// Settings as programs find them in their environment: read once, in a program's composition, with an error that says what is missing.
import { PlatformError } from './errors.ts';
import { environment } from './names.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** `whoSets` completes "… is not set; ". */
export function readSetting(from: Environment, name: string, whoSets: string): string {
  const value = from[name];
  if (value !== undefined && value !== '') return value;
  throw new PlatformError('setting-missing', `${name} is not set; ${whoSets}`, { fault: 'user', retry: 'no-retry' });
}

export const readLogLevel = (from: Environment): LogLevel =>
  levels.find((level) => level === from[environment.logLevel]) ?? 'info';

export interface AwsAccess {
  readonly region: string;
  /** Absent: the SDK's own chain, which is the role of a function or a task. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Keys with a session token are a role's: the SDK's own chain reads all three. */
export function readAwsAccess(from: Environment): AwsAccess {
  const region = from[environment.region] ?? 'us-east-1';
  const accessKeyId = from[environment.accessKeyId];
  const secretAccessKey = from[environment.secretAccessKey];
  const isTemporary = from['AWS_SESSION_TOKEN'] !== undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined || isTemporary) return { region };
  return { region, credentials: { accessKeyId, secretAccessKey } };
}

/** As a client's options take it: absent on AWS. */
export const readEndpoint = (from: Environment, name: string): { readonly endpoint?: string } => {
  const endpoint = from[name];
  return endpoint === undefined || endpoint === '' ? {} : { endpoint };
};

/** Which catalog keeps a table's columns and folders. */
export type TableCatalogKind = 'glue' | 'bucket';

export function readTableCatalog(from: Environment): TableCatalogKind {
  const value = from[environment.tableCatalog] ?? 'bucket';
  if (value === 'glue' || value === 'bucket') return value;
  throw new PlatformError('setting-invalid', `${environment.tableCatalog} is "${value}"; expected glue or bucket`, {
    fault: 'user',
    retry: 'no-retry',
  });
}

/** How a client proves to the broker who it is: `none` on a laptop, `iam` on MSK, `scram` by a user and a password. */
export type KafkaAuth = 'none' | 'iam' | 'scram';

export function readKafkaAuth(from: Environment): KafkaAuth {
  const value = from[environment.kafkaAuth] ?? 'none';
  if (value === 'none' || value === 'iam' || value === 'scram') return value;
  throw new PlatformError('setting-invalid', `${environment.kafkaAuth} is "${value}"; expected none, iam or scram`, {
    fault: 'user',
    retry: 'no-retry',
  });
}
