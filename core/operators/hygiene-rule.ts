// How a value is made harmless before it leaves.

export type HygieneRule =
  /** Between the kept characters stands `****`, whatever was there. */
  | { readonly kind: 'mask'; readonly keepFirst: number; readonly keepLast: number }
  /** HMAC-SHA-256 under the secret of this name: equal values stay equal, and nobody without the secret can try values out. */
  | { readonly kind: 'hash'; readonly salt: string }
  | { readonly kind: 'truncate'; readonly characters: number }
  /** The member is taken out of the event. */
  | { readonly kind: 'drop' };
