// The object store on S3, or on a server that speaks it: goals and checkpoints, with conditional creation.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { messageOf, PlatformError, unavailable } from '#core/errors.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';

interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Of a local server, which is then addressed by path; absent on AWS. */
  readonly endpoint?: string;
  /** Absent: the SDK's own chain (the task's role on AWS). */
  readonly credentials?: AwsKeys | (() => Promise<AwsKeys>);
  /** Until one request is answered, and then for each next piece of the answer; 3 s where not given. */
  readonly requestMs?: number;
  readonly attempts?: number;
}

/** A port's store and what only its owner does with it. */
export interface S3ObjectStore extends ObjectStore {
  /** Creates the bucket unless it is there (local mode; on AWS the storage stack makes it). */
  ensureBucket(): Promise<void>;
  close(): void;
}

const connectMs = 1_000;
const requestMsDefault = 3_000;
const attemptsDefault = 3;
const socketsMax = 64;
/** Racing conditional puts: S3 answers 409 to some of them and asks to try again. */
const conflictAttemptsMax = 10;
const conflictWaitMs = 20;

const refused = 's3-refused';

export function createObjectStore(options: S3Options): S3ObjectStore {
  const { bucket } = options;
  const client = createClient(options);
  return {
    put: (key, bytes, { ifAbsent = false } = {}) => (ifAbsent ? putIfAbsent : put)(client, bucket, key, bytes),
    copy: (from, to) => copy(client, bucket, from, to),
    get: (key) => get(client, bucket, key),
    list: (prefix) => list(client, bucket, prefix),
    remove: async (key) => {
      await carryOut(() => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })));
    },
    ensureBucket: () => ensureBucket(client, bucket),
    close: () => client.destroy(),
  };
}

function createClient(options: S3Options): S3Client {
  const { region, endpoint, credentials, attempts, requestMs = requestMsDefault } = options;
  const agent = { keepAlive: true, maxSockets: socketsMax };
  return new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: attempts ?? attemptsDefault,
    requestHandler: {
      ...waitAtMost(requestMs, connectMs),
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}

async function put(client: S3Client, bucket: string, key: string, bytes: Uint8Array): Promise<'stored'> {
  await carryOut(() => client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes })));
  return 'stored';
}

/** Where an attempt's answer was lost, the next one finds the object; it is ours if it has the very bytes that we sent. */
async function putIfAbsent(
  client: S3Client,
  bucket: string,
  key: string,
  bytes: Uint8Array,
): Promise<'stored' | 'exists'> {
  const input = { Bucket: bucket, Key: key, Body: bytes, IfNoneMatch: '*' };
  for (let attempt = 1; ; attempt++) {
    try {
      await client.send(new PutObjectCommand(input));
      return 'stored';
    } catch (error) {
      const status = statusOf(error);
      if (status === 412) {
        const again = attempt > 1 || (error as S3ServiceException).$metadata.attempts !== 1;
        return again && (await holds(client, bucket, key, bytes)) ? 'stored' : 'exists';
      }
      if (status !== 409 || attempt === conflictAttemptsMax) throw asPlatformError(error);
      await sleep(conflictWaitMs * attempt);
    }
  }
}

async function holds(client: S3Client, bucket: string, key: string, bytes: Uint8Array): Promise<boolean> {
  const there = await get(client, bucket, key);
  return there !== null && Buffer.compare(there, bytes) === 0;
}

async function copy(client: S3Client, bucket: string, from: string, to: string): Promise<'copied' | 'missing'> {
  try {
    const source = `${bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
    await client.send(new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: source }));
    return 'copied';
  } catch (error) {
    if (await isMissing(client, bucket, from, error)) return 'missing';
    throw asPlatformError(error);
  }
}

async function get(client: S3Client, bucket: string, key: string): Promise<Uint8Array | null> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  } catch (error) {
    if (await isMissing(client, bucket, key, error)) return null;
    throw asPlatformError(error);
  }
}

/**
 * Whether a request failed because the object is not there. To a caller that may not list the whole bucket S3 says of such an
 * object that it may not be read. We then ask for the key by itself, which a right to list below a prefix covers.
 */
async function isMissing(client: S3Client, bucket: string, key: string, error: unknown): Promise<boolean> {
  if (!(error instanceof S3ServiceException)) return false;
  if (error.name === 'NoSuchKey') return true;
  if (error.name !== 'AccessDenied') return false;
  try {
    // Of all keys that begin with it, the key itself comes first.
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key, MaxKeys: 1 }));
    return Contents?.[0]?.Key !== key;
  } catch (unlisted) {
    const problem = asPlatformError(unlisted);
    if (problem.code === refused) return false;
    throw problem;
  }
}

async function list(client: S3Client, bucket: string, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  let from: string | undefined;
  do {
    const page = { Bucket: bucket, Prefix: prefix, ...(from === undefined ? {} : { ContinuationToken: from }) };
    const answer = await carryOut(() => client.send(new ListObjectsV2Command(page)));
    keys.push(...(answer.Contents ?? []).map(({ Key }) => Key!));
    from = answer.NextContinuationToken;
  } while (from !== undefined);
  return keys;
}

async function ensureBucket(client: S3Client, bucket: string): Promise<void> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return;
  } catch (error) {
    if (statusOf(error) !== 404) throw asPlatformError(error);
  }
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (error) {
    // Somebody made it between our two requests.
    if (!(error instanceof Error && error.name === 'BucketAlreadyOwnedByYou')) throw asPlatformError(error);
  }
}

async function carryOut<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    throw asPlatformError(error);
  }
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;

/** A refusal that a repetition does not change is told apart from a system that may be back soon. */
function asPlatformError(error: unknown): PlatformError {
  const status = statusOf(error);
  const lasting = status !== undefined && status >= 400 && status < 500 && ![404, 408, 409, 429].includes(status);
  if (!lasting) return unavailable('s3', error);
  return new PlatformError(refused, `s3 refused the request (${status}): ${messageOf(error)}`, {
    fault: 'external',
    retry: 'no-retry',
    cause: error,
  });
}
