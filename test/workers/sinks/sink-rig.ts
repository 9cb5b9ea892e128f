// What a test of a sink stands on: real splits and units, and hooks that write down what the sink asks for.
import { judgeRefusal } from '#core/job/give-up.ts';
import type { ErrorPolicy } from '#core/spec/error-policy.ts';
import { anErrorPolicy } from '#test/support/builders.ts';
import type { Slice } from '#workers/kafka/output-batch.ts';
import type { Origin } from '#workers/replay-gate.ts';
import type { Original, RecordView, Refusal, Sink, SinkHooks } from '#workers/sinks/sink.ts';
import { Split, type Unit } from '#workers/split.ts';

export interface AsideRecord {
  readonly value: string;
  readonly refusal: Refusal;
}

export interface Taken {
  readonly unit: Unit;
  readonly refusal: Refusal | null;
}

export const topicId = '5f0c7a1e-0000-4000-8000-000000000001';

export interface TakeWishes {
  readonly key?: string | null;
  readonly partition?: number;
  /** How many elements the record is made into; not exploded where not given. */
  readonly elements?: number;
  /** Of a dead letter that is replayed. */
  readonly origin?: Origin;
}

/** One worker's side of a sink. */
export class SinkRig {
  readonly troubles: { code: string; message: string; failingForMs: number; pauseMs: number }[] = [];
  readonly aside: AsideRecord[] = [];
  /** The route's policy for errors. */
  policy: ErrorPolicy = anErrorPolicy;
  readonly hooks: SinkHooks;
  holdsLease = true;
  #splits = new Map<number, Split>();
  #offsets = new Map<number, number>();

  constructor() {
    this.hooks = {
      maySend: () => this.holdsLease,
      onTrouble: (code, message, failingForMs, pauseMs = 0) =>
        this.troubles.push({ code, message, failingForMs, pauseMs }),
      judge: (code, failingForMs) => judgeRefusal(this.policy, code, failingForMs),
      onReplay: () => {},
      onFenced: () => {},
      setAside: ({ value }, _unit, refusal) => this.aside.push({ value: textOf(value) ?? '', refusal }),
      monotonicMs: () => performance.now(),
    };
  }

  get troubleCodes(): ReadonlySet<string> {
    return new Set(this.troubles.map(({ code }) => code));
  }

  split(partition = 0): Split {
    let split = this.#splits.get(partition);
    if (split === undefined) {
      const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };
      const accounting = { in: 0, out: 0, filtered: 0, deadLettered: 0, dropped: {} };
      const record = { split: `plays/${partition}`, topicId, epoch: 7, owner: 'w', position: '0', accounting };
      split = new Split(record as ConstructorParameters<typeof Split>[0], clock);
      this.#splits.set(partition, split);
    }
    return split;
  }

  /** Gives a record to the sink as the pipeline does: slices into one buffer that is used again afterwards. */
  take(sink: Sink, value: object | string | null, wishes: TakeWishes = {}): Taken {
    const split = this.split(wishes.partition ?? 0);
    const offset = this.#offsets.get(split.partition) ?? 0;
    this.#offsets.set(split.partition, offset + 1);
    const unit = split.openUnit();
    const text = value === null ? null : typeof value === 'string' ? value : JSON.stringify(value);
    const { origin } = wishes;
    const record = {
      ...{ split, offset, timestamp: 1_770_000_000_000, ...slices(text, wishes.key ?? null) },
      ...(origin === undefined ? {} : { origin }),
    };
    const original: Original = { keep: () => ({ ...record, ...slices(text, wishes.key ?? null) }) };
    const refusal = sink.take(
      { ...record, ...(wishes.elements === undefined ? {} : { element: '0' }) },
      unit,
      original,
    );
    for (let more = 1; more < (wishes.elements ?? 1); more++)
      sink.take({ ...record, ...slices(text, wishes.key ?? null), element: String(more) }, unit, original);
    for (const { bytes } of [record.key, record.value]) bytes.fill(0x58);
    unit.close(offset + 1);
    return { unit, refusal };
  }

  /** Where the split's position stands: all before it is durable, or set aside. */
  position(partition = 0): number {
    return this.split(partition).done.position;
  }
}

function slices(value: string | null, key: string | null): Pick<RecordView, 'key' | 'value' | 'headers'> {
  return { key: sliceOf(key), value: sliceOf(value), headers: { bytes: new Uint8Array([0]), start: 0, end: 1 } };
}

function sliceOf(text: string | null): Slice {
  if (text === null) return { bytes: new Uint8Array(0), start: 0, end: -1 };
  const bytes = Buffer.from(`__${text}__`);
  return { bytes, start: 2, end: bytes.length - 2 };
}

export const textOf = ({ bytes, start, end }: Slice): string | null =>
  end < 0 ? null : Buffer.from(bytes.subarray(start, end)).toString();
