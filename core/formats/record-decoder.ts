// A stream's records to JSON: by the schema that each names, once somebody has said what that is.
import { messageOf } from '#core/errors.ts';
import { type ByteSink, createByteSink } from '#core/expression/run/byte-sink.ts';
import { limits } from '#core/limits.ts';
import type { RegisteredSchema } from '#core/ports/schema-registry.ts';
import { compileReader, type DeclaredSchema, type Transcode } from './codec.ts';
import { FormatFault, SchemaRefused } from './format-fault.ts';
import { headerBytes, readSchemaId } from './wire-format.ts';

/** `missing`: nobody has said yet what schema `missingId` is. */
export type Decoded = 'decoded' | 'missing' | 'fault';

const outputBytes = 4 * 1024;

/** One buffer for all records: what was decoded last is gone with the next. */
export class RecordDecoder {
  readonly out: ByteSink = createByteSink(outputBytes);
  /** After `fault`. */
  fault: FormatFault | null = null;
  /** After `missing`. */
  missingId = 0;
  readonly #declared: DeclaredSchema;
  /** In the order in which they were learned. */
  readonly #known = new Map<number, Transcode | FormatFault>();
  #lastId = -1;
  #last: Transcode | FormatFault | undefined;

  constructor(declared: DeclaredSchema) {
    this.#declared = declared;
  }

  decode(bytes: Uint8Array, start: number, end: number): Decoded {
    this.out.length = 0;
    try {
      const id = readSchemaId(bytes, start, end);
      const transcode = id === this.#lastId ? this.#last : this.#find(id);
      if (transcode === undefined) {
        this.missingId = id;
        return 'missing';
      }
      if (transcode instanceof FormatFault) throw transcode;
      transcode(bytes, start + headerBytes, end, this.out);
      return 'decoded';
    } catch (error) {
      if (!(error instanceof FormatFault)) throw error;
      this.fault = error;
      return 'fault';
    }
  }

  /**
   * Null: the registry does not know the id. A schema that does not go with the stream's is a fault of each of its records, and
   * so is one that cannot be gone through, for whatever reason: other records go on. Never throws.
   */
  learn(id: number, schema: RegisteredSchema | null): void {
    this.#keep(id, this.#compile(id, schema));
  }

  /** The registry has the schema, and it can never be used: a fault of each of its records. */
  refuse(id: number, reason: string): void {
    this.#keep(id, incompatible(`schema ${id}, by which the record was written, cannot be used: ${reason}`));
  }

  #keep(id: number, known: Transcode | FormatFault): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= limits.schemasKnownMax && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(id, known);
    this.#lastId = -1;
  }

  /** So that it is asked about again. */
  forget(id: number): void {
    this.#known.delete(id);
    this.#lastId = -1;
  }

  #compile(id: number, schema: RegisteredSchema | null): Transcode | FormatFault {
    if (schema === null)
      return new FormatFault('poison', 'unknown_schema', `the registry knows no schema ${id}, which the record names`);
    try {
      return compileReader(this.#declared, schema);
    } catch (error) {
      const place = error instanceof SchemaRefused && error.at !== '' ? `field ${error.at}: ` : '';
      const reason = `schema ${id}, by which the record was written, does not go with the stream’s: ${place}${messageOf(error)}`;
      return incompatible(reason);
    }
  }

  #find(id: number): Transcode | FormatFault | undefined {
    const found = this.#known.get(id);
    if (found !== undefined) {
      this.#lastId = id;
      this.#last = found;
    }
    return found;
  }
}

const incompatible = (reason: string): FormatFault => new FormatFault('schema', 'incompatible_schema', reason);
