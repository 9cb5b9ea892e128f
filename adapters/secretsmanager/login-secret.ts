// A user and a password that AWS keeps and rotates, as one secret: RDS has the database owner's so, MSK its users'.
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { PlatformError, unavailable } from '#core/errors.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface LoginSecretOptions {
  readonly region: string;
  readonly secretArn: string;
  readonly endpoint?: string;
  /** Absent: those of the program's own role. */
  readonly credentials?: NonNullable<ConstructorParameters<typeof SecretsManagerClient>[0]>['credentials'];
  readonly requestMs?: number;
}

const requestMsDefault = 5_000;

/** Never logged; read when it is used, so that a rotated one is the one that is read. */
export async function readLogin(options: LoginSecretOptions): Promise<Login> {
  const { region, secretArn, endpoint, credentials, requestMs = requestMsDefault } = options;
  const client = new SecretsManagerClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: waitAtMost(requestMs),
  });
  const { SecretString } = await client
    .send(new GetSecretValueCommand({ SecretId: secretArn }))
    .catch((error: unknown) => {
      throw unavailable('secretsmanager', error);
    })
    .finally(() => client.destroy());
  return parseLogin(SecretString ?? '', secretArn);
}

/** What the text is stays untold. */
function parseLogin(text: string, from: string): Login {
  try {
    const { username, password } = JSON.parse(text) as Partial<Login>;
    if (typeof username === 'string' && typeof password === 'string') return { username, password };
  } catch {
    // Told below.
  }
  throw new PlatformError('login-invalid', `secret ${from} is no login; expected {"username": …, "password": …}`, {
    fault: 'user',
    retry: 'retry',
  });
}
