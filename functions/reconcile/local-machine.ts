// The state machine on this machine: the definition that CDK synthesizes, run by an interpreter, its Lambda called in process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StateMachine } from 'aws-local-stepfunctions';
import type { PassTurn } from '#functions/reconcile/handler.ts';

const definitionFile = join(import.meta.dirname, '../../infra/reconcile.asl.json');
/** Its only meaning is to satisfy the definition's syntax: the interpreter calls the handler. */
const localArn = 'arn:aws:lambda:us-east-1:000000000000:function:reconcile';

export interface Execution {
  readonly done: Promise<void>;
  abort(): void;
}

export interface LocalMachine {
  start(cause: string): Execution;
}

/** As CDK synthesizes it, with an address of a function put in. */
export const localDefinition = (): ConstructorParameters<typeof StateMachine>[0] =>
  JSON.parse(readFileSync(definitionFile, 'utf8').replaceAll(/\$\{ReconcileFunctionArn\}/g, localArn));

/** `overrides` shorten waits for tests; a program gives none. */
export function createLocalMachine(
  handler: (input: unknown) => Promise<PassTurn>,
  overrides: { readonly waitMs?: number; readonly retryMs?: number } = {},
): LocalMachine {
  // A test has checked it. To compile what checks it was most of the processor time of a reconciler's start.
  const machine = new StateMachine(localDefinition(), { validationOptions: { noValidate: true } });
  return {
    start(cause) {
      const execution = machine.run(
        { cause },
        {
          noThrowOnAbort: true,
          overrides: {
            taskResourceLocalHandlers: { Pass: handler },
            ...(overrides.waitMs === undefined ? {} : { waitTimeOverrides: { WaitForTheWorld: overrides.waitMs } }),
            ...(overrides.retryMs === undefined ? {} : { retryIntervalOverrides: { Pass: overrides.retryMs } }),
          },
        },
      );
      return { done: execution.result.then(() => undefined), abort: () => execution.abort() };
    },
  };
}
