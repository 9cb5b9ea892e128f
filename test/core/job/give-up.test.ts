// When a sink that refuses is given up, and what becomes of its records then.
import { describe, expect, test } from '@jest/globals';
import { judgeRefusal } from '#core/job/give-up.ts';
import type { ErrorPolicy } from '#core/spec/error-policy.ts';
import { anErrorPolicy } from '#test/support/builders.ts';

const policy = (changes: Partial<ErrorPolicy>): ErrorPolicy => ({ ...anErrorPolicy, ...changes });
const hour = 3_600_000;

describe('a sink that refuses', () => {
  test('is tried for ever where the route says nothing', () => {
    for (const code of ['sink-unavailable', 'sink-throttled', 'sink-unauthorized', 'sink-refused'])
      expect(judgeRefusal(anErrorPolicy, code, 1_000 * hour)).toBe('retry');
  });

  test('is given up once it refused for as long as the route waits, not before', () => {
    const patient = policy({ retryable: { giveUpAfterMs: hour, endsIn: 'dead-letter' } });
    expect(judgeRefusal(patient, 'sink-unavailable', hour - 1)).toBe('retry');
    expect(judgeRefusal(patient, 'sink-unavailable', hour)).toBe('dead-letter');
    const atOnce = policy({ retryable: { giveUpAfterMs: 0, endsIn: 'stop' } });
    expect(judgeRefusal(atOnce, 'sink-refused', 0)).toBe('stop');
  });

  test('is judged by the class of the error: one that is throttled is not unavailable', () => {
    const mixed = policy({ throttled: { giveUpAfterMs: 0, endsIn: 'drop' } });
    expect(judgeRefusal(mixed, 'sink-throttled', 0)).toBe('drop');
    expect(judgeRefusal(mixed, 'sink-unavailable', hour)).toBe('retry');
  });

  test('for want of permission is never given up record by record', () => {
    const harsh = policy({
      retryable: { giveUpAfterMs: 0, endsIn: 'drop' },
      throttled: { giveUpAfterMs: 0, endsIn: 'drop' },
    });
    for (const code of ['sink-unauthorized', 'sink-secret-missing', 'source-unauthorized']) {
      expect(judgeRefusal(harsh, code, hour)).toBe('retry');
      expect(judgeRefusal({ ...harsh, auth: 'stop' }, code, 0)).toBe('stop');
    }
  });

  test('is no matter of troubles that are none of the sink', () => {
    const harsh = policy({ retryable: { giveUpAfterMs: 0, endsIn: 'stop' } });
    for (const code of ['source-unavailable', 'replay', 'table-fenced', 'worker-store-failed'])
      expect(judgeRefusal(harsh, code, hour)).toBe('retry');
  });
});
