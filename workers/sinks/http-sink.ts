// The sink that is somebody's HTTP service: batches of events, in order per split, with keys to know them again by.
import type { HttpSinkGoal } from '#core/job/sink-goal.ts';
import { type HttpProtocolParts, httpPayload, httpProtocol, recordKey } from './http-protocol.ts';
import { type RemoteParts, RemoteSink, type Service } from './remote/remote-sink.ts';
import type { Refusal, Sink } from './sink.ts';

/** Over all splits; of one split one request is under way at a time. */
const requestsMax = 8;
/** Its first kilobyte is shown where the answer is a refusal. */
const answerBytesMax = 64 * 1024;

export function httpSink(goal: HttpSinkGoal, parts: RemoteParts): Sink {
  const protocol: HttpProtocolParts = { goal, jobName: parts.jobName, uid: parts.uid };
  const service: Service = {
    ...httpProtocol(protocol),
    ...{ requestsMax, answerBytesMax, exchangeMs: goal.timeoutMs, thing: 'event' },
    shape: (record, unit) => {
      if (record.value.end < 0) return noEvent;
      const id = recordKey(protocol, record, unit.topicId);
      return { lane: record.split.name, id, payload: httpPayload(protocol, record, id) };
    },
  };
  return new RemoteSink(goal, parts, service);
}

const noEvent: Refusal = {
  ...{ errorClass: 'rejected', code: 'sink-no-event' },
  message: 'a record without a value is no event',
};
