// The port to idempotency keys of requests whose effect lies outside the goal store.
import type { Json } from '#core/spec/json.ts';

export type BegunRequest =
  | { readonly kind: 'begun' }
  | { readonly kind: 'answered'; readonly answer: Json }
  /** Another request under the same key. */
  | { readonly kind: 'key-reused' }
  /** The same request is being carried out elsewhere, or was cut off a moment ago. */
  | { readonly kind: 'running' };

/**
 * Of requests that race with one key one begins. Between the effect and `answer` a crash leaves the request unanswered, as
 * does a store that is gone for longer than `answer` is tried: it may then be carried out once more, a minute later. Keys
 * are kept for a day.
 */
export interface RequestLedger {
  begin(tenant: string, key: string, fingerprint: string): Promise<BegunRequest>;
  answer(tenant: string, key: string, answer: Json): Promise<void>;
  /** The request had no effect: the key is free for another try. */
  abandon(tenant: string, key: string): Promise<void>;
}
