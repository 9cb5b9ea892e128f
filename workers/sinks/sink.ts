// The port of a sink: what the data path asks of whatever a job writes to, and what a sink may ask back.
import type { ErrorClass } from '#core/job/error-class.ts';
import type { RecordErrorAction } from '#core/spec/error-policy.ts';
import type { Slice } from '../kafka/output-batch.ts';
import type { Origin } from '../replay-gate.ts';
import type { Split, Unit } from '../split.ts';

/** A record at its place in the source; key, value and headers are those of whoever holds it: the original's or the output's. */
export interface RecordView {
  readonly split: Split;
  readonly offset: number;
  /** Epoch ms. */
  readonly timestamp: number;
  readonly key: Slice;
  readonly value: Slice;
  readonly headers: Slice;
  /** Of an output made of an element of a list: which; empty or absent where nothing was exploded. */
  readonly element?: string;
  /** Of a dead letter that is replayed: where its record stood before. */
  readonly origin?: Origin;
}

/** The source's record behind an output, for a sink that may have to give it back. */
export interface Original {
  /** A copy that outlives the call, the same for all outputs of a record; its bytes count, once, in what the sink holds. */
  keep(): RecordView;
}

/** Why a record is not written. By a sink, `schema`: it does not fit what the sink's stream declares; `poison`: nor could it ever. */
export interface Refusal {
  readonly errorClass: ErrorClass;
  readonly code: string;
  readonly message: string;
}

/**
 * Guarantees asked of every sink: a unit is acknowledged only when what it attached is durable; what is taken is either
 * written, set aside, or forgotten by `startOver` or `forget`; what is held is bounded, which `room` says.
 */
export interface Sink {
  /** Finds what is written to; throws while it cannot, and is asked again later. Until then nothing is read. */
  open(): Promise<void>;
  /**
   * Takes a record, or says why it never will. Never waits: ask `room` before. The record's slices are valid during the call
   * only. Whatever holds it attaches to `unit` and acknowledges when it is durable.
   */
  take(record: RecordView, unit: Unit, original: Original): Refusal | null;
  /**
   * Whether `take` would refuse the record. Asked of each event of a record that became several, before the first of them is
   * taken, so that they take effect all or none. Absent where a part that is written again by its id does no harm.
   */
  check?(record: RecordView): Refusal | null;
  /** Whether there is room for more; asked often, so nothing may come of it. */
  readonly hasRoom: boolean;
  /** Null when there is room for more; else makes some, and resolves when there may be. */
  room(): Promise<void> | null;
  /** What was fetched has been worked on: little traffic may be passed on at once. */
  nudge(): void;
  /** Sends all that is held: a split leaves, or the worker drains. */
  flush(): void;
  /**
   * Forgets all that is not acknowledged; it is read and routed again. What was sent may still arrive, as a duplicate. A sink
   * that cannot forget just now, since a commit is under way, says when to ask again; null: it is done.
   */
  startOver(): Promise<void> | null;
  /**
   * The split is not ours any more, and its next owner may be further: what is held of it is not sent later, over what is newer.
   * What is under way may still arrive. Absent where nothing is held.
   */
  forget?(split: Split): void;
  close(): Promise<void>;
  /** True while the sink is the reason that nothing moves. */
  readonly isRefused: boolean;
  /** Before a split is read: what a sink that keeps a journal of its own has to find out. Ends when the split may be read. */
  adopt?(split: Split): Promise<void>;
  /** Of a sink that gathers records before it writes them. */
  readonly gathering?: Gathering | null;
  /** Event time of the newest record that can be read at the sink, where that is long after it was taken. */
  readonly durableAt?: number | null;
}

/** Taken, and not yet to be seen at the sink; when the oldest was taken, and when it is written at the latest (epoch ms). */
export interface Gathering {
  readonly records: number;
  readonly bytes: number;
  readonly oldestAt: number;
  readonly dueAt: number;
}

export interface SinkHooks {
  /** Nothing is sent while this is false: a worker that lost its lease falls silent. */
  readonly maySend: () => boolean;
  /** Something failed and will be tried again after `pauseMs`; `failingForMs`: since the sink last took something of the kind. */
  readonly onTrouble: (code: string, message: string, failingForMs: number, pauseMs?: number) => void;
  /** Whether what failed is to be tried again after so long, by the route's policy; `stop`: it is, and nothing more is read. */
  readonly judge: (code: string, failingForMs: number) => 'retry' | RecordErrorAction;
  /** What is held cannot be delivered as it was written: everything not acknowledged is read and routed again. */
  readonly onReplay: (reason: string) => void;
  /**
   * A record that was taken turned out to be unwritable: by the route's policy the original becomes a dead letter, is
   * dropped and counted, or stops its split. The sink acknowledges the unit for it afterwards, as for a written one.
   */
  readonly setAside: (original: RecordView, unit: Unit, refusal: Refusal) => void;
  /** Another worker owns the split. */
  readonly onFenced: (split: Split) => void;
  readonly monotonicMs: () => number;
}
