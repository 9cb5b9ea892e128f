// What every store of secrets must do: a secret is read by tenant and name, anew at each call; what was never set is not there.
import { expect, test } from '@jest/globals';
import type { SecretStore } from '#core/ports/secret-store.ts';

export interface SecretsUnderTest {
  readonly store: SecretStore;
  set(tenant: string, name: string, text: string): Promise<void>;
}

/** `oneTenant`: the store is one tenant's, so the tenant says nothing. */
export function secretStoreContract(
  open: () => Promise<SecretsUnderTest>,
  { oneTenant = false }: { oneTenant?: boolean } = {},
): void {
  test('a secret is read as it was set, down to its last byte', async () => {
    const { store, set } = await open();
    const text = 'user:pä$$ "word"\n\tend ';
    await set('default', 'search-login', text);
    expect(await store.read('default', 'search-login')).toBe(text);
  });

  test('what was never set is not there, nor what only begins like it', async () => {
    const { store, set } = await open();
    await set('default', 'login', 'a');
    expect(await store.read('default', 'log')).toBeNull();
    expect(await store.read('default', 'login-2')).toBeNull();
    expect(await store.read('default', 'never')).toBeNull();
  });

  test('a secret that is changed is found by a store that has read it before', async () => {
    const { store, set } = await open();
    await set('default', 'hook', 'old');
    expect(await store.read('default', 'hook')).toBe('old');
    await set('default', 'hook', 'new');
    expect(await store.read('default', 'hook')).toBe('new');
  });

  (oneTenant ? test.skip : test)('the same name of another tenant is another secret', async () => {
    const { store, set } = await open();
    await set('default', 'shared', 'ours');
    expect(await store.read('acme', 'shared')).toBeNull();
    await set('acme', 'shared', 'theirs');
    expect(await store.read('default', 'shared')).toBe('ours');
  });
}
