// Secrets in the environment: where a task's runtime puts them, as Fargate does with those of Secrets Manager.
import type { SecretStore } from '#core/ports/secret-store.ts';

/** `MILLRACE_SECRET_SEARCH_LOGIN` is `search-login`: one worker is one tenant's, so the tenant is not in the name. */
export const secretVariable = (name: string): string => `MILLRACE_SECRET_${name.replaceAll('-', '_').toUpperCase()}`;

export const environmentSecrets = (from: Readonly<Record<string, string | undefined>>): SecretStore => ({
  read: async (_tenant, name) => from[secretVariable(name)] ?? null,
});
