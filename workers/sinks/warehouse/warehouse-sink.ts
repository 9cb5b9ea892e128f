// The sink that is a table: Parquet files in folders, each row in the table once, whatever happens on the way.
import { setTimeout as wait } from 'node:timers/promises';
import { createRowReader, RowFault, type RowReader, type RowValue } from '#core/expression/index.ts';
import type { WarehouseSinkGoal } from '#core/job/sink-goal.ts';
import { limits } from '#core/limits.ts';
import { folderOf, type Store, type StoredValue, storeOf, UnstorableValue } from '#core/warehouse/column-values.ts';
import { definitionOf } from '#core/warehouse/table-definition.ts';
import type { Slice } from '../../kafka/output-batch.ts';
import type { Split, Unit } from '../../split.ts';
import type { Gathering, RecordView, Refusal, Sink } from '../sink.ts';
import type { SinkParts } from '../sink-parts.ts';
import { parquetSchema } from './parquet-schema.ts';
import { SplitTable, type SplitTableParts } from './split-table.ts';

const tickMs = 100;
/** A file that is due is given so long to be written, before its split counts as standing still. */
const graceMs = 60_000;
const roomWaitMs = 20;
const bytesPerMiB = 1024 * 1024;
/** Of the worker's memory: what all that is gathered may take, and how much of it may not be compressed yet. */
const gatherShare = 0.25;
const looseShare = 0.04;
/** That share is kept to within so much of itself. */
const unseenShare = 0.25;
/** However well rows compress, no more is gathered, and would be read again after a crash, than this many times that room. */
const readAgainFactor = 16;

/** A column of the files, or of a folder's name, at its place in the row. */
interface FileColumn {
  readonly index: number;
  readonly store: Store;
}
interface FolderColumn {
  readonly index: number;
  readonly folder: (value: RowValue) => string;
}

export class WarehouseSink implements Sink {
  readonly #goal: WarehouseSinkGoal;
  readonly #parts: SinkParts;
  readonly #rows: RowReader;
  readonly #columns: readonly FileColumn[];
  readonly #folders: readonly FolderColumn[];
  readonly #tableParts: SplitTableParts;
  readonly #tables = new Map<Split, SplitTable>();
  readonly #values: StoredValue[];
  readonly #gatherBytesMax: number;
  readonly #looseBytesMax: number;
  readonly #timer: NodeJS.Timeout;
  /** Taken since it was last seen to that not too much is loose. */
  #unseenBytes = 0;
  durableAt: number | null = null;

