// One split's part of a table: its rows are gathered, and made part of the table by an entry in the split's journal.
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { isPlatformError, messageOf, PlatformError } from '#core/errors.ts';
import { contentHash } from '#core/hash.ts';
import type { WarehouseSinkGoal } from '#core/job/sink-goal.ts';
import { tableKeys } from '#core/names.ts';
import { backoffMs } from '#core/time/backoff.ts';
import type { StoredValue } from '#core/warehouse/column-values.ts';
import { isJournalAhead, type JournalEntry, type JournalFile } from '#core/warehouse/journal-entry.ts';
import type { TableDefinition } from '#core/warehouse/table-definition.ts';
import type { WorkerParts } from '../../parts.ts';
import type { Progress, Split, Unit } from '../../split.ts';
import type { SinkHooks } from '../sink.ts';
import { Gather } from './gather.ts';
import { Journal } from './journal.ts';
import type { ParquetOptions } from './parquet-file.ts';

export interface SplitTableParts {
  readonly worker: WorkerParts;
  readonly goal: WarehouseSinkGoal;
  readonly definition: TableDefinition;
  readonly parquet: ParquetOptions;
  readonly hooks: SinkHooks;
  /** Event time of the newest record that was read. */
  readonly newestAt: () => number | null;
  readonly onPublished: (newestAt: number | null) => void;
}

const retry = { minMs: 100, maxMs: 5_000 };
/** How often a part that somebody else still has is looked at again. */
const waitMs = 20;

/**
 * The way of a gather: its files are uploaded where no reader looks; the journal's next number is taken by an entry that
 * names them, which is the commit; they are copied into the table and their folders registered; their units are
 * acknowledged. Before the entry nothing of it counts, after it everything does, whoever does the rest.
 */
export class SplitTable {
  readonly split: Split;
  readonly #parts: SplitTableParts;
  readonly #journal: Journal;
  #sequence = 0;
  #attempt = 0;
  gather: Gather | null = null;
  /** Being written; one at a time, so that entries follow each other. */
  #rolling: { readonly gather: Gather; readonly bytes: number; readonly done: Promise<void> } | null = null;
  /** Asked for while another was being written. */
  #rollAgain = false;
  /** From when the entry is sent until its units are acknowledged: forgetting is not possible then. */
  #committing = false;
  #failureCount = 0;
  /** Another owner's entry stands where ours should: nothing of this split is ours any more. */
  #isFenced = false;
  #isClosed = false;
  /** Where reading stood when it was last looked at. */
  #seenOffset = -1;

  constructor(split: Split, parts: SplitTableParts) {
    this.split = split;
    this.#parts = parts;
    const { goal } = parts.worker;
    this.#journal = new Journal(parts.worker.warehouse.files, goal.id, split.name);
  }

  get isFailing(): boolean {
    return this.#failureCount > 0;
  }

  get isIdle(): boolean {
    return this.gather === null && this.#rolling === null;
  }

  get isRolling(): boolean {
    return this.#rolling !== null;
  }

