// Tokens for MSK's IAM access control: a signed request that the broker verifies; made here, without a call to AWS.
import { generateAuthToken, generateAuthTokenFromCredentialsProvider } from 'aws-msk-iam-sasl-signer-js';
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
    const { token, expiryTime } = credentials
      ? await generateAuthTokenFromCredentialsProvider({ region, awsCredentialsProvider: credentials })
      : await generateAuthToken({ region });
    return { token, expiresAt: expiryTime };
  };
}
