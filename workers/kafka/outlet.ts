// What topics are written through: one producer for all splits, or a transaction for each.
import type { Split, Unit } from '../split.ts';
import type { Acks } from './apis.ts';
import type { Slice } from './output-batch.ts';
import type { TopicWriter } from './topic-writer.ts';

export interface Outlet {
  /** True while the cluster is the reason that nothing moves. */
  readonly isRefused: boolean;
  /** Finds a topic to write to; throws while it cannot. */
  prepare(topic: string, acks?: Acks): Promise<TopicWriter>;
  /** Takes a record, or refuses it as larger than the topic takes. Never waits: ask `room` before. */
  append(
    writer: TopicWriter,
    partition: number,
    timestamp: number,
    key: Slice,
    value: Slice,
    headers: Slice,
    unit: Unit,
  ): boolean;
  /** Whether `append` would take it. */
  fits(writer: TopicWriter, timestamp: number, key: Slice, value: Slice, headers: Slice, split: Split): boolean;
  /** Asked often, so nothing may come of it. */
  readonly hasRoom: boolean;
  /** Null when there is room for more; else resolves when there may be. */
  room(): Promise<void> | null;
  nudge(): void;
  flush(): void;
  /** Forgets all that does not count yet; it is read and routed again. */
  startOver(): Promise<void>;
  close(): void;
}

/** An outlet through which output and position take effect together. */
export interface TransactionalOutlet extends Outlet {
  /** The split is not read until its transactions are open. */
  join(split: Split): void;
  /** Commits what was acknowledged, with the positions: of all splits, unless that is under way; or of some. */
  commitAll(): Promise<void>;
  commit(splits: readonly Split[]): Promise<void>;
  leave(split: Split): void;
}
