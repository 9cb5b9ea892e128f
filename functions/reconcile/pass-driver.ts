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

  constructor(machine: LocalMachine, logger: Logger) {
    this.#machine = machine;
    this.#logger = logger;
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

  /** Only where nothing runs: a sweep beside a running execution would see the same. */
  sweep(): void {
    if (this.#running.size === 0) this.nudge('sweep');
  }

  /** Starts nothing more; what runs is aborted between two of its states, never within a pass. */
  close(): void {
    this.#closed = true;
    for (const execution of this.#running) execution.abort();
  }
}

export interface Turns<Output> {
  /** After all earlier calls are over, whatever became of them. */
  run(): Promise<Output>;
  /** Resolves when no call is under way. */
  idle(): Promise<void>;
}

/** Calls of `work` one after the other, in the order they were asked for. */
export function oneAtATime<Output>(work: () => Promise<Output>): Turns<Output> {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run() {
      const next = last.then(work);
      last = next.catch(() => undefined);
      return next;
    },
    idle: () => last.then(() => undefined),
  };
}
