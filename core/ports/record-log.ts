// The port to records for people: what `produce`, `tail` and `try` use. Workers have a path of their own.
import type { Durability } from '#core/spec/stream-spec.ts';

export interface LogRecord {
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly name: string; readonly value: Uint8Array | null }[];
}

export type AppendOutcome =
  | { readonly kind: 'appended'; readonly partition: number; readonly offset: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

export interface ReadRequest {
  readonly topic: string;
  /** `newest`: so many of each partition, as far as it holds them. `offsets`: by partition; of others nothing. */
  readonly from:
    | 'earliest'
    | 'latest'
    | { readonly time: number }
    | { readonly newest: number }
    | { readonly offsets: Readonly<Record<number, string>> };
  /** Ends the reading: an aborted signal, or, with `follow` false, the ends of the partitions as they were at the start. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export interface RecordLog {
  /**
   * One outcome a record, in order; a record that is refused does not hold up the others. Acknowledged by all in-sync
   * replicas, or for `available` by the leader alone.
   */
  append(
    topic: string,
    records: readonly { readonly key: Uint8Array | null; readonly value: Uint8Array | null }[],
    durability?: Durability,
  ): Promise<readonly AppendOutcome[]>;
  /**
   * In order within a partition. Throws `topic-missing` (fault user) when there is no such topic, `records-unreadable` (fault user)
   * by partition and offset where what is there cannot be read, or is more than is ever unpacked.
   */
  read(request: ReadRequest): AsyncIterable<LogRecord>;
  close(): Promise<void>;
}
