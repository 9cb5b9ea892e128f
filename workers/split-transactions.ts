// Exactly-once (D4): a transactional producer for each split; its transactions hold output, dead letters, position and account.
import { setTimeout as wait } from 'node:timers/promises';
import { newerProgress, readNote, writeNote } from '#core/checkpoint/transaction-note.ts';
import { messageOf } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { transactionalId, transactionGroup } from '#core/names.ts';
import { backoffMs } from '#core/time/backoff.ts';
import type { TransactionalOutlet } from './kafka/outlet.ts';
import type { Slice } from './kafka/output-batch.ts';
import { Producer } from './kafka/producer.ts';
import { followTopic, openTopic, type TopicWriter } from './kafka/topic-writer.ts';
import { type CommittedOffset, TransactionalSession } from './kafka/transactional-session.ts';
import type { Lease } from './lease.ts';
import type { WorkerParts } from './parts.ts';
import type { Progress, Split, Unit } from './split.ts';

const retry = { minMs: 50, maxMs: 1_000 };
/** A transaction that is open for longer is aborted by its coordinator: readers of the sink wait for it no longer than this. */
const timeoutMs = 30_000;
/** Splits that are not settled by then are left for the next time, so that one that is refused does not hold up the others. */
const settleMs = 1_000;

interface Member {
  readonly split: Split;
  readonly producer: Producer;
  readonly session: TransactionalSession;
  /** By the topic's name, as this producer sees it. */
  readonly writers: Map<string, TopicWriter>;
  /** Of what was sent, already in committed transactions. */
  committedBytes: number;
  isRecovering: boolean;
  isGone: boolean;
}

export interface SplitTransactionsParts {
  readonly worker: WorkerParts;
  /** All that is written to. */
  readonly topics: readonly string[];
  readonly lease: Lease;
  readonly onTrouble: (code: string, message: string, failingForMs: number) => void;
  /** Another worker owns the split. */
  readonly onLost: (split: Split) => void;
}

/**
 * One transactional id a split. Whoever takes a split takes its id: that ends what an older owner left open and shuts it out,
 * wherever it runs and whatever it believes; only then the committed position is read. So no two owners can both commit, and
 * nothing depends on clocks or on the table of splits, which follows the transactions. Whatever happens to a transaction,
 * the way on is the same: take the id anew, and go on from what is committed.
 */
export class SplitTransactions implements TransactionalOutlet {
  readonly #parts: SplitTransactionsParts;
  readonly #members = new Map<Split, Member>();
  /** For whoever asks for partitions and sizes; each member writes by writers of its own. */
  readonly #topics = new Map<string, TopicWriter>();
  #committing: Promise<void> = Promise.resolve();
  /** Closed while a transaction's last records are on their way: nothing more is worked on meanwhile. */
  #gate: PromiseWithResolvers<void> | null = null;
  #isCommitting = false;

  constructor(parts: SplitTransactionsParts) {
    this.#parts = parts;
  }

