// Events in JSON to a stream's records: each behind the id of the one schema that they are written by.
import { EvaluationFault } from '#core/expression/fault.ts';
import { type ByteSink, createByteSink } from '#core/expression/run/byte-sink.ts';
import { compileWriter, type DeclaredSchema, type Transcode } from './codec.ts';
import { FormatFault, unfit } from './format-fault.ts';
import { writeSchemaId } from './wire-format.ts';

const outputBytes = 4 * 1024;

/** One buffer for all records: what was encoded last is gone with the next. */
export class RecordEncoder {
  readonly out: ByteSink = createByteSink(outputBytes);
  readonly #transcode: Transcode;
  readonly #id: number;

  /** Throws SchemaRefused where the schema cannot be used. */
  constructor(declared: DeclaredSchema & { readonly schema: string }, id: number) {
    this.#transcode = compileWriter(declared);
    this.#id = id;
  }

  /** The event is well-formed JSON. Null when it is in `out`, else why it does not fit the schema. */
  encode(bytes: Uint8Array, start: number, end: number): FormatFault | null {
    this.out.length = 0;
    writeSchemaId(this.out, this.#id);
    try {
      this.#transcode(bytes, start, end, this.out);
      return null;
    } catch (error) {
      if (error instanceof FormatFault) return error;
      // A value that no reading of it foresaw is this event's fault, and must not end its worker.
      if (error instanceof EvaluationFault) return unfit(error.code, error.message);
      throw error;
    }
  }
}
