// One Parquet file on its way: rows are gathered as values, and turned into a compressed row group whenever there are enough.
import { constants, zstdCompressSync } from 'node:zlib';
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import { messageOf } from '#core/errors.ts';
import type { StoredValue } from '#core/warehouse/column-values.ts';

export interface ParquetOptions {
  readonly schema: SchemaElement[];
  /** Top-level columns, in the schema's order. */
  readonly columns: readonly string[];
  readonly compression: 'zstd' | 'snappy';
}

/** A row group is written in one go, and nothing else happens meanwhile: its bounds keep that short. */
export const rowGroupRowsMax = 32_768;
export const rowGroupBytesMax = 8 * 1024 * 1024;

const zstdLevel = 3;
const zstd = (bytes: Uint8Array): Uint8Array =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } });

export class ParquetFile {
  readonly #columns: readonly string[];
  readonly #output = new ChunkWriter();
  readonly #writer: ParquetWriter;
  #rows: StoredValue[][];
  rowCount = 0;
  /** Of the rows that are not in a row group yet: bytes of their JSON, by which their memory is estimated. */
  looseBytes = 0;
  #looseRows = 0;

  constructor({ schema, columns, compression }: ParquetOptions) {
    this.#columns = columns;
    this.#rows = columns.map(() => []);
    this.#writer = new ParquetWriter({
      writer: this.#output,
      schema,
      codec: compression === 'zstd' ? 'ZSTD' : 'SNAPPY',
      compressors: { ZSTD: zstd },
      createdBy: 'millrace',
    });
  }

  /** Compressed so far. */
  get encodedBytes(): number {
    return this.#output.offset;
  }

  /** `values` in the order of the columns. */
  add(values: readonly StoredValue[], jsonBytes: number): void {
    const rows = this.#rows;
    for (let index = 0; index < rows.length; index++) rows[index]!.push(values[index]!);
    this.rowCount++;
    this.#looseRows++;
    this.looseBytes += jsonBytes;
    if (this.#looseRows >= rowGroupRowsMax || this.looseBytes >= rowGroupBytesMax) this.encode();
  }

  /** Turns the loose rows into a row group. */
  encode(): void {
    if (this.#looseRows === 0) return;
    this.#writeRowGroup();
    this.#rows = this.#columns.map(() => []);
    this.#looseRows = 0;
    this.looseBytes = 0;
    this.#output.seal();
  }

  #writeRowGroup(): void {
    const rows = this.#rows;
    // Columns are written one after the other: the one that was asked for last is the one that cannot be.
    let last = '';
    const columnData = this.#columns.map((name, index) => ({
      name,
      get data(): StoredValue[] {
        last = name;
        return rows[index]!;
      },
    }));
    try {
      void this.#writer.write({ columnData, rowGroupSize: this.#looseRows });
    } catch (error) {
      throw new Error(`column ${last} cannot be encoded: ${messageOf(error)}`, { cause: error });
    }
  }

  /** The whole file; nothing can be added afterwards. */
  finish(): Uint8Array {
    this.encode();
    void this.#writer.finish();
    return this.#output.whole();
  }
}

/** Keeps finished row groups as they are, instead of copying all that was written whenever the buffer grows. */
class ChunkWriter extends ByteWriter {
  readonly #chunks: Uint8Array[] = [];

  seal(): void {
    this.#chunks.push(new Uint8Array(this.buffer.slice(0, this.index)));
    this.index = 0;
  }

  whole(): Uint8Array {
    this.seal();
    return Buffer.concat(this.#chunks);
  }
}
