// What is done about a sink that refuses: tried again, or given up by the route's policy for errors of that class.
import type { ErrorPolicy, RecordErrorAction } from '#core/spec/error-policy.ts';

export type RefusedClass = 'retryable' | 'throttled' | 'auth';

const authCodes = ['sink-unauthorized', 'source-unauthorized', 'sink-secret-missing'];
/** Of a sink as a whole: each means that what was sent did not take effect, as far as can be known. */
const retryableCodes = [
  'sink-unavailable',
  'sink-refused',
  'sink-missing',
  'sink-redirects',
  'sink-answer-malformed',
  'sink-address-refused',
];

/** Null for what has nothing to do with a sink's refusal. */
export function refusedClass(code: string): RefusedClass | null {
  if (authCodes.includes(code)) return 'auth';
  if (code === 'sink-throttled') return 'throttled';
  return retryableCodes.includes(code) ? 'retryable' : null;
}

/** `failingForMs`: since the sink last took something. */
export function judgeRefusal(policy: ErrorPolicy, code: string, failingForMs: number): 'retry' | RecordErrorAction {
  const refused = refusedClass(code);
  if (refused === null) return 'retry';
  // Never acknowledged: a want of permission says nothing of the record.
  if (refused === 'auth') return policy.auth;
  const { giveUpAfterMs, endsIn } = policy[refused];
  return giveUpAfterMs !== null && failingForMs >= giveUpAfterMs ? endsIn : 'retry';
}
