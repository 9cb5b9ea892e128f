// What is corrected of kafkajs: a connection that has nothing to send sets no timer.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import '#adapters/kafka/kafkajs.ts';

let queue: RequestQueue;
beforeEach(() => {
  queue = new RequestQueue({
    requestTimeout: 30_000,
    enforceRequestTimeout: false,
    isConnected: () => true,
    logger: { debug: () => {} },
  });
});
afterEach(() => queue.destroy());

test('where nothing waits it plans no look, so a client that rests costs nothing', () => {
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
});

test('where a request waits, or the broker asked for a pause, it does', () => {
  queue.pending.push({});
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
  queue.pending = [];
  queue.maybeThrottle(60_000);
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
});
