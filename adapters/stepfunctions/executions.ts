// Starts executions of the reconciler's state machine.
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { unavailable } from '#core/errors.ts';

/** `exists`: one of this name was started before. */
export type StartExecution = (name: string, cause: string) => Promise<'started' | 'exists'>;

export function createExecutions(options: {
  readonly region: string;
  readonly stateMachineArn: string;
  readonly endpoint?: string;
}): StartExecution {
  const { region, stateMachineArn, endpoint } = options;
  const client = new SFNClient({ region, ...(endpoint === undefined ? {} : { endpoint }) });
  return async (name, cause) => {
    try {
      await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify({ cause }) }));
      return 'started';
    } catch (error) {
      if (error instanceof ExecutionAlreadyExists) return 'exists';
      throw unavailable('stepfunctions', error);
    }
  };
}
