// A reconciler's process in virtual time: the product's own pass, handler and pass driver; only the state machine's waits are modelled.

import { createReconcileHandler, type PassTurn } from '#functions/reconcile/handler.ts';
import type { Execution, LocalMachine } from '#functions/reconcile/local-machine.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { oneAtATime, PassDriver, type Turns } from '#functions/reconcile/pass-driver.ts';
import { type PassReport, runPass, type TargetBackoff } from '#functions/reconcile/run-pass.ts';
import type { Actor, Network } from './network.ts';

/** As in infra/reconcile.asl.json. */
const triesMax = 5;
const retryMs = 1_000;

export class ModelReconciler {
  readonly actor: Actor;
  readonly #driver: PassDriver;
  readonly #passes: Turns<PassReport>;

  constructor(actor: Actor, network: Network, parts: ReconcileParts, onPass: (report: PassReport) => void) {
    this.actor = actor;
    const backoff: TargetBackoff = new Map();
    const beats = { sightings: new Map() };
    this.#passes = oneAtATime(async () => {
      const report = await runPass(parts, backoff, undefined, beats);
      onPass(report);
      return report;
    });
    const handler = createReconcileHandler(() => this.#passes.run(), parts.clock.now, parts.logger);
    this.#driver = new PassDriver(virtualMachine(actor, network, handler), parts.logger, this.#passes);
  }

  nudge(): void {
    if (this.actor.alive) this.#driver.nudge('nudge');
  }

  sweep(): void {
    if (this.actor.alive) this.#driver.sweep();
  }

  /** One pass by itself; null when it failed as a whole. */
  async pass(): Promise<PassReport | null> {
    return await this.#passes.run().catch(() => null);
  }
}

/** The state machine's definition in virtual time: Pass, with its retries; Wait; again, until settled. */
function virtualMachine(actor: Actor, network: Network, handler: (input: unknown) => Promise<PassTurn>): LocalMachine {
  const passWithRetries = async (input: unknown): Promise<PassTurn | null> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await handler(input);
      } catch {
        if (attempt === triesMax) return null;
        await network.sleep(actor, retryMs * 2 ** (attempt - 1));
      }
    }
  };
  return {
    start(cause): Execution {
      let isAborted = false;
      const execute = async (): Promise<void> => {
        let input: unknown = { cause };
        for (;;) {
          const turn = await passWithRetries(input);
          if (turn === null || !turn.goOn || isAborted) return;
          await network.sleep(actor, turn.waitSeconds * 1_000);
          if (isAborted) return;
          input = turn;
        }
      };
      const abort = (): void => {
        isAborted = true;
      };
      return { done: execute(), abort };
    },
  };
}
