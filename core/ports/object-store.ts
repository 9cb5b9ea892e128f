// The port to the bucket: goals and checkpoints as objects.

/** Guarantees: a successful put is durable and readable at once; `ifAbsent` has one winner among racing writers. */
export interface ObjectStore {
  put(key: string, bytes: Uint8Array, options?: { readonly ifAbsent?: boolean }): Promise<'stored' | 'exists'>;
  /** Copies an object whole, at the server; what stood under `to` is replaced. */
  copy(from: string, to: string): Promise<'copied' | 'missing'>;
  get(key: string): Promise<Uint8Array | null>;
  /** Keys with the prefix, in lexical order, all pages. */
  list(prefix: string): Promise<readonly string[]>;
  /** Deleting what is not there is no error. */
  remove(key: string): Promise<void>;
}
