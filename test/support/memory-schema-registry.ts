// A schema registry in memory that behaves: for tests that need to take it away, and bring it back.
import { PlatformError, unavailable } from '#core/errors.ts';
import { compileAvroDecoder } from '#core/formats/avro/decoder.ts';
import { parseAvroSchema } from '#core/formats/avro/schema.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import {
  type RegisteredSchema,
  type SchemaRegistry,
  type SchemaText,
  schemaUnusable,
} from '#core/ports/schema-registry.ts';

type Text = Pick<RegisteredSchema, 'kind' | 'text'>;

export class MemorySchemaRegistry implements SchemaRegistry {
  readonly #schemas: RegisteredSchema[] = [];
  readonly #subjects = new Map<string, number[]>();
  readonly #backward = new Set<string>();
  /** Calls fail until it is true again. */
  isUp = true;
  /** Why no schema that is asked for by its id can be used; null: each can. */
  unusable: string | null = null;
  callCount = 0;

  async byId(id: number): Promise<RegisteredSchema | null> {
    this.#called();
    if (this.unusable !== null)
      throw new PlatformError(schemaUnusable, this.unusable, { fault: 'user', retry: 'no-retry' });
    return this.#schemas[id - 1] ?? null;
  }

  async latest(subject: string) {
    this.#called();
    const ids = this.#subjects.get(subject) ?? [];
    const id = ids.at(-1);
    return id === undefined ? null : { id, version: ids.length, schema: this.#schemas[id - 1]! };
  }

  async find(subject: string, schema: Text): Promise<number | null> {
    this.#called();
    return (this.#subjects.get(subject) ?? []).find((id) => this.#schemas[id - 1]!.text === schema.text) ?? null;
  }

  async register(subject: string, schema: Text, references: readonly SchemaText[] = []): Promise<number> {
    const known = await this.find(subject, schema);
    if (known !== null) return known;
    const ids = this.#subjects.get(subject) ?? [];
    if (this.#backward.has(subject) && ids.length > 0) requireReadable(this.#schemas[ids.at(-1)! - 1]!, schema);
    const same = this.#schemas.findIndex(({ kind, text }) => kind === schema.kind && text === schema.text) + 1;
    if (same === 0) this.#schemas.push({ ...schema, references });
    const id = same === 0 ? this.#schemas.length : same;
    this.#subjects.set(subject, [...ids, id]);
    return id;
  }

  requireBackward(subject: string): void {
    this.#backward.add(subject);
  }

  close(): void {}

  #called(): void {
    this.callCount++;
    if (!this.isUp) throw unavailable('registry', new Error('it is down'));
  }
}

function requireReadable(before: Text, after: Text): void {
  try {
    compileAvroDecoder(parseAvroSchema(before.text), parseAvroSchema(after.text));
  } catch (error) {
    if (!(error instanceof SchemaRefused)) throw error;
    throw new PlatformError('schema-refused', error.message, { fault: 'user', retry: 'no-retry' });
  }
}
