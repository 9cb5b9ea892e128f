// What an answer means for the records that were sent: a closed set, which the sender acts on.
import type { Refusal } from '../sink.ts';

/** Tried again with backoff, or when the other side says. */
export interface Again {
  readonly kind: 'again';
  readonly code: string;
  readonly message: string;
  readonly afterMs: number | null;
}

export type ItemOutcome =
  | { readonly kind: 'written' }
  | Again
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type Judgement =
  /** One for each record, in their order. */
  | { readonly kind: 'items'; readonly items: readonly ItemOutcome[] }
  | Again
  /** The whole request will never be taken: each half is tried alone, until it is known which record is meant. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export const written = { kind: 'written' } as const;

/** What somebody else wrote, short and on one line. */
export const bodyCharsMax = 1_024;
export const excerpt = (body: Buffer): string =>
  body
    .subarray(0, bodyCharsMax)
    .toString()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
