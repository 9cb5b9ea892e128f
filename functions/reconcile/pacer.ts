// Keeps a reconciler's calls within what a system allows: a token bucket for each class of calls, slower after every refusal.

/** Calls that a runtime limits by their rate. */
export type PacedCall = 'run-task' | 'stop-task';

export interface Rate {
  readonly perSecond: number;
  /** How many may go at once after a pause. */
  readonly burst: number;
}

export interface Pacer {
  /** Resolves when the call may go out; in the order they were asked for. */
  take(call: PacedCall): Promise<void>;
  /** The system refused a call for its rate: half as many from now on, and slowly more again. */
  refused(call: PacedCall): void;
}

export interface PacerParts {
  readonly rates: Readonly<Record<PacedCall, Rate>>;
  readonly monotonicMs: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
}

/** Somebody else in the account calls the same system too. */
const shareOfQuota = 0.95;
const slowest = 1 / 16;
/** What a minute without a refusal gives back of the full rate. */
const recoveredPerMinute = 0.25;

export function createPacer({ rates, monotonicMs, sleep }: PacerParts): Pacer {
  const buckets = new Map<PacedCall, Bucket>();
  const bucketOf = (call: PacedCall): Bucket => {
    const bucket = buckets.get(call) ?? newBucket(rates[call], monotonicMs());
    buckets.set(call, bucket);
    return bucket;
  };
  return {
    async take(call) {
      const waitMs = reserve(bucketOf(call), monotonicMs());
      if (waitMs > 0) await sleep(waitMs);
    },
    refused(call) {
      const bucket = bucketOf(call);
      refill(bucket, monotonicMs());
      bucket.share = Math.max(slowest, bucket.share / 2);
      bucket.tokens = Math.min(bucket.tokens, 0);
    },
  };
}

interface Bucket {
  readonly rate: Rate;
  /** Below zero: that many calls are waiting their turn. */
  tokens: number;
  share: number;
  atMs: number;
}

const newBucket = (rate: Rate, atMs: number): Bucket => ({ rate, tokens: rate.burst * shareOfQuota, share: 1, atMs });

const perMs = ({ rate, share }: Bucket): number => (rate.perSecond * shareOfQuota * share) / 1_000;

function refill(bucket: Bucket, nowMs: number): void {
  const passedMs = nowMs - bucket.atMs;
  bucket.tokens = Math.min(bucket.rate.burst * shareOfQuota, bucket.tokens + passedMs * perMs(bucket));
  bucket.share = Math.min(1, bucket.share + (passedMs / 60_000) * recoveredPerMinute);
  bucket.atMs = nowMs;
}

/** Takes a token, be it one that is still to come; gives how long until it is there. */
function reserve(bucket: Bucket, nowMs: number): number {
  refill(bucket, nowMs);
  bucket.tokens -= 1;
  return bucket.tokens >= 0 ? 0 : Math.ceil(-bucket.tokens / perMs(bucket));
}
