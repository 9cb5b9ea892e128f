// The database owner's password, as RDS keeps and rotates it.
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { unavailable } from '#core/errors.ts';

export interface DatabaseSecret {
  readonly username: string;
  readonly password: string;
}

/** Never logged; read when it is used, so that a rotated one is the one that is read. */
export async function readDatabaseSecret(options: {
  readonly region: string;
  readonly secretArn: string;
  readonly endpoint?: string;
}): Promise<DatabaseSecret> {
  const { region, secretArn, endpoint } = options;
  const client = new SecretsManagerClient({ region, ...(endpoint === undefined ? {} : { endpoint }) });
  const { SecretString } = await client
    .send(new GetSecretValueCommand({ SecretId: secretArn }))
    .catch((error: unknown) => {
      throw unavailable('secretsmanager', error);
    });
  return JSON.parse(SecretString ?? '') as DatabaseSecret;
}
