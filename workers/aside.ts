// What becomes of a record that can never succeed: by the route's policy a dead letter, a counted drop, or the end of its split.
import type { JobGoal } from '#core/job/job-goal.ts';
import type { ErrorPolicy, RecordErrorAction } from '#core/spec/error-policy.ts';
import { type DeadLetterReason, deadLetterHeadersOf } from './dead-letter.ts';
import type { DeadLetterRate } from './dead-letter-rate.ts';
import type { Outlet } from './kafka/outlet.ts';
import type { TopicWriter } from './kafka/topic-writer.ts';
import { placeInSource } from './sinks/record-place.ts';
import type { RecordView } from './sinks/sink.ts';
import type { Unit } from './split.ts';
import { withoutValues } from './without-values.ts';

export interface AsideParts {
  readonly goal: JobGoal;
  readonly outlet: Outlet;
  readonly deadLetters: TopicWriter;
  readonly deadLetterRate: DeadLetterRate;
  readonly now: () => number;
  /** For logs and the heartbeat: it is told no value of a record. The dead letter has them all. */
  readonly onError: (code: string, message: string) => void;
}

export interface RecordFault {
  readonly errorClass: DeadLetterReason['errorClass'];
  readonly code: string;
  readonly message: string;
}

export class Aside {
  readonly #parts: AsideParts;

  constructor(parts: AsideParts) {
    this.#parts = parts;
  }

  /** False: the route asks to stop before the record, and nothing was done with it. Else it is counted in the unit. */
  put(record: RecordView, unit: Unit, fault: RecordFault): boolean {
    const { goal, onError } = this.#parts;
    const action = actionFor(goal.errors, fault.errorClass);
    const where = `${record.split.name} offset ${record.offset}`;
    if (action === 'dead-letter' && this.#parts.deadLetterRate.admit(unit.in + 1) === false) {
      const limit = `${(goal.errors.deadLetterRateMax ?? 0) * 100}%`;
      onError(
        'dead-letter-rate',
        `${where}: more than ${limit} of the last minute's records would be dead letters (${withoutValues(fault)}); the split stops before it`,
      );
      return false;
    }
    onError(fault.errorClass, `${where}: ${withoutValues(fault)}; ${actionWords[action]}`);
    if (action === 'stop') return false;
    unit.noteSetAside(record.offset);
    if (action === 'drop') unit.drop(fault.errorClass, 1);
    else if (this.#writeDeadLetter(record, unit, fault)) unit.deadLettered++;
    else {
      unit.drop('too-large', 1);
      const message = `${where}: the record is larger than the dead-letter topic takes; it was dropped and counted`;
      onError('dead-letter-too-large', message);
    }
    return true;
  }

  /** Whether such a fault makes a dead letter, for which there has to be room. */
  writes(errorClass: RecordFault['errorClass']): boolean {
    return actionFor(this.#parts.goal.errors, errorClass) === 'dead-letter';
  }

  /** So many records of a split are worked on. */
  noteRead(count: number): void {
    this.#parts.deadLetterRate.noteRead(count);
  }

  /** For a record that was counted as written, by a sink that answered later. */
  putLate(record: RecordView, unit: Unit, fault: RecordFault): void {
    // Of a record that became several, one is enough.
    if (unit.wasSetAside(record.offset)) return;
    if (this.put(record, unit, fault)) unit.out--;
    else record.split.stopBefore(unit);
  }

  #writeDeadLetter(record: RecordView, unit: Unit, fault: RecordFault): boolean {
    const { goal, outlet, deadLetters, now } = this.#parts;
    const { split, timestamp, key, value } = record;
    const place = record.origin ?? { ...placeInSource(record, unit.topicId), replays: 0 };
    const headers = deadLetterHeadersOf(record.headers, {
      ...place,
      job: goal.name,
      revision: goal.revision,
      errorClass: fault.errorClass,
      errorCode: fault.code,
      errorMessage: fault.message,
      timestamp,
      failedAt: now(),
    });
    const partition = split.partition % deadLetters.partitionCount;
    return outlet.append(deadLetters, partition, timestamp, key, value, headers, unit);
  }
}

function actionFor(errors: ErrorPolicy, errorClass: RecordFault['errorClass']): RecordErrorAction {
  switch (errorClass) {
    case 'schema':
      return errors.schema;
    case 'retryable':
    case 'throttled':
      return errors[errorClass].endsIn;
    // What the sink refuses for good is as bad as what the program cannot evaluate: one policy.
    case 'poison':
    case 'too-large':
    case 'rejected':
      return errors.poison;
  }
}

const actionWords: Readonly<Record<RecordErrorAction, string>> = {
  'dead-letter': 'it is set aside as a dead letter',
  drop: 'it is dropped and counted',
  stop: 'the split stops before it, as the route asks',
};
