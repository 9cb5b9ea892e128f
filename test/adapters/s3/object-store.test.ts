// The object store's contract over the S3 server and over the double that simulations use; and S3's own troubles.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createObjectStore, type S3ObjectStore, type S3Options } from '#adapters/s3/object-store.ts';
import { objectStoreContract } from '#test/contract/object-store.contract.ts';
import { losingProxy } from '#test/support/losing-proxy.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { testAccessKey } from '#test/support/own-parts.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

const endpoint = process.env[testEnvironment.s3] ?? '';
const bucket = `contract-${process.pid}-${Date.now()}`;
const openStore = (changes: Partial<S3Options> = {}): S3ObjectStore =>
  createObjectStore({ bucket, region: 'us-east-1', endpoint, credentials: testAccessKey, ...changes });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('on S3', () => {
  const store = openStore();
  beforeAll(async () => {
    await Promise.all([store.ensureBucket(), store.ensureBucket(), store.ensureBucket()]);
  });
  afterAll(() => store.close());
  objectStoreContract(() => store);

  test('all pages of a long listing are read, in order', async () => {
    const keys = Array.from({ length: 1_050 }, (_, index) => `pages/${String(index).padStart(12, '0')}.json`);
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, bytes('x'))));
    expect(await store.list('pages/')).toEqual(keys);
  });

  test('a conditional put whose answer was lost is stored, and a later one finds it [fault 67]', async () => {
    const proxy = await losingProxy(endpoint);
    const losing = openStore({ endpoint: proxy.url });
    proxy.loseAnswers(1);
    expect(await losing.put('lost-answer', bytes('mine'), { ifAbsent: true })).toBe('stored');
    proxy.loseAnswers(1);
    expect(await losing.put('lost-answer', bytes('theirs'), { ifAbsent: true })).toBe('exists');
    expect(new TextDecoder().decode((await store.get('lost-answer'))!)).toBe('mine');
    losing.close();
    proxy.close();
  });

  test('of an upload that is broken off in the middle nothing is there, and it can be made again [fault 64]', async () => {
    const proxy = await losingProxy(endpoint);
    const cut = openStore({ endpoint: proxy.url, attempts: 1 });
    const large = new Uint8Array(1024 * 1024).fill(7);
    for (const wish of [{}, { ifAbsent: true }]) {
      proxy.cutRequestAfter(300_000);
      await expect(cut.put('cut/off', large, wish)).rejects.toMatchObject({ code: 's3-unavailable' });
      expect(await store.get('cut/off')).toBeNull();
    }
    expect(await store.list('cut/')).toEqual([]);
    expect(await cut.put('cut/off', large, { ifAbsent: true })).toBe('stored');
    expect(Buffer.compare((await store.get('cut/off'))!, large)).toBe(0);
    cut.close();
    proxy.close();
  });

  test('a bucket that does not answer is unavailable after its attempts [fault 69]', async () => {
    const proxy = await losingProxy(endpoint);
    proxy.silence();
    const silent = openStore({ endpoint: proxy.url, requestMs: 300, attempts: 2 });
    const began = performance.now();
    await expect(silent.get('any')).rejects.toMatchObject({
      code: 's3-unavailable',
      fault: 'external',
      retry: 'retry',
    });
    expect(performance.now() - began).toBeLessThan(3_000);
    silent.close();
    proxy.close();
  });

  test('an object that does not come after its headers is unavailable, however long its connection stays', async () => {
    const large = new Uint8Array(1024 * 1024).fill(7);
    await store.put('large', large);
    const proxy = await losingProxy(endpoint);
    const stalled = openStore({ endpoint: proxy.url, requestMs: 300 });
    expect(await stalled.get('large')).toHaveLength(large.length);
    proxy.stallBodies();
    const began = performance.now();
    await expect(stalled.get('large')).rejects.toMatchObject({ code: 's3-unavailable', retry: 'retry' });
    expect(performance.now() - began).toBeLessThan(3_000);
    proxy.speak();
    expect(await stalled.get('large')).toHaveLength(large.length);
    stalled.close();
    proxy.close();
  });

  test('a missing bucket is unavailable, not empty; a wrong key is refused for good', async () => {
    const other = openStore({ bucket: `${bucket}-none` });
    await expect(other.get('any')).rejects.toMatchObject({ code: 's3-unavailable' });
    await expect(other.list('')).rejects.toMatchObject({ code: 's3-unavailable' });
    other.close();
    const stranger = openStore({ credentials: { ...testAccessKey, secretAccessKey: 'wrong' } });
    await expect(stranger.get('any')).rejects.toMatchObject({ code: 's3-refused', retry: 'no-retry' });
    stranger.close();
  });
});

describe('in memory', () => {
  const store = createMemoryObjectStore();
  objectStoreContract(() => store);
});
