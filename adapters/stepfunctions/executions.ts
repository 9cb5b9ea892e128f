// Starts executions of the reconciler's state machine.
import { randomUUID } from 'node:crypto';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { unavailable } from '#core/errors.ts';

/** `exists`: one of this name was started before, by another call. */
export type StartExecution = (name: string, cause: string) => Promise<'started' | 'exists'>;

/** The function that starts them has 15 s. */
const requestMsDefault = 3_000;

export function createExecutions(options: {
  readonly region: string;
  readonly stateMachineArn: string;
  readonly endpoint?: string;
  readonly requestMs?: number;
}): StartExecution {
  const { region, stateMachineArn, endpoint, requestMs = requestMsDefault } = options;
  const client = new SFNClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: waitAtMost(requestMs),
  });
  return async (name, cause) => {
    // An execution that runs is answered as started to whoever asks for its name with its very input: only to us, where an answer was lost.
    const input = JSON.stringify({ cause, call: randomUUID() });
    try {
      await client.send(new StartExecutionCommand({ stateMachineArn, name, input }));
      return 'started';
    } catch (error) {
      if (error instanceof ExecutionAlreadyExists) return 'exists';
      throw unavailable('stepfunctions', error);
    }
  };
}
