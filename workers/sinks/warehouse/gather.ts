// Rows of one split that will be in the table together: one file a folder, and the units that they come from.
import type { StoredValue } from '#core/warehouse/column-values.ts';
import type { Unit } from '../../split.ts';
import { ParquetFile, type ParquetOptions } from './parquet-file.ts';

/** Rows that are not compressed yet are values on the heap: several times their JSON. */
const heapFactor = 3;
/** What a unit takes on the heap, and one beside it that is done with: where sets are small there may be as many as rows. */
const unitBytes = 512;

export class Gather {
  readonly #options: ParquetOptions;
  readonly files = new Map<string, ParquetFile>();
  readonly units = new Set<Unit>();
  readonly sinceMs: number;
  readonly sinceAt: number;
  /** Offset of the first row. */
  readonly first: number;
  last: Unit | null = null;
  rowCount = 0;
  /** Of all rows as the program wrote them. */
  jsonBytes = 0;

  constructor(options: ParquetOptions, first: number, since: { readonly ms: number; readonly at: number }) {
    this.#options = options;
    this.first = first;
    this.sinceMs = since.ms;
    this.sinceAt = since.at;
  }

  add(folder: string, values: readonly StoredValue[], jsonBytes: number, unit: Unit): void {
    let file = this.files.get(folder);
    if (file === undefined) {
      file = new ParquetFile(this.#options);
      this.files.set(folder, file);
    }
    file.add(values, jsonBytes);
    this.rowCount++;
    this.jsonBytes += jsonBytes;
    if (unit === this.last) return;
    this.last = unit;
    this.units.add(unit);
    unit.attach();
  }

  get looseBytes(): number {
    let bytes = 0;
    for (const file of this.files.values()) bytes += file.looseBytes;
    return bytes;
  }

  /** An estimate of the memory that it takes. */
  get heldBytes(): number {
    let bytes = unitBytes * this.units.size;
    for (const file of this.files.values()) bytes += file.encodedBytes + heapFactor * file.looseBytes;
    return bytes;
  }

  get largestFileBytes(): number {
    let bytes = 0;
    for (const file of this.files.values()) bytes = Math.max(bytes, file.encodedBytes);
    return bytes;
  }

  /** Compresses what is loose in the file that has most of it. */
  encodeLargest(): void {
    let largest: ParquetFile | null = null;
    for (const file of this.files.values())
      if (largest === null || file.looseBytes > largest.looseBytes) largest = file;
    largest?.encode();
  }
}
