// What became of every event of the source, by a reader of committed records that shares no code with the workers.
import { createRecordLog } from '#adapters/kafka/record-log.ts';
import type { LogRecord } from '#core/ports/record-log.ts';
import { type Fate, readEvent } from './load.ts';

export interface Verdict {
  /** Records in the source. */
  readonly records: number;
  /** Acknowledged by the broker, and not in the source: its own loss, not ours. */
  readonly vanished: number;
  /** Passing or broken, and not at the sink or among the dead letters. */
  readonly lost: number;
  /** Arrivals beyond one for each record of the source. */
  readonly duplicated: number;
  /** Keys whose events did not arrive in the source's order; told only where nothing may come twice. */
  readonly disordered: number;
  readonly byFate: Readonly<Record<Fate, number>>;
}

export interface Topics {
  readonly source: string;
  readonly sink: string;
  readonly deadLetters: string;
}

export interface Question {
  readonly broker: string;
  readonly topics: Topics;
  readonly acknowledged: readonly number[];
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

export async function judge(question: Question): Promise<Verdict> {
  const { topics, acknowledged } = question;
  const expected = { sink: new Tally(), deadLetters: new Tally() };
  const byFate: Record<Fate, number> = { passes: 0, filtered: 0, broken: 0 };
  const inSource = new Set<number>();
  const records = await read(question, topics.source, ({ key, n, fate }) => {
    byFate[fate]++;
    inSource.add(n);
    if (fate === 'passes') expected.sink.add(key, n);
    if (fate === 'broken') expected.deadLetters.add(key, n);
  });
  const sink = new Tally();
  await read(question, topics.sink, ({ key, n }) => sink.add(key, n));
  const deadLetters = new Tally();
  await read(question, topics.deadLetters, ({ key, n }) => deadLetters.add(key, n));
  const [passed, broken] = [expected.sink.compare(sink), expected.deadLetters.compare(deadLetters)];
  return {
    records,
    vanished: acknowledged.filter((n) => !inSource.has(n)).length,
    lost: passed.lost + broken.lost,
    duplicated: passed.duplicated + broken.duplicated,
    disordered: passed.disordered,
    byFate,
  };
}

interface Seen {
  readonly key: string;
  readonly n: number;
  readonly fate: Fate;
}

/** Gives each record to `see`; returns how many there were. A reading that is cut short is no verdict, but an error. */
async function read({ broker, signal, tell }: Question, topic: string, see: (seen: Seen) => void): Promise<number> {
  const log = createRecordLog({ brokers: [broker], clientId: 'soak-oracle', callMs: 60_000 });
  let count = 0;
  for await (const record of log.read({ topic, from: 'earliest', follow: false, signal })) {
    see({ key: keyText(record), ...readEvent(record.value!) });
    if (++count % 100_000 === 0) tell(`read back ${count} records of ${topic}`);
  }
  signal.throwIfAborted();
  await log.close();
  tell(`read back ${topic}: ${count} records`);
  return count;
}

const keyText = ({ key }: LogRecord): string => (key === null ? '' : Buffer.from(key).toString());

/** How often each number is there, and in which order by key. */
class Tally {
  readonly #counts = new Map<number, number>();
  readonly #byKey = new Map<string, number[]>();

  add(key: string, n: number): void {
    this.#counts.set(n, (this.#counts.get(n) ?? 0) + 1);
    const ofKey = this.#byKey.get(key);
    if (ofKey === undefined) this.#byKey.set(key, [n]);
    else ofKey.push(n);
  }

  compare(found: Tally): { readonly lost: number; readonly duplicated: number; readonly disordered: number } {
    let lost = 0;
    let duplicated = 0;
    for (const n of new Set([...this.#counts.keys(), ...found.#counts.keys()])) {
      const difference = (found.#counts.get(n) ?? 0) - (this.#counts.get(n) ?? 0);
      if (difference < 0) lost -= difference;
      else duplicated += difference;
    }
    const disordered = [...this.#byKey].filter(([key, numbers]) => !equal(numbers, found.#byKey.get(key) ?? []));
    return { lost, duplicated, disordered: lost + duplicated > 0 ? 0 : disordered.length };
  }
}

const equal = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, index) => n === b[index]);
