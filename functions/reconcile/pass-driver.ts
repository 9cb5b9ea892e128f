// When to pass: on every nudge at once, and on the sweep whatever happened; executions are few and passes one at a time.
import type { Logger } from '#core/ports/logger.ts';
import type { Execution, LocalMachine } from '#functions/reconcile/local-machine.ts';

/** An execution that waits for the world must not keep a nudge waiting: so a few may run; their passes take turns. */
const executionsMax = 3;

/** Starts executions of the state machine. Nudges that come while as many run as may are one more start afterwards. */
export class PassDriver {
  readonly #machine: LocalMachine;
  readonly #logger: Logger;
  readonly #running = new Set<Execution>();
  #pending: string | null = null;
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
    if (this.#running.size >= executionsMax) {
      this.#pending = cause;
      return;
    }
    const execution = this.#machine.start(cause);
    this.#running.add(execution);
    const over = (): void => {
      this.#running.delete(execution);
      const next = this.#pending;
      this.#pending = null;
      if (next !== null) this.nudge(next);
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
    if (this.#running.size > 0 && !nobodyLooked) return;
    for (const execution of this.#running) execution.abort();
    this.#running.clear();
    this.nudge('sweep');
  }

  /** Starts nothing more; what runs is aborted between two of its states, never within a pass. */
  close(): void {
    this.#closed = true;
    for (const execution of this.#running) execution.abort();
  }
}

export interface Turns<Output> {
  /** Calls that have begun so far, and those that are not over yet. */
  readonly begun: number;
  readonly underWay: number;
  /** After all earlier calls are over, whatever became of them. */
  run(): Promise<Output>;
  /** Resolves when no call is under way. */
  idle(): Promise<void>;
}

/** Calls of `work` one after the other, in the order they were asked for. */
export function oneAtATime<Output>(work: () => Promise<Output>): Turns<Output> {
  let last: Promise<unknown> = Promise.resolve();
  let begun = 0;
  let underWay = 0;
  const turn = (): Promise<Output> => {
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
      underWay++;
      const next = last.then(turn).finally(() => underWay--);
      last = next.catch(() => undefined);
      return next;
    },
    idle: () => last.then(() => undefined),
  };
}
