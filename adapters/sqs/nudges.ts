// Tells the reconciler that something changed, by a queue: many changes at once become few executions.
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { unavailable } from '#core/errors.ts';

export function createNudges(options: {
  readonly region: string;
  readonly queueUrl: string;
  readonly endpoint?: string;
}): (cause: string) => Promise<void> {
  const { region, queueUrl, endpoint } = options;
  const client = new SQSClient({ region, ...(endpoint === undefined ? {} : { endpoint }) });
  return async (cause) => {
    const command = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify({ cause }) });
    await client.send(command).catch((error: unknown) => {
      throw unavailable('sqs', error);
    });
  };
}
