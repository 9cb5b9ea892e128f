// Fetches a worker's splits from their leaders: one loop a broker, the next fetch under way while the current one is worked on.
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { backoffMs } from '#core/time/backoff.ts';
import type { Split } from '../split.ts';
import { encodeFetch, type FetchedPartition, type FetchResponse, fetchApi, parseFetch } from './apis.ts';
import type { Cluster } from './cluster.ts';
import { errorCodes, errorName } from './error-codes.ts';
import { ReceiveBuffers } from './receive-buffers.ts';
import { CorruptBatch, offsetAfter } from './record-reader.ts';

export interface SourceHooks {
  /** Null when there is room for more output; else resolves when there may be. */
  readonly room: () => Promise<void> | null;
  /** Works on fetched records, at once; gives the offset from which to work on after a wait for room, or `allWorked`. */
  readonly work: (split: Split, fetched: FetchedPartition, fetchOffset: number) => number;
  /** After each answer's records were worked on. */
  readonly worked: () => void;
  /** The split cannot be read on as it stands: its position or its topic is not what it was. The split is held until this is done. */
  readonly unreadable: (split: Split, errorCode: number) => Promise<void>;
  readonly onTrouble: (code: string, message: string) => void;
  readonly mayRead: () => boolean;
}

export interface SourceOptions {
  readonly topic: string;
  readonly fetchWaitMs: number;
  readonly fetchBytesMax: number;
}

interface Asked {
  readonly splits: readonly { readonly split: Split; readonly offset: number; readonly generation: number }[];
  readonly answer: Promise<FetchResponse>;
}

interface Fetched {
  readonly split: Split;
  readonly partition: FetchedPartition;
  readonly offset: number;
  readonly generation: number;
}

const retry = { minMs: 50, maxMs: 1_000 };
const heldUpMs = 2_000;
/** An answer may be larger than was asked for, by the first batch of a partition. */
const receiveBytesMax = 16 * 1024 * 1024;
/** Longer than producers keep transactions open as a rule. */
const openTransactionMs = 60_000;
/** How often splits without a known leader are looked after. */
const leaderlessMs = 250;

export class Source {
  readonly #cluster: Cluster;
  readonly #options: SourceOptions;
  readonly #hooks: SourceHooks;
  readonly #splits = new Map<string, Split>();
  readonly #loops = new Map<number, Promise<void>>();
  /**
   * Splits with records that are accepted and not worked on yet, and the broker whose loop has them: when the leader changes,
   * the other broker's loop must not overtake it.
   */
  readonly #inHand = new Map<Split, number>();
  #failureCount = 0;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(cluster: Cluster, options: SourceOptions, hooks: SourceHooks) {
    this.#cluster = cluster;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** True while some broker cannot be read from. */
  get isUnreachable(): boolean {
    return this.#failureCount > 0;
  }

  add(split: Split): void {
    this.#splits.set(split.name, split);
    this.#startLoops();
    this.#timer ??= setInterval(() => this.#lookAfterLeaderless(), leaderlessMs);
  }

  /** What was fetched of it and is not worked on yet is passed over. */
  remove(split: Split): void {
    split.generation++;
    this.#splits.delete(split.name);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearInterval(this.#timer);
    await Promise.race([
      Promise.all(this.#loops.values()),
      wait(this.#options.fetchWaitMs + 1_000, undefined, { ref: false }),
    ]);
  }

  #startLoops(): void {
    const info = this.#cluster.topic(this.#options.topic);
    for (const { partition } of this.#splits.values()) {
      const leader = info?.leaders[partition] ?? -1;
      if (leader < 0 || this.#loops.has(leader) || this.#closed) continue;
      this.#loops.set(
        leader,
        this.#loop(leader).finally(() => this.#loops.delete(leader)),
      );
    }
  }

  #lookAfterLeaderless(): void {
    const info = this.#cluster.topic(this.#options.topic);
    const isLeaderless = [...this.#splits.values()].some(({ partition }) => (info?.leaders[partition] ?? -1) < 0);
    if (isLeaderless) {
      void this.#cluster.refresh().then(
        () => this.#startLoops(),
        (error: unknown) => this.#hooks.onTrouble('source-unavailable', messageOf(error)),
      );
    } else this.#startLoops();
  }

