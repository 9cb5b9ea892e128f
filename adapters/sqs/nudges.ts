// Tells the reconciler that something changed, by a queue: many changes at once become few executions.
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { unavailable } from '#core/errors.ts';

/** A request that is carried out already waits for this: there is time for a second attempt, and for no more. */
const withinMsDefault = 2_000;

export function createNudges(options: {
  readonly region: string;
  readonly queueUrl: string;
  readonly endpoint?: string;
  readonly withinMs?: number;
}): (cause: string) => Promise<void> {
  const { region, queueUrl, endpoint, withinMs = withinMsDefault } = options;
  const client = new SQSClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: waitAtMost(withinMs / 2),
  });
  return async (cause) => {
    const command = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify({ cause }) });
    await client.send(command, { abortSignal: AbortSignal.timeout(withinMs) }).catch((error: unknown) => {
      throw unavailable('sqs', error);
    });
  };
}
