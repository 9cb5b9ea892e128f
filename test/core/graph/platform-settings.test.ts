// What whoever runs the platform sets of it in the environment.
import { describe, expect, test } from '@jest/globals';
import { localSettings, withEnvironment } from '#core/graph/platform-settings.ts';

describe('a longer lease', () => {
  test('stretches what workers do by the clock, an idle fetch to two seconds at most, and how long a start may take', () => {
    const { worker, startDeadlineMs } = withEnvironment(localSettings, { MILLRACE_LEASE_MS: '20000' });
    expect([worker.leaseMs, worker.heartbeatMs, worker.commitMs]).toEqual([20_000, 4_000, 4_000]);
    expect(startDeadlineMs).toBe(4 * localSettings.startDeadlineMs);
    expect(worker.fetchWaitMs).toBe(2_000);
  });

  test.each(['', 'soon', '1999', '300001', '2500.5'])('that is %p is refused at the start', (text) => {
    expect(() => withEnvironment(localSettings, { MILLRACE_LEASE_MS: text })).toThrow('expected milliseconds');
  });
});
