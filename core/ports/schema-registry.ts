// The port to a schema registry: what the records of a stream were written by, and what writers have agreed on.
import type { AuthSpec } from '#core/spec/sinks/auth.ts';

export type SchemaKind = 'avro' | 'protobuf' | 'json';

export interface SchemaText {
  /** What others call it by: the name of an import, or of a type. */
  readonly name: string;
  readonly text: string;
}

export interface RegisteredSchema {
  readonly kind: SchemaKind;
  readonly text: string;
  /** What it uses, and what that uses: each behind what it uses itself. */
  readonly references: readonly SchemaText[];
}

export interface SubjectVersion {
  readonly id: number;
  readonly version: number;
  readonly schema: RegisteredSchema;
}

/** Where a registry is, and who asks. */
export interface RegistryTarget {
  readonly url: string;
  /** Opened by the platform beside the public internet. */
  readonly networks: readonly string[];
  readonly tenant: string;
  /** A secret by its name. */
  readonly auth: AuthSpec | null;
}

/** The registry has a schema, and no reader of ours can ever use it; nothing is gained by asking again. */
export const schemaUnusable = 'schema-unusable';

/**
 * Guarantees: an id means the same schema for ever; what `register` gave can be found by it at once. Nothing is kept: whoever
 * asks often keeps what it was told. Each call ends within a bounded time. Throws `registry-unavailable` (external, retry)
 * where there is no answer, or none that makes sense: also where something else than the registry says that nothing is there;
 * `schema-unusable` (user, no retry) where a schema can never be used; `registry-unauthorized` (user, retry) where the registry does not
 * know us or the secret is missing; `registry-address-refused` (user, no retry) where nothing may connect to the address.
 */
export interface SchemaRegistry {
  /** Null: the registry does not know the id. */
  byId(id: number): Promise<RegisteredSchema | null>;
  /** Null: nothing was registered in the subject. */
  latest(subject: string): Promise<SubjectVersion | null>;
  /** The id of just this schema in the subject; null where it is not there. Throws `schema-refused` as `register` does. */
  find(subject: string, schema: { readonly kind: SchemaKind; readonly text: string }): Promise<number | null>;
  /** Idempotent. Throws `schema-refused` (user, no retry) where the registry's own rules do not let it in. */
  register(subject: string, schema: { readonly kind: SchemaKind; readonly text: string }): Promise<number>;
  close(): void;
}

/** Gives a client of the registry; opening asks nobody. */
export type OpenRegistry = (target: RegistryTarget) => SchemaRegistry;
