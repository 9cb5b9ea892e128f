// The port to secrets: what a declaration only names, a worker reads by the name.

/**
 * Guarantees: the text is what was set last, read anew at each call, so that a secret that is changed is found; nobody but
 * the caller sees it. Null: there is none by that name.
 */
export interface SecretStore {
  read(tenant: string, name: string): Promise<string | null>;
}