  constructor(goal: WarehouseSinkGoal, parts: SinkParts) {
    this.#goal = goal;
    this.#parts = parts;
    const memoryBytes = parts.worker.goal.resources.memoryMiB * bytesPerMiB;
    this.#gatherBytesMax = memoryBytes * gatherShare;
    this.#looseBytesMax = memoryBytes * looseShare;
    this.#rows = createRowReader(goal.row);
    const definition = definitionOf(parts.worker.goal.tenant, goal);
    this.#columns = definition.columns.map(({ name, type }) => ({
      index: goal.columns.findIndex((column) => column.name === name),
      store: storeOf(type, name),
    }));
    this.#folders = goal.partitions.map((partition) => ({
      index: goal.columns.findIndex(({ name }) => name === partition.column),
      folder: folderOf(partition),
    }));
    this.#values = this.#columns.map(() => null);
    this.#tableParts = {
      ...{ worker: parts.worker, goal, definition, hooks: parts.hooks, newestAt: parts.newestAt },
      parquet: {
        schema: parquetSchema(definition.columns),
        columns: definition.columns.map(({ name }) => name),
        compression: goal.compression,
      },
      onPublished: (newestAt) => {
        if (newestAt !== null) this.durableAt = newestAt;
      },
    };
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  get isRefused(): boolean {
    return [...this.#tables.values()].some(({ isFailing }) => isFailing);
  }

  get gathering(): Gathering | null {
    const tables = [...this.#tables.values()];
    const oldest = tables.flatMap(({ since }) => (since === null ? [] : [since.at]));
    if (oldest.length === 0) return null;
    const oldestAt = Math.min(...oldest);
    return {
      records: tables.reduce((sum, { gatheredRows }) => sum + gatheredRows, 0),
      bytes: Math.round(this.#heldBytes),
      oldestAt,
      dueAt: oldestAt + this.#goal.roll.everyMs,
    };
  }

  async open(): Promise<void> {
    const outcome = await this.#parts.worker.warehouse.catalog.ensureTable(this.#tableParts.definition);
    if (outcome.kind === 'conflict')
      throw new Error(`table ${this.#goal.table} is there, and ${outcome.message}; name another table`);
  }

  async adopt(split: Split): Promise<void> {
    const table = new SplitTable(split, this.#tableParts);
    this.#tables.set(split, table);
    await table.takeOver();
  }

  take({ split, offset, value }: RecordView, unit: Unit): Refusal | null {
    const folder = this.#read(value);
    if (typeof folder !== 'string') return folder;
    this.#tables.get(split)!.add(folder, this.#values, value.end - value.start, unit, offset);
    this.#unseenBytes += value.end - value.start;
    if (this.#unseenBytes > this.#looseBytesMax * unseenShare) this.#compress();
    return null;
  }

  check({ value }: RecordView): Refusal | null {
    const folder = this.#read(value);
    return typeof folder === 'string' ? null : folder;
  }

  /** Fills the values of the row's columns; gives its folder. */
  #read(value: Slice): string | Refusal {
    if (value.end < 0) return rejected('no-value', 'a record without a value is no row');
    const row = this.#rows.read(value.bytes, value.start, value.end);
    if (row instanceof RowFault) return rejected(row.code, row.message);
    try {
      const folder = this.#folderOf(row);
      for (let index = 0; index < this.#columns.length; index++) {
        const column = this.#columns[index]!;
        this.#values[index] = column.store(row[column.index]!);
      }
      return folder;
    } catch (error) {
      if (error instanceof UnstorableValue) return rejected('unstorable_value', error.message);
      throw error;
    }
  }

  #folderOf(row: readonly RowValue[]): string {
    if (this.#folders.length === 0) return '';
    return this.#folders.map(({ index, folder }) => folder(row[index]!)).join('/');
  }

  get hasRoom(): boolean {
    let jsonBytes = 0;
    for (const table of this.#tables.values()) jsonBytes += table.jsonBytes;
    return this.#heldBytes <= this.#gatherBytesMax && jsonBytes <= readAgainFactor * this.#gatherBytesMax;
  }

  room(): Promise<void> | null {
    return this.#makeRoom() ? null : wait(roomWaitMs);
  }

  /** True where there is some at once; else what takes most is being written. */
  #makeRoom(): boolean {
    this.#compress();
    if (this.hasRoom) return true;
    this.#largest()?.roll();
    return false;
  }

  nudge(): void {
    // Where what has no room is dropped nobody waits for room.
    this.#makeRoom();
    let fileCount = 0;
    for (const table of this.#tables.values()) {
      fileCount += table.gather?.files.size ?? 0;
      if ((table.gather?.largestFileBytes ?? 0) >= this.#goal.roll.bytes) table.roll();
    }
    if (fileCount <= limits.warehouseFilesOpenMax) return;
    const message = `${fileCount} files were open at once; they are written before they are large. Use coarser folders`;
    this.#parts.hooks.onTrouble('many-folders', message, 0);
    for (const table of this.#tables.values()) table.roll();
  }

  flush(): void {
    for (const table of this.#tables.values()) table.roll();
  }

  startOver(): Promise<void> | null {
    for (const table of this.#tables.values()) {
      const busy = table.forget();
      if (busy !== null) return busy;
    }
    return null;
  }

  /** What has an entry in the journal is put into the table by the next owner. */
  forget(split: Split): void {
    this.#tables.get(split)?.close();
    this.#tables.delete(split);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const table of this.#tables.values()) table.close();
  }

  #tick(): void {
    const nowMs = this.#parts.hooks.monotonicMs();
    for (const [split, table] of this.#tables) {
      const isLeaving = split.state === 'leaving';
      if (isLeaving && table.isIdle) this.#tables.delete(split);
      table.noteReading(nowMs, this.#goal.roll.everyMs + graceMs);
      const { gather } = table;
      if (gather !== null && (isLeaving || nowMs - gather.sinceMs >= this.#goal.roll.everyMs)) table.roll();
    }
  }

  get #heldBytes(): number {
    let bytes = 0;
    for (const table of this.#tables.values()) bytes += table.heldBytes;
    return bytes;
  }

  /** Values on the heap are bounded more tightly than what is compressed, and outside of it. */
  #compress(): void {
    this.#unseenBytes = 0;
    while (this.#looseBytes > this.#looseBytesMax) this.#encodeLargest();
  }

  get #looseBytes(): number {
    let bytes = 0;
    for (const table of this.#tables.values()) bytes += table.gather?.looseBytes ?? 0;
    return bytes;
  }

  #encodeLargest(): void {
    const looseBytes = ({ gather }: SplitTable): number => gather?.looseBytes ?? 0;
    [...this.#tables.values()].sort((a, b) => looseBytes(b) - looseBytes(a))[0]?.encodeLargest();
  }

  #largest(): SplitTable | null {
    const waiting = [...this.#tables.values()].filter(({ gather, isRolling }) => gather !== null && !isRolling);
    return waiting.sort((a, b) => b.heldBytes - a.heldBytes)[0] ?? null;
  }
}

const rejected = (code: string, message: string): Refusal => ({ errorClass: 'rejected', code, message });
