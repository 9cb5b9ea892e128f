// Virtual time: a heap of events, each run to the end of all that follows from it before the next; no real clock anywhere.
import { setImmediate } from 'node:timers';

/** In one turn of the event loop, which costs more than most events do: after each of them all promises are drained, as after any immediate. */
const eventsPerTurn = 64;

interface Entry {
  readonly at: number;
  /** Of events at one moment, the one that was asked for first goes first. */
  readonly order: number;
  readonly run: () => void;
}

export class VirtualTime {
  now: number;
  /** Events run so far. */
  events = 0;
  /** Ends `runUntil` before the next event. */
  halted = false;
  readonly #heap: Entry[] = [];
  #order = 0;

  constructor(startAt: number) {
    this.now = startAt;
  }

  after(delayMs: number, run: () => void): void {
    this.#push({ at: this.now + Math.max(0, delayMs), order: this.#order++, run });
  }

  /** Again and again until `run` gives false. */
  every(intervalMs: number, run: () => boolean): void {
    const turn = (): void => {
      if (run()) this.after(intervalMs, turn);
    };
    this.after(intervalMs, turn);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Runs every event up to `until`. */
  runUntil(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const step = (): void => {
        if (isOver) return;
        try {
          if (this.#runOne(until)) return;
          if (!this.halted) this.now = Math.max(this.now, until);
          resolve();
        } catch (error) {
          reject(error);
        }
        isOver = true;
      };
      const turn = (): void => {
        if (isOver) return;
        for (let event = 0; event < eventsPerTurn; event++) setImmediate(step);
        setImmediate(turn);
      };
      turn();
    });
  }

  /** Runs the earliest event; false where there is none. */
  async runNext(): Promise<boolean> {
    const first = this.#heap[0];
    if (first === undefined) return false;
    await this.runUntil(first.at);
    return true;
  }

  /** False: nothing is left to be run until then. */
  #runOne(until: number): boolean {
    if (this.halted || this.#heap.length === 0 || this.#heap[0]!.at > until) return false;
    const { at, run } = this.#pop();
    this.now = Math.max(this.now, at);
    this.events++;
    run();
    return true;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Whatever promises lead to without real input or output has happened afterwards: a turn of the event loop drains them all. */
export const settleMicrotasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
