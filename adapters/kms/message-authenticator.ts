// Signs what only the platform may have said, and verifies it: an HMAC under a key that never leaves KMS.
import { GenerateMacCommand, KMSClient, KMSInvalidMacException, VerifyMacCommand } from '@aws-sdk/client-kms';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { unavailable } from '#core/errors.ts';

export interface MessageAuthenticator {
  /** The same text always gives the same signature. */
  sign(text: string): Promise<string>;
  verify(text: string, signature: string): Promise<boolean>;
}

/** The function that verifies has 15 s for this, the goal and the role. */
const requestMsDefault = 3_000;

const algorithm = { MacAlgorithm: 'HMAC_SHA_256' } as const;

export function createMessageAuthenticator(options: {
  readonly region: string;
  readonly keyId: string;
  readonly endpoint?: string;
  readonly requestMs?: number;
}): MessageAuthenticator {
  const { region, keyId, endpoint, requestMs = requestMsDefault } = options;
  const client = new KMSClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: waitAtMost(requestMs),
  });
  return {
    sign: async (text) => {
      const command = new GenerateMacCommand({ ...algorithm, KeyId: keyId, Message: Buffer.from(text) });
      const { Mac } = await client.send(command).catch(kmsUnavailable);
      return Buffer.from(Mac ?? []).toString('base64url');
    },
    verify: async (text, signature) => {
      const message = { Message: Buffer.from(text), Mac: Buffer.from(signature, 'base64url') };
      try {
        const { MacValid } = await client.send(new VerifyMacCommand({ ...algorithm, KeyId: keyId, ...message }));
        return MacValid === true;
      } catch (error) {
        if (error instanceof KMSInvalidMacException) return false;
        return kmsUnavailable(error);
      }
    },
  };
}

function kmsUnavailable(error: unknown): never {
  throw unavailable('kms', error);
}
