// Secrets in AWS Secrets Manager, read with the credentials of the job whose sink names them.
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { PlatformError, unavailable } from '#core/errors.ts';
import { secretName } from '#core/names.ts';
import type { SecretStore } from '#core/ports/secret-store.ts';

export interface SecretsManagerOptions {
  readonly region: string;
  /** Absent: those of the program's own role. */
  readonly credentials?: NonNullable<ConstructorParameters<typeof SecretsManagerClient>[0]>['credentials'];
  readonly endpoint?: string;
  readonly requestMs?: number;
}

const requestMsDefault = 5_000;

type Read = (id: string) => Promise<string | null>;

/** The client is loaded when a secret is first read: most jobs never do, and each of them would start later for it. */
export function createSecretStore(options: SecretsManagerOptions): SecretStore {
  let reader: Promise<Read> | null = null;
  return {
    read: async (tenant, name) => {
      reader ??= openReader(options);
      const read = await reader;
      return await read(secretName(tenant, name));
    },
  };
}

async function openReader(options: SecretsManagerOptions): Promise<Read> {
  const { region, credentials, endpoint, requestMs = requestMsDefault } = options;
  const { GetSecretValueCommand, ResourceNotFoundException, SecretsManagerClient } = await import(
    '@aws-sdk/client-secrets-manager'
  );
  const client = new SecretsManagerClient({
    region,
    ...(credentials === undefined ? {} : { credentials }),
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: waitAtMost(requestMs),
  });
  return async (id) => {
    try {
      const { SecretString, SecretBinary } = await client.send(new GetSecretValueCommand({ SecretId: id }));
      return SecretString ?? (SecretBinary === undefined ? null : Buffer.from(SecretBinary).toString());
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return null;
      throw refusedOrAway(id, error);
    }
  };
}

/** AWS refuses to say of a name that it does not know whether it is there: both causes are told. */
function refusedOrAway(id: string, error: unknown): PlatformError {
  if (!(error instanceof Error) || error.name !== 'AccessDeniedException') return unavailable('secretsmanager', error);
  return new PlatformError(
    'secret-refused',
    `Secrets Manager does not let this job read ${id}, or there is none by that name; put it there under exactly that name`,
    { fault: 'user', retry: 'retry', cause: error },
  );
}
