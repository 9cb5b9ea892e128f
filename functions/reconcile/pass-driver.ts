// When to pass: on every nudge at once, and on the sweep whatever happened; one execution at a time, and its passes one at a time.
import type { Logger } from '#core/ports/logger.ts';
import type { Execution, LocalMachine } from '#functions/reconcile/local-machine.ts';

/**
 * Starts executions of the state machine. What one waits for, the next looks at as well: so whoever is started takes the place of
 * the one before. Beside each other they would all go on passing until the same world has settled.
 */
export class PassDriver {
  readonly #machine: LocalMachine;
  readonly #logger: Logger;
  #running: Execution | null = null;
  #closed = false;
  readonly #passes: Pick<Turns<unknown>, 'begun' | 'underWay'>;
  #begunAtSweep = -1;

  constructor(machine: LocalMachine, logger: Logger, passes: Pick<Turns<unknown>, 'begun' | 'underWay'>) {
    this.#machine = machine;
    this.#logger = logger;
    this.#passes = passes;
  }

  nudge(cause: string): void {
    if (this.#closed) return;
    this.#running?.abort();
    const execution = this.#machine.start(cause);
    this.#running = execution;
    const over = (): void => {
      if (this.#running === execution) this.#running = null;
    };
    execution.done.then(over, (error: unknown) => {
      this.#logger.error('an execution of the state machine failed', { error });
      over();
    });
  }

  /**
   * Only where nobody has looked since the last sweep: beside passes that go on a sweep would see the same. An execution
   * that waits for a backoff's end looks at nothing meanwhile: its wait is over, the sweep's execution goes on for it.
   */
  sweep(): void {
    const { begun, underWay } = this.#passes;
    const nobodyLooked = begun === this.#begunAtSweep && underWay === 0;
    this.#begunAtSweep = begun;
    if (this.#running === null || nobodyLooked) this.nudge('sweep');
  }

  /** Starts nothing more; what runs is aborted between two of its states, never within a pass. */
  close(): void {
    this.#closed = true;
    this.#running?.abort();
  }
}

export interface Turns<Output> {
  /** How many have begun so far, and how many are not over yet. */
  readonly begun: number;
  readonly underWay: number;
  /** One that begins after this call, and after all earlier ones are over, whatever became of them. */
  run(): Promise<Output>;
  /** Resolves when no call is under way. */
  idle(): Promise<void>;
}

/** Calls of `work` one after the other. Whoever asks while one has yet to begin shares it: it will see what they want seen. */
export function oneAtATime<Output>(work: () => Promise<Output>): Turns<Output> {
  let last: Promise<unknown> = Promise.resolve();
  let yetToBegin: Promise<Output> | null = null;
  let begun = 0;
  let underWay = 0;
  const turn = (): Promise<Output> => {
    yetToBegin = null;
    begun++;
    return work();
  };
  return {
    get begun() {
      return begun;
    },
    get underWay() {
      return underWay;
    },
    run() {
      if (yetToBegin !== null) return yetToBegin;
      underWay++;
      const next = last.then(turn).finally(() => underWay--);
      yetToBegin = next;
      last = next.catch(() => undefined);
      return next;
    },
    idle: () => last.then(() => undefined),
  };
}
