// Calls to Kafka: tried again within a deadline, unless the answer is one that a repetition does not change.
import { setTimeout as sleep } from 'node:timers/promises';
import { isPlatformError, messageOf, PlatformError, unavailable } from '#core/errors.ts';

export const callMsDefault = 10_000;
const waitMs = { first: 50, most: 400 };

/**
 * Calls until an attempt succeeds; `what` completes "refused to …". Throws `kafka-unavailable` when the deadline has passed, `kafka-refused` on a lasting
 * refusal, and an attempt's own PlatformErrors as they are.
 */
export async function keepTrying<Answer>(
  callMs: number,
  what: string,
  attempt: () => Promise<Answer>,
): Promise<Answer> {
  const until = performance.now() + callMs;
  for (let wait = waitMs.first; ; wait = Math.min(wait * 2, waitMs.most)) {
    try {
      return await within(until - performance.now(), attempt());
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      const lasting = asLasting(error, what);
      if (lasting !== null) throw lasting;
      if (performance.now() + wait >= until) throw unavailable('kafka', rootOf(error));
      await sleep(wait);
    }
  }
}

/** Looks again until `holds`: what Kafka's controller decided reaches its brokers a little later. */
export async function settled(callMs: number, what: string, holds: () => Promise<boolean>): Promise<void> {
  await keepTrying(callMs, `see ${what}`, async () => {
    if (!(await holds())) throw new Error(`${what} is not in effect yet`);
  });
}

async function within<Answer>(leftMs: number, answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), Math.max(leftMs, 1));
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Kafka's own names of the errors in it, whichever client library threw it. */
export function kafkaCodes(error: unknown): readonly string[] {
  if (typeof error !== 'object' || error === null) return [];
  const { apiId, type, cause, errors } = error as {
    apiId?: unknown;
    type?: unknown;
    cause?: unknown;
    errors?: unknown;
  };
  const inner = [...(Array.isArray(errors) ? errors : []), cause].flatMap(kafkaCodes);
  const own = [apiId, type].filter((code): code is string => typeof code === 'string');
  return [...new Set([...own, ...inner])];
}

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  kafkaCodes(error).some((code) => codes.includes(code));

/** Refusals of what was asked, and of who asked. */
const lastingCodes: ReadonlyMap<string, 'user' | 'external'> = new Map([
  ['INVALID_TOPIC_EXCEPTION', 'user'],
  ['INVALID_TOPIC', 'user'],
  ['INVALID_CONFIG', 'user'],
  ['INVALID_PARTITIONS', 'user'],
  ['INVALID_REPLICATION_FACTOR', 'external'],
  ['INVALID_REQUEST', 'user'],
  ['POLICY_VIOLATION', 'external'],
  ['TOPIC_AUTHORIZATION_FAILED', 'external'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'external'],
  ['SASL_AUTHENTICATION_FAILED', 'external'],
  ['UNSUPPORTED_VERSION', 'external'],
]);

/** A repetition would not change it. */
export const isLasting = (error: unknown): boolean => kafkaCodes(error).some((code) => lastingCodes.has(code));

function asLasting(error: unknown, what: string): PlatformError | null {
  if (isPlatformError(error)) return error;
  const code = kafkaCodes(error).find((each) => lastingCodes.has(each));
  if (code === undefined) return null;
  const fault = lastingCodes.get(code)!;
  const message = `kafka refused to ${what} (${code}): ${explanationOf(error)}`;
  return new PlatformError('kafka-refused', message, { fault, retry: 'no-retry', cause: error });
}

/** The broker's own words where it gave any. */
export function explanationOf(error: unknown): string {
  const root = rootOf(error);
  return (root as { readonly serverErrorMessage?: string | null }).serverErrorMessage ?? messageOf(root);
}

/** The innermost error says what happened; those around it only that something did. */
function rootOf(error: unknown): unknown {
  const { cause, errors } = (error ?? {}) as { cause?: unknown; errors?: unknown };
  const inner = Array.isArray(errors) && errors.length > 0 ? errors.at(-1) : cause;
  return inner instanceof Error && inner !== error ? rootOf(inner) : error;
}

export const topicMissing = (topic: string, fault: 'user' | 'external'): PlatformError =>
  new PlatformError('topic-missing', `kafka has no topic ${topic}`, {
    fault,
    retry: fault === 'user' ? 'no-retry' : 'retry',
  });
