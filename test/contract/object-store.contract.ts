// What every object store must do: what is put is there, and conditional creation has one winner.
import { expect, test } from '@jest/globals';
import type { ObjectStore } from '#core/ports/object-store.ts';

let folderCount = 0;
const newFolder = (): string => `object-contract-${process.pid}-${Date.now()}-${++folderCount}/`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (read: Uint8Array | null): string | null => (read === null ? null : new TextDecoder().decode(read));

export function objectStoreContract(open: () => ObjectStore): void {
  test('an object is read back byte for byte; what was never put is not there', async () => {
    const store = open();
    const key = `${newFolder()}tenant/plays.out@u1/é +%.json`;
    const all = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    expect(await store.get(key)).toBeNull();
    expect(await store.put(key, all)).toBe('stored');
    expect(Buffer.compare((await store.get(key))!, all)).toBe(0);
  });

  test('a copy has the same bytes under another key, replaces what was there, and says when there is nothing', async () => {
    const store = open();
    const folder = newFolder();
    const from = `${folder}staged/p3 é=%2F+.parquet`;
    const to = `${folder}table/day=2026-01-31/country=a%2Fb ü+%25/p3.parquet`;
    const all = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256);
    expect(await store.copy(from, to)).toBe('missing');
    expect(await store.get(to)).toBeNull();
    await store.put(from, all);
    await store.put(to, bytes('older'));
    expect(await store.copy(from, to)).toBe('copied');
    expect(await store.copy(from, to)).toBe('copied');
    expect(Buffer.compare((await store.get(to))!, all)).toBe(0);
    expect(Buffer.compare((await store.get(from))!, all)).toBe(0);
    expect(await store.list(folder)).toEqual([from, to]);
  });

  test('an empty object is an object', async () => {
    const store = open();
    const key = `${newFolder()}empty`;
    await store.put(key, new Uint8Array());
    expect(textOf(await store.get(key))).toBe('');
  });

  test('a put replaces what was there, at once', async () => {
    const store = open();
    const key = `${newFolder()}a`;
    for (const text of ['one', 'two', 'three']) {
      expect(await store.put(key, bytes(text))).toBe('stored');
      expect(textOf(await store.get(key))).toBe(text);
    }
  });

  test('a conditional put creates, and never replaces', async () => {
    const store = open();
    const key = `${newFolder()}a`;
    expect(await store.put(key, bytes('first'), { ifAbsent: true })).toBe('stored');
    expect(await store.put(key, bytes('second'), { ifAbsent: true })).toBe('exists');
    expect(textOf(await store.get(key))).toBe('first');
  });

  test('of 20 racing conditional puts one wins, and it is what is read [fault 66]', async () => {
    const store = open();
    for (let round = 0; round < 3; round++) {
      const key = `${newFolder()}race`;
      const writers = Array.from({ length: 20 }, (_, index) => `writer ${index}`);
      const outcomes = await Promise.all(writers.map((text) => store.put(key, bytes(text), { ifAbsent: true })));
      expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
      expect(textOf(await store.get(key))).toBe(writers[outcomes.indexOf('stored')]);
    }
  });

  test('keys are listed by prefix, in lexical order', async () => {
    const store = open();
    const folder = newFolder();
    // No key is another's folder: servers that keep objects as files cannot hold both, and no key of ours is so.
    const names = ['b/2', 'a/10', 'b/10', 'a/9', 'bb', 'ba/1', 'B/1'];
    for (const name of names) await store.put(folder + name, bytes(name));
    const below = (prefix: string) =>
      store.list(folder + prefix).then((keys) => keys.map((key) => key.slice(folder.length)));
    expect(await below('')).toEqual([...names].sort());
    expect(await below('b/')).toEqual(['b/10', 'b/2']);
    expect(await below('b')).toEqual(['b/10', 'b/2', 'ba/1', 'bb']);
    expect(await below('c')).toEqual([]);
  });

  test('a removed object is gone from get and list; removing it again is no error', async () => {
    const store = open();
    const folder = newFolder();
    await store.put(`${folder}a`, bytes('a'));
    await store.put(`${folder}b`, bytes('b'));
    await store.remove(`${folder}a`);
    await store.remove(`${folder}a`);
    expect(await store.get(`${folder}a`)).toBeNull();
    expect(await store.list(folder)).toEqual([`${folder}b`]);
    expect(await store.put(`${folder}a`, bytes('anew'), { ifAbsent: true })).toBe('stored');
  });
}
