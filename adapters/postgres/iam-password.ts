// Passwords for Aurora's IAM authentication: tokens signed with the function's own role, good for connecting during 15 minutes.
import type { Signer } from '@aws-sdk/rds-signer';

/** A new one for each connection: making it is a computation, not a call. The signer is loaded with the first of them. */
export function iamPassword(url: string, region: string): () => Promise<string> {
  const { hostname, port, username } = new URL(url);
  const server = { region, hostname, port: Number(port || 5432), username: decodeURIComponent(username) };
  let signer: Promise<Signer> | null = null;
  return async () => {
    signer ??= import('@aws-sdk/rds-signer').then(({ Signer }) => new Signer(server));
    return await (await signer).getAuthToken();
  };
}
