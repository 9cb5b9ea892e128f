// A worker's credentials on AWS: those of its job, asked of the platform's function with the identity that the reconciler signed.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { PlatformError, unavailable } from '#core/errors.ts';

export interface JobCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** AWS's clients ask anew from five minutes before it on; a token for Kafka is good no longer. */
  readonly expiration: Date;
}

export interface JobCredentialsOptions {
  readonly region: string;
  readonly functionName: string;
  readonly identity: string;
  readonly endpoint?: string;
  readonly requestMs?: number;
  readonly now?: () => number;
  readonly later?: (delayMs: number, run: () => void) => void;
  /** From 0 up to 1. */
  readonly random?: () => number;
  /** Told of each renewal that failed while there are good credentials, and until when these are. */
  readonly onFailedRenewal?: (error: unknown, goodUntil: Date) => void;
}

/** Renewed between these before they end, at random: workers that started together do not ask together. */
const renewBeforeMs = { least: 10 * 60_000, most: 20 * 60_000 } as const;
/** Until a renewal that failed is tried again, and up to as long again. */
const renewPauseMs = 30_000;
const requestMsDefault = 10_000;

const afterTimer = (delayMs: number, run: () => void): void => void setTimeout(run, delayMs).unref();

/**
 * What is asked for at the same time is asked for once. What was got is given until it ends: it is renewed beside its use,
 * and a renewal that fails costs nobody anything before then.
 */
export function jobCredentials(options: JobCredentialsOptions): () => Promise<JobCredentials> {
  const { now = Date.now, later = afterTimer, random = Math.random, onFailedRenewal = () => undefined } = options;
  const askFunction = openFunction(options);
  let held: JobCredentials | null = null;
  let asking: Promise<JobCredentials> | null = null;
  const isGood = ({ expiration }: JobCredentials): boolean => now() < expiration.getTime();
  const renew = (mine: JobCredentials): void => {
    if (held !== mine || !isGood(mine)) return;
    askOnce().catch((error: unknown) => {
      onFailedRenewal(error, mine.expiration);
      later(renewPauseMs * (1 + random()), () => renew(mine));
    });
  };
  const ask = async (): Promise<JobCredentials> => {
    const got = await askFunction();
    held = got;
    const leftMs = got.expiration.getTime() - now();
    const beforeMs = renewBeforeMs.least + random() * (renewBeforeMs.most - renewBeforeMs.least);
    later(leftMs - Math.min(beforeMs, leftMs / 2), () => renew(got));
    return got;
  };
  const askOnce = (): Promise<JobCredentials> => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };
  return async () => (held !== null && isGood(held) ? held : await askOnce());
}

type Answer =
  | (Omit<JobCredentials, 'expiration'> & { readonly expiresAt: number })
  | { readonly refused: string }
  | { readonly errorMessage: string };

function openFunction(options: JobCredentialsOptions): () => Promise<JobCredentials> {
  const { region, endpoint, functionName, identity, requestMs = requestMsDefault } = options;
  const client = new LambdaClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: 4,
    requestHandler: waitAtMost(requestMs),
  });
  const command = { FunctionName: functionName, Payload: Buffer.from(JSON.stringify({ identity })) };
  return async () => {
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
}
