// What holds reading up, put together: schemas that are awaited, a replay's rate, the route's throttle, and the sink's room.
import type { SourceDecoder } from './formats/source-decoder.ts';
import type { LossBudget } from './loss-budget.ts';
import type { ReplayGate } from './replay-gate.ts';
import type { Split } from './split.ts';
import type { Throttle } from './throttle.ts';

export interface BrakesParts {
  /** Null where the source's records are JSON as they stand. */
  readonly decoder: SourceDecoder | null;
  /** Only in a replay of dead letters. */
  readonly gate: ReplayGate | null;
  readonly throttle: Throttle;
  /** With it, what the sink has no room for may be dropped instead of waited for. */
  readonly lossBudget: LossBudget | null;
  /** Null while there is room for more output. */
  readonly sinkRoom: () => Promise<void> | null;
  /** The same without waiting. */
  readonly sinkHasRoom: () => boolean;
  /** There is room for more dead letters. */
  readonly asideHasRoom: () => boolean;
  readonly monotonicMs: () => number;
}

/** For so long records are worked on at once: leases, heartbeats and answers of the sink wait meanwhile. */
const turnMs = 100;

export class Brakes {
  readonly #parts: BrakesParts;
  #turnEndsMs = 0;

  constructor(parts: BrakesParts) {
    this.#parts = parts;
  }

  /** Null when the next record may be worked on; else resolves when it may be. */
  room(): Promise<void> | null {
    const { decoder, gate, throttle, lossBudget, sinkRoom } = this.#parts;
    const held = decoder?.room() ?? gate?.room() ?? throttle.room();
    return held !== null || lossBudget?.isOpen === true ? held : sinkRoom();
  }

  /** Something other than the worker is the reason that nothing is read. */
  get isHeld(): boolean {
    return this.#parts.gate?.isWaiting === true || this.#parts.decoder?.isRefused === true;
  }

  beginTurn(): void {
    this.#turnEndsMs = this.#parts.monotonicMs() + turnMs;
  }

  /**
   * The sink is full, or the turn was long: the rest of what was fetched is to be left for later. However small a set is, it may
   * become hundreds of megabytes when it is unpacked.
   */
  get isTurnOver(): boolean {
    const { lossBudget, sinkHasRoom, monotonicMs } = this.#parts;
    if (lossBudget?.isOpen !== true && !sinkHasRoom()) return true;
    return monotonicMs() >= this.#turnEndsMs;
  }

  /** How many records may be worked on before room is asked for again. */
  get allowance(): number {
    return this.#parts.throttle.allowance;
  }

  /** More was let through than may be for a while: the rest of what was fetched is to be left for later. */
  get isOverdrawn(): boolean {
    return this.#parts.gate?.isOverdrawn === true;
  }

  /** So many were worked on. */
  spend(count: number): void {
    this.#parts.throttle.spend(count);
  }

  /** Of a record that passes; without a loss budget it is taken. */
  afford(split: Split): 'take' | 'drop' | 'wait' {
    return this.#parts.lossBudget?.decide(split) ?? 'take';
  }

  /** Of a record that becomes a dead letter. Nothing else holds one up where a full sink does not: they would pile up for as long as their topic is away. */
  affordAside(split: Split): 'take' | 'drop' | 'wait' {
    const { lossBudget, asideHasRoom } = this.#parts;
    return lossBudget === null || asideHasRoom() ? 'take' : lossBudget.decide(split);
  }
}
