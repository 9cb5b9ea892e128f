// A declaration as the goal store keeps it: who it is, what was written, and its complete meaning.
import type { Json } from '#core/spec/json.ts';
import type { RouteSpec } from '#core/spec/route-spec.ts';
import type { StreamSpec } from '#core/spec/stream-spec.ts';

export const apiVersion = 'millrace/v1';
export type Kind = 'Stream' | 'Route';

export interface Metadata {
  readonly name: string;
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface DocumentOf<K extends Kind, Spec> {
  readonly kind: K;
  readonly metadata: Metadata;
  /** `spec` as declared, without defaults. */
  readonly declared: Json;
  readonly spec: Spec;
}
export type StreamDocument = DocumentOf<'Stream', StreamSpec>;
export type RouteDocument = DocumentOf<'Route', RouteSpec>;
export type Document = StreamDocument | RouteDocument;
