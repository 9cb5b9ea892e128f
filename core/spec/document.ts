// A declaration as the goal store keeps it: who it is, what was written, and its complete meaning.
import type { RouteSpec } from '#core/spec/route-spec.ts';
import type { StreamSpec } from '#core/spec/stream-spec.ts';

export const apiVersion = 'millrace/v1';
export type Kind = 'Stream' | 'Route';

export interface Metadata {
  readonly name: string;
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** JSON that a person wrote: kept as written, so that diffs show their words and defaults can improve under it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

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

/** What is wrong with a declaration, in words its author can act on. */
export interface SpecProblem {
  /** Where, as in the file: `spec.to[0].stream`. */
  readonly path: string;
  /** What was got and what was expected. */
  readonly message: string;
  /** What to do. */
  readonly fix?: string;
  /** For problems inside an expression, 1-based, within the expression's text. */
  readonly line?: number;
  readonly column?: number;
}