  get isRefused(): boolean {
    for (const { split, producer } of this.#members.values()) if (split.isOpening || producer.isRefused) return true;
    return false;
  }

  async prepare(topic: string): Promise<TopicWriter> {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const writer = await openTopic(this.#parts.worker.cluster, topic);
    this.#topics.set(topic, writer);
    return writer;
  }

  append(
    { topic }: TopicWriter,
    partition: number,
    timestamp: number,
    key: Slice,
    value: Slice,
    headers: Slice,
    unit: Unit,
  ): boolean {
    const { producer, writers } = this.#members.get(unit.split)!;
    return producer.append(writers.get(topic)!, partition, timestamp, key, value, headers, unit);
  }

  fits({ topic }: TopicWriter, timestamp: number, key: Slice, value: Slice, headers: Slice, split: Split): boolean {
    const { producer, writers } = this.#members.get(split)!;
    return producer.fits(writers.get(topic)!, timestamp, key, value, headers);
  }

  room(): Promise<void> | null {
    if (this.#gate !== null) return this.#gate.promise;
    for (const writer of this.#topics.values()) followTopic(writer, this.#parts.worker.cluster);
    let openBytes = 0;
    let fullest: Producer | null = null;
    for (const { producer, committedBytes } of this.#members.values()) {
      openBytes += producer.sentBytes - committedBytes;
      if (producer.pendingBytes > (fullest?.pendingBytes ?? 0)) fullest = producer;
    }
    if (openBytes > limits.transactionBytesMax) void this.commitAll();
    if (this.hasRoom || fullest === null) return null;
    this.flush();
    return fullest.released();
  }

  get hasRoom(): boolean {
    if (this.#gate !== null) return false;
    let pendingBytes = 0;
    for (const { producer } of this.#members.values()) pendingBytes += producer.pendingBytes;
    return pendingBytes < limits.producePendingBytesMax;
  }

  nudge(): void {
    for (const { producer } of this.#members.values()) producer.nudge();
  }

  flush(): void {
    for (const { producer } of this.#members.values()) producer.flush();
  }

  async startOver(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => this.#recover(member, 'asked to start over')));
  }

  close(): void {
    for (const split of [...this.#members.keys()]) this.leave(split);
  }

  join(split: Split): void {
    split.isOpening = true;
    const member = this.#createMember(split);
    this.#members.set(split, member);
    void this.#open(member);
  }

  leave(split: Split): void {
    const member = this.#members.get(split);
    if (member === undefined) return;
    member.isGone = true;
    member.producer.close();
    this.#members.delete(split);
  }

  /** Of all splits; not while such a commit is under way. */
  async commitAll(): Promise<void> {
    if (this.#isCommitting) return;
    this.#isCommitting = true;
    await this.commit([...this.#members.keys()]);
    this.#isCommitting = false;
  }

  /** One after the other: a split that leaves waits for the commit that is under way. */
  async commit(splits: readonly Split[]): Promise<void> {
    this.#committing = this.#committing.then(() => this.#commit(splits));
    await this.#committing;
  }

  async #commit(splits: readonly Split[]): Promise<void> {
    if (!this.#parts.lease.isHeld) return;
    const members = splits
      .map((split) => this.#members.get(split))
      .filter((member) => member !== undefined && hasWork(member)) as Member[];
    if (members.length === 0) return;
    this.#gate = Promise.withResolvers();
    for (const { producer } of members) producer.flush();
    await settledWithin(members, settleMs);
    // From here on, what is written waits for the next transaction, so reading goes on at once.
    const endings = members.filter(isReady).map((member) => this.#end(member));
    this.#gate.resolve();
    this.#gate = null;
    await Promise.all(endings);
  }

  async #end(member: Member): Promise<void> {
    const { split, session, producer } = member;
    const { done, epoch, placement: placed } = split;
    const { topicId, accounting } = done;
    member.committedBytes = producer.sentBytes;
    const note = writeNote({ job: this.#parts.worker.goal.id, epoch, topicId, accounting, placed });
    if (await session.commit(done.position, note)) split.noteTransacted(done);
    else void this.#recover(member, 'a transaction could not be ended');
  }

  #createMember(split: Split): Member {
    const { worker, lease, onTrouble } = this.#parts;
    const { goal, cluster, clock } = worker;
    const options = {
      transactionalId: transactionalId(goal.id, split.name),
      group: transactionGroup(goal.id),
      topic: split.topic,
      partition: split.partition,
      timeoutMs,
      retry,
      resume: (committed: CommittedOffset | null) => this.#resume(member, committed),
    };
    const sessions: TransactionalSession[] = [];
    const producer = new Producer(cluster, {
      compression: goal.settings.compression,
      get lingerMs() {
        return goal.settings.lingerMs;
      },
      pendingBytesMax: limits.producePendingBytesMax,
      monotonicMs: () => clock.monotonicMs(),
      maySend: () => lease.isHeld,
      onTrouble,
      onReplay: (reason) => void this.#recover(member, reason),
      session: (hooks) => {
        sessions.push(new TransactionalSession(cluster, options, hooks));
        return sessions[0]!;
      },
    });
    const writers = new Map<string, TopicWriter>();
    const state = { committedBytes: 0, isRecovering: false, isGone: false };
    const member: Member = { split, producer, session: sessions[0]!, writers, ...state };
    return member;
  }

  /** However long it takes. */
  async #open(member: Member): Promise<void> {
    const { split, producer, writers } = member;
    const { clock } = this.#parts.worker;
    const begunMs = clock.monotonicMs();
    for (let failureCount = 1; !member.isGone; failureCount++) {
      try {
        for (const topic of this.#parts.topics) writers.set(topic, await producer.prepare(topic));
        if (!member.isGone) split.isOpening = false;
        return;
      } catch (error) {
        this.#parts.onTrouble('sink-unavailable', messageOf(error), clock.monotonicMs() - begunMs);
        await wait(backoffMs(failureCount, retry, Math.random()));
      }
    }
  }

  /** Whether a transaction was committed, aborted or lost on the way: what the cluster says then is how it is. */
  async #recover(member: Member, reason: string): Promise<void> {
    const { split, producer } = member;
    if (member.isRecovering || member.isGone) return;
    member.isRecovering = true;
    split.isOpening = true;
    split.generation++;
    this.#parts.onTrouble('replay', `${split.name}: ${reason}; it is read again from what is committed`, 0);
    await producer.startOver();
    member.isRecovering = false;
    if (!member.isGone) split.isOpening = false;
  }

  /** The owner of the split may have changed before we took the id: the table says so, as the claim came before. */
  async #resume(member: Member, committed: CommittedOffset | null): Promise<'ours' | 'lost'> {
    const { worker, onLost } = this.#parts;
    const { split, producer } = member;
    if (member.isGone) return 'lost';
    const { position, topicId, accounting } = split.durable;
    const held = { split: split.name, worker: worker.identity.worker, epoch: split.epoch };
    const outcome = await worker.splits.commit(worker.identity.job, held, {
      position: String(position),
      topicId,
      accounting,
    });
    if (outcome === 'fenced') {
      onLost(split);
      return 'lost';
    }
    member.committedBytes = producer.sentBytes;
    split.resumeAt(this.#newest(split, committed));
    return 'ours';
  }

  #newest(split: Split, committed: CommittedOffset | null): Progress {
    const { goal, cluster } = this.#parts.worker;
    const known = split.durable;
    const note = committed === null ? null : readNote(committed.metadata, goal.id);
    if (committed === null || note === null) return known;
    const { topicId, accounting } = note;
    const found = { position: committed.offset, topicId, accounting };
    const topicIdNow = cluster.topic(split.topic)?.topicId ?? null;
    const newer = newerProgress({ ...known, placed: split.placement }, { ...found, placed: note.placed }, topicIdNow);
    return newer === 'item' ? known : found;
  }
}

const hasWork = ({ split, isRecovering }: Member): boolean =>
  !split.isOpening && !isRecovering && (split.done !== split.durable || !split.isSettled);

/** All that was written of the split is acknowledged, and nothing more is on its way. */
const isReady = ({ split, producer, isRecovering, isGone }: Member): boolean =>
  !isRecovering && !isGone && split.isSettled && producer.isIdle && split.done !== split.durable;

async function settledWithin(members: readonly Member[], withinMs: number): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, withinMs);
  await Promise.race([Promise.all(members.map(({ split }) => split.settled())), over.promise]);
  clearTimeout(timer);
}
