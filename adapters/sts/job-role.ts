// Credentials of one job: the role that all jobs share, in a session whose tags narrow it to what is the job's.
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { unavailable } from '#core/errors.ts';

export interface IssuedCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Epoch ms. */
  readonly expiresAt: number;
}

/** A role that is assumed with another role's credentials stays for an hour at most. */
const sessionSeconds = 3_600;
const sessionNameCharsMax = 64;
/** The function that asks has 15 s for this, the signature and the goal. */
const requestMsDefault = 3_000;

export function createJobRole(options: {
  readonly region: string;
  readonly roleArn: string;
  readonly endpoint?: string;
  readonly requestMs?: number;
}): (sessionName: string, tags: Readonly<Record<string, string>>) => Promise<IssuedCredentials> {
  const { region, roleArn, endpoint, requestMs = requestMsDefault } = options;
  const client = new STSClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: waitAtMost(requestMs),
  });
  return async (sessionName, tags) => {
    const command = new AssumeRoleCommand({
      RoleArn: roleArn,
      RoleSessionName: sessionName.replaceAll(/[^\w+=,.@-]/g, '-').slice(-sessionNameCharsMax),
      DurationSeconds: sessionSeconds,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    });
    const { Credentials } = await client.send(command).catch((error: unknown) => {
      throw unavailable('sts', error);
    });
    if (!Credentials?.AccessKeyId || !Credentials.SecretAccessKey || !Credentials.SessionToken)
      throw unavailable('sts', new Error('the answer holds no credentials'));
    return {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
      expiresAt: Credentials.Expiration?.getTime() ?? Date.now() + sessionSeconds * 1_000,
    };
  };
}
