// A worker's credentials on AWS: those of its job, asked of the platform's function with the identity that the reconciler signed.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { PlatformError, unavailable } from '#core/errors.ts';

export interface JobCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Renewed so long before they expire, so that no request goes out with credentials that end under way. */
const renewBeforeMs = 5 * 60_000;
const requestMsDefault = 10_000;

/** What is asked for at the same time is asked for once; what was got is used until shortly before it expires. */
export function jobCredentials(options: {
  readonly region: string;
  readonly functionName: string;
  readonly identity: string;
  readonly endpoint?: string;
  readonly requestMs?: number;
}): () => Promise<JobCredentials> {
  const { region, endpoint, functionName, identity, requestMs = requestMsDefault } = options;
  const client = new LambdaClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: 4,
    requestHandler: waitAtMost(requestMs),
  });
  const command = { FunctionName: functionName, Payload: Buffer.from(JSON.stringify({ identity })) };
  const ask = async (): Promise<JobCredentials> => {
    const { FunctionError, Payload } = await client.send(new InvokeCommand(command)).catch((error: unknown) => {
      throw unavailable('credentials', error);
    });
    const answer = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null') as Answer | null;
    if (FunctionError !== undefined || answer === null || 'errorMessage' in answer)
      throw unavailable(
        'credentials',
        new Error(answer && 'errorMessage' in answer ? answer.errorMessage : FunctionError),
      );
    if ('refused' in answer)
      throw new PlatformError('credentials-refused', `the platform gave no credentials: ${answer.refused}`, {
        fault: 'internal',
        retry: 'no-retry',
      });
    const { expiresAt, ...keys } = answer;
    return { ...keys, expiration: new Date(expiresAt) };
  };
  let current: Promise<JobCredentials> | null = null;
  return async () => {
    const seen = current;
    const known = await seen?.catch(() => null);
    const isGood = known && known.expiration.getTime() - renewBeforeMs >= Date.now();
    // Of those who waited together, the first asks for all.
    if (!isGood && current === seen) current = ask();
    return current as Promise<JobCredentials>;
  };
}

type Answer =
  | {
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken: string;
      readonly expiresAt: number;
    }
  | { readonly refused: string }
  | { readonly errorMessage: string };
