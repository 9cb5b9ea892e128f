// kafkajs without the timer by which every connection, once it was used, looks a thousand times a second whether something waits to be sent.
/// <reference path="./kafkajs-queue.d.ts" />
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

// By name: in a bundle nothing is shown of a CommonJS package that is passed on as a whole.
export {
  type Admin,
  CompressionTypes,
  type IHeaders,
  Kafka,
  logLevel,
  type Message,
  Partitioners,
  type Producer,
} from 'kafkajs';

const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;

/**
 * The look is needed where requests wait or the broker asked for a pause. kafkajs 2.2.4 plans the next one after each answer, and without
 * either of them for a time that has passed, which Node takes for one millisecond: 5 % of a processor for a connection that rests.
 */
RequestQueue.prototype.scheduleCheckPendingRequests = function (): void {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
};
