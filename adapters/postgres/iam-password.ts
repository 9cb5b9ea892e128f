// Passwords for Aurora's IAM authentication: tokens signed with the function's own role, good for connecting during 15 minutes.
import { Signer } from '@aws-sdk/rds-signer';

/** A new one for each connection: making it is a computation, not a call. */
export function iamPassword(url: string, region: string): () => Promise<string> {
  const { hostname, port, username } = new URL(url);
  const signer = new Signer({ region, hostname, port: Number(port || 5432), username: decodeURIComponent(username) });
  return () => signer.getAuthToken();
}
