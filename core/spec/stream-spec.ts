// What a declared stream means: the complete form, every default filled in.
import type { RowType } from '#core/expression/types.ts';
import type { StreamFormat } from '#core/spec/stream-format.ts';

/**
 * backward: events that are in the stream fit the new schema. forward: events that producers write by the new schema fit the
 * old one, which readers elsewhere may still go by. full: both. none: nothing is asked.
 */
export const compatibilities = ['backward', 'forward', 'full', 'none'] as const;
export type Compatibility = (typeof compatibilities)[number];

export interface StreamSchema {
  readonly row: RowType;
  /** What a route does with an event that does not fit: set it aside, or read the misfit field as an error only where used. */
  readonly onInvalid: 'accept' | 'dead-letter';
  /** What a change of the schema must keep. */
  readonly compatibility: Compatibility;
}

/** Whose having an event is its acknowledgement: that of all in-sync replicas, or the leader's alone. */
export type Durability = 'durable' | 'available';

export interface StreamSpec {
  readonly description: string;
  readonly partitions: number;
  readonly retentionMs: number;
  /** Null: events are JSON as they stand. */
  readonly format: StreamFormat | null;
  readonly durability: Durability;
  /** Null: fields take their types from the JSON values. */
  readonly schema: StreamSchema | null;
  /** The field that says when the event happened; freshness is measured by it. */
  readonly eventTime: string | null;
  /** The field whose value is the record's key when produced through the API. */
  readonly key: string | null;
}
