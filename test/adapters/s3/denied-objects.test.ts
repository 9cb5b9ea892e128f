// What is missing, where S3 does not say so: to a caller without a right to the whole bucket it answers 403 for it.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createObjectStore, type S3ObjectStore } from '#adapters/s3/object-store.ts';

const bucket = 'checkpoints';
/** Objects that are there; the caller may read what is in `journal/`, and list below `journal/` and `locked/`. */
const there = ['journal/a/1', 'journal/b/10', 'locked/a'];
const isReadable = (key: string): boolean => key.startsWith('journal/');
const mayList = (prefix: string): boolean => /^(journal|locked)\//.test(prefix);

let server: Server;
let store: S3ObjectStore;
/** What a listing is answered with in place of the keys. */
let listingFails: number | null = null;

const failure = (status: number, code: string): [number, string] => [status, `<Error><Code>${code}</Code></Error>`];

function listing(prefix: string): [number, string] {
  if (listingFails !== null) return failure(listingFails, 'InternalError');
  if (!mayList(prefix)) return failure(403, 'AccessDenied');
  const keys = there.filter((key) => key.startsWith(prefix)).map((key) => `<Contents><Key>${key}</Key></Contents>`);
  return [200, `<ListBucketResult><IsTruncated>false</IsTruncated>${keys.join('')}</ListBucketResult>`];
}

function answer({ url = '', headers }: IncomingMessage): [number, string] {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  if (searchParams.has('list-type')) return listing(searchParams.get('prefix') ?? '');
  const source = headers['x-amz-copy-source'];
  const key = decodeURIComponent(source === undefined ? pathname : `/${String(source)}`).replace(`/${bucket}/`, '');
  if (!there.includes(key) || !isReadable(key)) return failure(403, 'AccessDenied');
  return [200, source === undefined ? 'its bytes' : '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>'];
}

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      const [status, body] = answer(request);
      response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  store = createObjectStore({
    ...{ bucket, region: 'us-east-1', endpoint, attempts: 1 },
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
});

afterAll(() => {
  store.close();
  server.close();
});

test('what is denied and not in the bucket is missing, also where a longer key begins with it', async () => {
  expect(await store.get('journal/a/2')).toBeNull();
  expect(await store.get('journal/b/1')).toBeNull();
  expect(await store.copy('journal/b/1', 'tables/x')).toBe('missing');
  expect(new TextDecoder().decode((await store.get('journal/a/1'))!)).toBe('its bytes');
  expect(await store.copy('journal/a/1', 'tables/x')).toBe('copied');
});

test('what is denied and there stays refused, and so does what may not be listed either', async () => {
  const refusal = { code: 's3-refused', retry: 'no-retry', message: expect.stringContaining('403') };
  for (const key of ['locked/a', 'elsewhere/a']) {
    await expect(store.get(key)).rejects.toMatchObject(refusal);
    await expect(store.copy(key, 'tables/x')).rejects.toMatchObject(refusal);
  }
});

test('what is denied while nobody can say whether it is there is looked at again later', async () => {
  listingFails = 503;
  await expect(store.get('journal/a/2')).rejects.toMatchObject({ code: 's3-unavailable', retry: 'retry' });
  listingFails = null;
});