  get heldBytes(): number {
    return (this.gather?.heldBytes ?? 0) + (this.#rolling?.bytes ?? 0);
  }

  get jsonBytes(): number {
    return (this.gather?.jsonBytes ?? 0) + (this.#rolling?.gather.jsonBytes ?? 0);
  }

  get gatheredRows(): number {
    return (this.gather?.rowCount ?? 0) + (this.#rolling?.gather.rowCount ?? 0);
  }

  /** Since when the oldest row that is not in the table waits. */
  get since(): { readonly ms: number; readonly at: number } | null {
    const oldest = this.#rolling?.gather ?? this.gather;
    return oldest === null ? null : { ms: oldest.sinceMs, at: oldest.sinceAt };
  }

  /** No commit is under way: null, and all that was gathered is forgotten. Else resolves when to ask again. */
  forget(): Promise<void> | null {
    if (this.#committing) return wait(waitMs);
    this.gather = null;
    this.#rolling = null;
    return null;
  }

  close(): void {
    this.#isClosed = true;
  }

  add(folder: string, values: readonly StoredValue[], jsonBytes: number, unit: Unit, offset: number): void {
    const { clock } = this.#parts.worker;
    this.gather ??= new Gather(this.#parts.parquet, offset, { ms: clock.monotonicMs(), at: clock.now() });
    try {
      this.gather.add(folder, values, jsonBytes, unit);
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** Compresses what is loose in the file that has most of it. */
  encodeLargest(): void {
    try {
      this.gather?.encodeLargest();
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** It ends the worker, which has many splits. */
  #named(error: unknown): Error {
    return new Error(`${this.split.name}: ${messageOf(error)}`, { cause: error });
  }

  /** Reading that goes on, or has reached the end, is progress while the rows wait no longer than they may. */
  noteReading(nowMs: number, waitMsMax: number): void {
    const { split } = this;
    const since = this.since;
    if (since === null || nowMs - since.ms > waitMsMax) return;
    const goesOn = split.fetchOffset !== this.#seenOffset;
    const atEnd = split.endOffset !== null && split.fetchOffset >= split.endOffset;
    this.#seenOffset = split.fetchOffset;
    if (goesOn || atEnd) split.noteMoved();
  }

  /** Writes what is gathered now, after what is being written already. */
  roll(): void {
    if (this.#rolling !== null) this.#rollAgain = true;
    if (this.gather === null || this.#rolling !== null || this.#isFenced) return;
    const { gather } = this;
    this.#rollAgain = false;
    this.gather = null;
    const rolling = { gather, bytes: gather.heldBytes, done: this.#write(gather) };
    this.#rolling = rolling;
    void rolling.done
      .catch((error: unknown) => {
        this.#parts.worker.log.error('a file could not be written', { split: this.split.name, error });
        this.#parts.hooks.onReplay(`files of ${this.split.name}: ${messageOf(error)}`);
      })
      .finally(() => {
        // One that was forgotten meanwhile has begun no commit, and another may be under way.
        if (this.#rolling !== rolling) return;
        this.#committing = false;
        this.#rolling = null;
        if (this.#rollAgain) this.roll();
      });
  }

  async #write(gather: Gather): Promise<void> {
    const isWanted = (): boolean => this.#rolling?.gather === gather && !this.#isClosed;
    await nextTurn();
    const files = await this.#upload(gather, isWanted);
    const progress = files === null ? null : await this.#settled(gather, isWanted);
    if (files === null || progress === null) return;
    this.#committing = true;
    const entry = this.#entry('files', progress, gather.first, files);
    const outcome = await this.#persist(
      () => this.#journal.append(this.#sequence + 1, entry),
      () => !this.#isClosed,
    );
    if (outcome === null) return;
    if (outcome === 'refused') return this.#fenced('another owner wrote to its journal');
    this.#sequence++;
    const newestAt = this.#parts.newestAt();
    const published = await this.#persist(
      () => this.#publish(entry, 'unproven'),
      () => !this.#isClosed,
    );
    if (published === null) return;
    for (const unit of gather.units) unit.acknowledge();
    this.#parts.onPublished(newestAt);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    this.#parts.worker.log.info('rows are in the table', {
      ...{ split: this.split.name, sequence: this.#sequence, rows: gather.rowCount, files: files.length, bytes },
    });
    void this.#journal.prune().catch(() => {});
  }

  /** Null when the gather is not wanted any more. */
  async #upload(gather: Gather, isWanted: () => boolean): Promise<readonly JournalFile[] | null> {
    const { worker, goal } = this.#parts;
    const { split } = this;
    const attempt = `${worker.identity.incarnation}-${worker.identity.slot}-${++this.#attempt}`;
    // Sequences are those of one split of one job: a job that is given another source counts from 1 again.
    const writer = contentHash([worker.goal.id, split.name]).slice(0, 12);
    const name = `${writer}-p${split.partition}-e${split.epoch}-o${gather.first}-s${this.#sequence + 1}.parquet`;
    const files: JournalFile[] = [];
    for (const [folder, file] of gather.files) {
      const rows = file.rowCount;
      const bytes = file.finish();
      gather.files.delete(folder);
      const staged = `${tableKeys.staging(worker.goal.id, split.name)}e${split.epoch}-${attempt}-${files.length}.parquet`;
      const key = `${goal.prefix}${folder === '' ? '' : `${folder}/`}${name}`;
      const stored = await this.#persist(() => worker.warehouse.files.put(staged, bytes), isWanted);
      if (stored === null) return null;
      files.push({ staged, key, folder, rows, bytes: bytes.length });
    }
    return files;
  }

  /** Waits until nobody else has a part in the gather's units (dead letters among them). */
  async #settled(gather: Gather, isWanted: () => boolean): Promise<Progress | null> {
    for (; isWanted(); await wait(waitMs)) {
      const progress = this.split.progressThrough(gather.last!, gather.units);
      if (progress === 'gone') return null;
      if (progress !== 'waiting') return progress;
    }
    return null;
  }

  /**
   * May be done again, by anybody, at any time after the entry. `proven`: it was published before, since the position is past
   * it; what has become of its files in the table is their owner's affair.
   */
  async #publish({ files, first }: JournalEntry, before: 'proven' | 'unproven'): Promise<'published'> {
    const { worker, definition } = this.#parts;
    for (const { staged, key } of files) {
      const outcome = await worker.warehouse.files.copy(staged, key);
      if (outcome === 'missing' && before === 'unproven') await this.#assertThere(key, first);
    }
    const folders = files.map(({ folder }) => folder).filter((folder) => folder !== '');
    await worker.warehouse.catalog.addPartitions(definition, folders);
    for (const { staged } of files) await worker.warehouse.files.remove(staged);
    return 'published';
  }

  /** Where the staged file is gone somebody has been here before, and has left the file in the table; else its rows are lost. */
  async #assertThere(key: string, first: string): Promise<void> {
    if ((await this.#parts.worker.warehouse.files.list(key)).includes(key)) return;
    const advice = `rewind the job to offset ${first} of ${this.split.name} to have its rows written again`;
    throw new PlatformError('table-file-lost', `${key} is neither in the table nor in staging; ${advice}`, {
      ...{ fault: 'external', retry: 'no-retry' },
    });
  }

  /**
   * Before anything is read: finishes what the owner before may have left between its entry and the table, takes the
   * journal's next number so that it can add nothing more, and goes on where the table ends.
   */
  async takeOver(): Promise<void> {
    const { split } = this;
    const isWanted = (): boolean => split.state !== 'leaving' && !this.#isClosed && !this.#isFenced;
    const outcome = await this.#persist(async () => {
      const { entry, sequence } = await this.#journal.head();
      if (entry !== null && entry.epoch > split.epoch && !(await this.#isStillOurs())) {
        this.#fenced(`epoch ${entry.epoch} has taken over`);
        return 'fenced';
      }
      const isAhead = entry !== null && isJournalAhead(known(split.done, split.placement), entry);
      if (entry !== null && entry.kind === 'files') await this.#publish(entry, isAhead ? 'unproven' : 'proven');
      const progress = isAhead ? progressOf(entry) : split.done;
      if (!this.#parts.hooks.maySend()) throw new Error('the lease is over');
      const takeover = this.#entry('takeover', progress, progress.position, []);
      if ((await this.#journal.append(sequence + 1, takeover)) === 'refused')
        throw new Error('another owner wrote to the journal meanwhile');
      this.#sequence = sequence + 1;
      if (progress !== split.done) {
        this.#parts.worker.log.info('the table is further than the position', {
          ...{ split: split.name, position: split.done.position, table: progress.position },
        });
        split.resume(progress);
      }
      return 'taken';
    }, isWanted);
    if (outcome === 'taken') await this.#removeOrphans().catch(() => {});
  }

  /** Uploaded by owners before, and never part of the table. Another may have come after us, whose files may yet become so. */
  async #removeOrphans(): Promise<void> {
    const { worker } = this.#parts;
    const { files } = worker.warehouse;
    const staging = tableKeys.staging(worker.goal.id, this.split.name);
    for (const key of await files.list(staging))
      if (epochOfStaged(key.slice(staging.length)) < this.split.epoch) await files.remove(key);
  }

  /** Epochs may go back where the items were lost and made anew; who owns the split stands in its item. */
  async #isStillOurs(): Promise<boolean> {
    const { identity, splits } = this.#parts.worker;
    const items = await splits.list(identity.job);
    const { name, epoch } = this.split;
    return items.some((item) => item.split === name && item.owner === identity.worker && item.epoch === epoch);
  }

  #fenced(why: string): void {
    this.#isFenced = true;
    this.#parts.hooks.onTrouble(
      'table-fenced',
      `${this.split.name}: ${why}; what was gathered is left to its owner`,
      0,
    );
    this.#parts.hooks.onFenced(this.split);
  }

  #entry(
    kind: JournalEntry['kind'],
    { position, topicId, accounting }: Progress,
    first: number,
    files: readonly JournalFile[],
  ): JournalEntry {
    const { worker } = this.#parts;
    const { name, epoch, placement } = this.split;
    return {
      ...{ formatVersion: 1, kind, split: name, epoch, worker: worker.identity.worker, at: worker.clock.now() },
      ...{ first: String(first), position: String(position), topicId, accounting, placement, files },
    };
  }

  /** Tries again until it is done, silent while the lease is over; null when it is not wanted any more. */
  async #persist<Answer>(act: () => Promise<Answer>, isWanted: () => boolean): Promise<Answer | null> {
    const { monotonicMs } = this.#parts.hooks;
    const begunMs = monotonicMs();
    let failureCount = 0;
    while (isWanted()) {
      if (!this.#parts.hooks.maySend()) {
        await wait(waitMs);
        continue;
      }
      try {
        const answer = await act();
        this.#failureCount = 0;
        return answer;
      } catch (error) {
        this.#failureCount = ++failureCount;
        const code = isPlatformError(error) && error.retry === 'no-retry' ? 'sink-refused' : 'sink-unavailable';
        const pauseMs = backoffMs(failureCount, retry, Math.random());
        this.#parts.hooks.onTrouble(code, `${this.split.name}: ${messageOf(error)}`, monotonicMs() - begunMs, pauseMs);
        await wait(pauseMs, undefined, { ref: false });
      }
    }
    this.#failureCount = 0;
    return null;
  }
}

/** Not a number for what is none of ours. */
const epochOfStaged = (name: string): number => Number(/^e(\d+)-/.exec(name)?.[1] ?? Number.NaN);

const known = ({ position, topicId, accounting }: Progress, placement: number) => ({
  ...{ position: String(position), topicId, accounting, placement },
});

const progressOf = ({ position, topicId, accounting }: JournalEntry): Progress => ({
  ...{ position: Number(position), topicId, accounting },
});
