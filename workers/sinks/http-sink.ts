// The sink that is somebody's HTTP service: batches of events, in order per split, with keys to know them again by.
import type { HttpSinkGoal } from '#core/job/sink-goal.ts';
import type { Unit } from '../split.ts';
import { type HttpProtocolParts, httpPayload, httpProtocol, recordKey } from './http-protocol.ts';
import { OutputNumber } from './remote/output-number.ts';
import { createRemote, heldRecord, type Remote, type RemoteParts } from './remote/remote.ts';
import type { Original, RecordView, Refusal, Sink } from './sink.ts';

/** Over all splits; of one split one request is under way at a time. */
const requestsMax = 8;
/** Its first kilobyte is shown where the answer is a refusal. */
const answerBytesMax = 64 * 1024;

export class HttpSink implements Sink {
  readonly #goal: HttpSinkGoal;
  readonly #protocol: HttpProtocolParts;
  readonly #remote: Remote;
  readonly #outputs = new OutputNumber();

  constructor(goal: HttpSinkGoal, parts: RemoteParts) {
    this.#goal = goal;
    this.#protocol = { goal, jobName: parts.jobName, uid: parts.uid };
    const bounds = { requestsMax, answerBytesMax, exchangeMs: goal.timeoutMs };
    this.#remote = createRemote(goal, parts, httpProtocol(this.#protocol), bounds);
  }

  get isRefused(): boolean {
    return this.#remote.sender.isRefused;
  }

  /** The receiver's address and the secret have to be there; a request nobody asked for might do something. */
  async open(): Promise<void> {
    await this.#remote.sender.open();
  }

  take(record: RecordView, unit: Unit, original: Original): Refusal | null {
    if (record.value.end < 0)
      return { errorClass: 'rejected', code: 'sink-no-event', message: 'a record without a value is no event' };
    const id = recordKey(this.#protocol, record, unit.topicId, this.#outputs.next(unit, record.offset));
    const payload = httpPayload(this.#protocol, record, id);
    if (payload.length > this.#goal.batch.maxBytes)
      return {
        ...{ errorClass: 'too-large', code: 'sink-record-too-large' },
        message: `the event has ${payload.length} bytes, a batch ${this.#goal.batch.maxBytes} (batch.maxBytes)`,
      };
    this.#remote.sender.add(record.split.name, heldRecord(original.keep(), unit, payload, id));
    return null;
  }

  room(): Promise<void> | null {
    return this.#remote.sender.room();
  }

  nudge(): void {
    this.#remote.sender.pump();
  }

  flush(): void {
    this.#remote.sender.flush();
  }

  startOver(): null {
    this.#remote.sender.startOver();
    return null;
  }

  async close(): Promise<void> {
    this.#remote.sender.close();
  }
}
