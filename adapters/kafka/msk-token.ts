// Tokens for MSK's IAM access control: a signed request that the broker verifies; made here, without a call to AWS.
import type { TokenSource } from './security.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** `credentials` absent: those of the function's role. */
export function mskTokens(region: string, credentials?: () => Promise<AwsCredentials>): TokenSource {
  return async () => {
    // Loaded with the first connection, not with the program: it brings a client of STS.
    const { generateAuthToken, generateAuthTokenFromCredentialsProvider } = await import('./msk-signer.ts');
    const { token, expiryTime } = credentials
      ? await generateAuthTokenFromCredentialsProvider({ region, awsCredentialsProvider: credentials })
      : await generateAuthToken({ region });
    return { token, expiresAt: expiryTime };
  };
}