  /** Ends when none of the splits is led by the broker any more. */
  async #loop(leader: number): Promise<void> {
    const buffers = new ReceiveBuffers(receiveBytesMax);
    let asked: Asked | null = null;
    let idleTurns = 0;
    while (!this.#closed && idleTurns < 4) {
      asked ??= this.#ask(leader, buffers);
      if (asked === null) {
        idleTurns = this.#isLed(leader) ? 0 : idleTurns + 1;
        await wait(20);
        continue;
      }
      idleTurns = 0;
      const current: Asked = asked;
      asked = null;
      const fetched = await this.#await(current);
      if (fetched === null) continue;
      const wanted = this.#accept(leader, current, fetched);
      const paused = this.#pause(leader, fetched.throttleMs);
      if (paused === null && this.#hooks.room() === null) asked = this.#ask(leader, buffers);
      for (const each of wanted) await this.#work(each).finally(() => this.#inHand.delete(each.split));
      this.#hooks.worked();
      await paused;
    }
  }

  /** While a broker holds us to its quota it reads nothing of ours: a request sent now would only seem to be unanswered. */
  #pause(leader: number, throttleMs: number): Promise<void> | null {
    if (throttleMs <= 0) return null;
    this.#hooks.onTrouble(
      'source-throttled',
      `node ${leader} asks for a pause of ${throttleMs} ms: a quota is used up`,
    );
    return wait(Math.min(throttleMs, limits.throttleMsMax));
  }

  /**
   * What is left of a set that is held up for long is fetched again: the split's end must be asked for now and then. So is what may
   * not be worked on: the fetch offset is behind it, and what is read next must not seem to follow on what was done.
   */
  async #work({ split, partition, offset, generation }: Fetched): Promise<void> {
    const startedMs = performance.now();
    for (let at = offset; at >= 0; ) {
      for (let room = this.#hooks.room(); room !== null; room = this.#hooks.room()) await room;
      if (split.generation !== generation || this.#closed) return;
      if (!this.#hooks.mayRead()) return split.readAgainFrom(at);
      at = this.#hooks.work(split, partition, at);
      if (at >= 0) this.#hooks.worked();
      if (at >= 0 && performance.now() - startedMs > heldUpMs) return split.readAgainFrom(at);
      await nextTurn();
    }
  }

  #isLed(leader: number): boolean {
    const info = this.#cluster.topic(this.#options.topic);
    return [...this.#splits.values()].some(({ partition }) => info?.leaders[partition] === leader);
  }

  #ask(leader: number, buffers: ReceiveBuffers): Asked | null {
    const link = this.#cluster.link(leader, 'fetch');
    const info = this.#cluster.topic(this.#options.topic);
    if (link === null || info === undefined || !this.#hooks.mayRead()) return null;
    const splits = [...this.#splits.values()]
      .filter((split) => split.isReadable && info.leaders[split.partition] === leader && this.#isFree(split, leader))
      .map((split) => ({ split, offset: split.fetchOffset, generation: split.generation }));
    // One request is about one topic id. After a topic was made anew, splits of the old id go first: asked after those of
    // the new one they would never have their turn, and only the answer to an old id makes a split follow to the new.
    const first = splits.find(({ split }) => split.topicId !== info.topicId) ?? splits[0];
    if (first === undefined) return null;
    const ofOneTopic = splits.filter(({ split }) => split.topicId === first.split.topicId);
    const { fetchWaitMs, fetchBytesMax } = this.#options;
    const perPartition = Math.min(limits.fetchPartitionBytesMax, fetchBytesMax);
    const request = encodeFetch({
      topicId: first.split.topicId,
      waitMs: fetchWaitMs,
      bytesMax: fetchBytesMax,
      partitions: rotate(ofOneTopic).map(({ split, offset }) => ({
        partition: split.partition,
        offset,
        bytesMax: perPartition,
      })),
    });
    const answer = link.request(fetchApi, [request], parseFetch, buffers.gather);
    answer.catch(() => {});
    return { splits: ofOneTopic, answer };
  }

  #isFree(split: Split, leader: number): boolean {
    return (this.#inHand.get(split) ?? leader) === leader;
  }

  async #await(asked: Asked): Promise<FetchResponse | null> {
    try {
      const answer = await asked.answer;
      if (answer.errorCode !== errorCodes.none) throw new Error(errorName(answer.errorCode));
      this.#failureCount = 0;
      return answer;
    } catch (error) {
      if (this.#closed) return null;
      this.#failureCount++;
      this.#hooks.onTrouble('source-unavailable', messageOf(error));
      await wait(backoffMs(this.#failureCount, retry, Math.random()));
      await this.#cluster.refresh().catch(() => {});
      return null;
    }
  }

  /**
   * Moves the splits' fetch offsets on, so that the next fetch can go out; deals with errors. What another loop has accepted since
   * it was asked for, the split's leader having changed, is passed over.
   */
  #accept(leader: number, asked: Asked, { partitions }: FetchResponse): Fetched[] {
    const wanted: Fetched[] = [];
    const byPartition = new Map(asked.splits.map((each) => [each.split.partition, each]));
    for (const partition of partitions) {
      const each = byPartition.get(partition.partition);
      if (each === undefined || each.split.generation !== each.generation) continue;
      const { split, offset, generation } = each;
      if (split.fetchOffset !== offset || !this.#isFree(split, leader)) continue;
      if (partition.errorCode !== errorCodes.none) this.#hold(split, partition.errorCode);
      else {
        split.noteEnd(partition.lastStableOffset, partition.highWatermark);
        this.#mindTransactions(split, partition);
        if (isCutBefore(split, partition)) {
          this.#hold(split, errorCodes.offsetOutOfRange);
          continue;
        }
        if (partition.records.length === 0) continue;
        const next = offsetBehind(partition, offset);
        if (next === null) this.#hold(split, errorCodes.corruptMessage);
        else {
          split.fetchOffset = next;
          this.#inHand.set(split, leader);
          wanted.push({ split, partition, offset, generation });
        }
      }
    }
    return wanted;
  }

  /** A transaction that nobody ends keeps back all that was written after it began: that must not look like a quiet source. */
  #mindTransactions(split: Split, { lastStableOffset, highWatermark }: FetchedPartition): void {
    if (split.heldMs < openTransactionMs) return;
    this.#hooks.onTrouble(
      'source-held',
      `${split.name}: ${highWatermark - lastStableOffset} offsets from ${lastStableOffset} on wait behind a transaction that has been open for ` +
        `${Math.round(split.heldMs / 1_000)} s or more. Whoever writes it has to end it (kafka-transactions.sh find-hanging, abort)`,
    );
  }

  #hold(split: Split, errorCode: number): void {
    split.state = 'holding';
    const done = async (): Promise<void> => {
      await this.#cluster.refresh().catch(() => {});
      await this.#hooks.unreadable(split, errorCode);
    };
    done()
      .catch((error: unknown) => this.#hooks.onTrouble('source-unavailable', messageOf(error)))
      .then(() => wait(retry.minMs))
      .finally(() => {
        if (split.state === 'holding') split.state = 'reading';
      })
      .catch(() => {});
  }
}

/**
 * Below what is known, reading succeeds although the position may not be there any more: what is written there anew would pass for
 * done with. A leader that is new may tell less than there is for a moment, so this is looked into and not believed.
 */
const isCutBefore = (split: Split, { highWatermark }: FetchedPartition): boolean =>
  split.fetchOffset < split.knownUntil && highWatermark < split.knownUntil;

/** Where to read on; null where the answer cannot be what the partition holds: what the checksums do not cover is damaged. */
function offsetBehind({ records, highWatermark }: FetchedPartition, offset: number): number | null {
  try {
    const next = offsetAfter(records, offset);
    return next <= highWatermark ? next : null;
  } catch (error) {
    if (error instanceof CorruptBatch) return null;
    throw error;
  }
}

let turn = 0;

/** Another partition first each time: a broker fills its answer in the order asked, and the last would starve. */
function rotate<Item>(items: readonly Item[]): Item[] {
  const from = turn++ % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}
