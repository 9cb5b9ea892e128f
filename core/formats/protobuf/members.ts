// Which members of a message an event has had: each field once, of alternatives one, and all that are required.
import { unfit } from '#core/formats/format-fault.ts';
import type { ProtoMessage } from './schema.ts';

/** By field, and behind the fields by group of alternatives. */
type Seen = Int32Array;
const absent = -1;
/** There, as null: that is no value. */
const empty = -2;

export class Members {
  readonly #message: ProtoMessage;
  readonly #what: string;
  /** By field: the place of its group; -1: it is no alternative. */
  readonly #groups: readonly number[];
  readonly #required: readonly number[];
  readonly #size: number;
  /** Of events before; several where messages lie in each other. */
  readonly #spare: Seen[] = [];

  /** `what`: how faults name the message. */
  constructor(message: ProtoMessage, what: string) {
    const { fields } = message;
    this.#message = message;
    this.#what = what;
    this.#groups = fields.map(({ oneof }) => (oneof === null ? -1 : fields.length + oneof));
    this.#required = fields.flatMap(({ presence }, index) => (presence === 'required' ? [index] : []));
    this.#size = Math.max(fields.length - 1, ...this.#groups) + 1;
  }

  open(): Seen {
    return (this.#spare.pop() ?? new Int32Array(this.#size)).fill(absent);
  }

  /** Throws FormatFault where what comes now would take the place of what came before. */
  add(seen: Seen, field: number, isNull: boolean): void {
    if (seen[field] !== absent)
      throw unfit('duplicate_field', `${this.#what}: the event has ${JSON.stringify(this.#name(field))} twice`);
    seen[field] = isNull ? empty : field;
    const group = this.#groups[field]!;
    if (group < 0 || isNull) return;
    if (seen[group] !== absent)
      throw unfit(
        'several_alternatives',
        `${this.#what}: the event has ${this.#name(seen[group]!)} and ${this.#name(field)}, of which the schema takes one`,
      );
    seen[group] = field;
  }

  /** Throws FormatFault where something is missing. */
  close(seen: Seen): void {
    for (const field of this.#required)
      if (seen[field]! < 0)
        throw unfit('missing_field', `${this.#what}: the event lacks ${this.#name(field)}, which is required`);
    this.#spare.push(seen);
  }

  #name(field: number): string {
    return this.#message.fields[field]!.name;
  }
}
