// What a worker is told of its sink: compiled from the declaration, with every name spelled out.
import type { RouteProgram } from '#core/expression/index.ts';
import type { RowType } from '#core/expression/types.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import type { SinkAuthSpec } from '#core/spec/sinks/auth.ts';
import type { BatchSpec } from '#core/spec/sinks/batch.ts';
import type { HttpSink } from '#core/spec/sinks/http.ts';
import type { PartitionColumn } from '#core/warehouse/partition.ts';
import type { TableColumn } from '#core/warehouse/table-columns.ts';

interface SinkGoalShape {
  /** Whether the program gives a key with each record. */
  readonly keyed: boolean;
}

export interface StreamSinkGoal extends SinkGoalShape {
  readonly kind: 'stream';
  readonly stream: string;
  readonly topic: string;
  /** Absent: events are written in JSON as they come. */
  readonly format?: FormatGoal;
  /** Absent: all in-sync replicas. */
  readonly acks?: 'leader';
}

/** What is written to over HTTP. */
interface RemoteSinkGoal extends SinkGoalShape {
  readonly url: string;
  /** Opened by the platform beside the public internet. */
  readonly networks: readonly string[];
  readonly batch: BatchSpec;
  /** A secret by its name; the worker reads it. */
  readonly auth: SinkAuthSpec | null;
}

export interface OpenSearchSinkGoal extends RemoteSinkGoal {
  readonly kind: 'opensearch';
  /** The pattern of its index's name. */
  readonly index: string;
  /** Over the output: the time that the index is named after, as the one column `at`; null where the name has no date. */
  readonly indexTime: RouteProgram | null;
}

export interface HttpSinkGoal extends RemoteSinkGoal, Pick<HttpSink, 'method' | 'format' | 'envelope' | 'headers'> {
  readonly kind: 'http';
  /** Goals of older platforms do not say: none. */
  readonly compression?: HttpSink['compression'];
  readonly timeoutMs: number;
}

export interface WarehouseSinkGoal extends SinkGoalShape {
  readonly kind: 'warehouse';
  readonly table: string;
  /** Key prefix of the table's files. */
  readonly prefix: string;
  /** What the program writes, by which its rows are read. */
  readonly row: RowType;
  /** The row's columns as the table has them, those that name folders only included. */
  readonly columns: readonly TableColumn[];
  readonly partitions: readonly PartitionColumn[];
  readonly roll: { readonly bytes: number; readonly everyMs: number };
  readonly compression: 'zstd' | 'snappy';
}

export type SinkGoal = StreamSinkGoal | OpenSearchSinkGoal | HttpSinkGoal | WarehouseSinkGoal;

/** What a sink's title is made of: a goal has it, and a declaration that is complete. */
type TitledSink =
  | Pick<StreamSinkGoal, 'kind' | 'stream'>
  | Pick<OpenSearchSinkGoal, 'kind' | 'url' | 'index'>
  | Pick<HttpSinkGoal, 'kind' | 'url'>
  | Pick<WarehouseSinkGoal, 'kind' | 'table'>;

/** The sink as people call it, for lists. */
export function sinkTitle(sink: TitledSink): string {
  switch (sink.kind) {
    case 'stream':
      return sink.stream;
    case 'opensearch':
      return `opensearch ${new URL(sink.url).host}/${sink.index}`;
    case 'http':
      return `http ${sink.url}`;
    case 'warehouse':
      return `table ${sink.table}`;
  }
}

/** The managed stream that the sink is, or null. */
export const sinkStream = (sink: SinkGoal): string | null => (sink.kind === 'stream' ? sink.stream : null);
