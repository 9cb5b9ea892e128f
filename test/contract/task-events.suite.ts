// From a task that ended to an execution of the reconciler's machine: rule, queue, function, and the queue for what fails.
import { CreateStateMachineCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createExecutions } from '#adapters/stepfunctions/executions.ts';
import { createNudgeHandler } from '#functions/nudge/start-passes.ts';
import { nudgeReceivesMax, stoppedTasks } from '#infra/task-events.ts';
import { eventBus, taskEvent } from '#test/support/event-bus.ts';
import { motoAccess } from '#test/support/moto.ts';

const cell = 'arn:aws:ecs:us-east-1:123456789012:cluster/millrace-cell-1';

export function taskEventsSuite(motoUrl: string): void {
  const at = { ...motoAccess, endpoint: motoUrl };
  const bus = eventBus(motoUrl);
  let sqs: SQSClient;
  let states: SFNClient;
  let nudges: string;
  let dead: string;

  const makeQueue = async (QueueName: string, Attributes: Record<string, string> = {}) => {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    const url = QueueUrl.replace(/^https?:\/\/[^/]+/, motoUrl);
    const found = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }));
    return { url, arn: found.Attributes?.['QueueArn'] ?? '' };
  };
  const receive = async (QueueUrl: string): Promise<readonly Message[]> =>
    (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }))).Messages ??
    [];

  beforeAll(async () => {
    sqs = new SQSClient(at);
    states = new SFNClient(at);
    const forDead = await makeQueue('dead-nudges');
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: forDead.arn, maxReceiveCount: nudgeReceivesMax });
    const forNudges = await makeQueue('task-nudges', { RedrivePolicy });
    [nudges, dead] = [forNudges.url, forDead.url];
    const { source, detailType, detail } = stoppedTasks([cell]);
    await bus.addRule('task-stopped', { source, 'detail-type': detailType, detail }, forNudges.arn);
  });
  afterAll(() => {
    sqs.destroy();
    states.destroy();
  });

  test('a task of a cell that ended starts an execution; one that runs, one elsewhere and other events do not', async () => {
    const send = ({ source, detailType, detail }: ReturnType<typeof taskEvent>, type: string = detailType) =>
      bus.send(source, type, detail);
    for (const status of ['PROVISIONING', 'RUNNING', 'DEPROVISIONING']) await send(taskEvent(cell, status));
    await send(taskEvent(`${cell}0`, 'STOPPED'));
    await send(taskEvent(cell, 'STOPPED'), 'ECS Service Action');
    expect(await receive(nudges)).toEqual([]);
    await send(taskEvent(cell, 'STOPPED'));
    const messages = await receive(nudges);
    expect(messages).toHaveLength(1);

    const { stateMachineArn = '' } = await states.send(
      new CreateStateMachineCommand({
        name: 'millrace-reconcile-events',
        definition: JSON.stringify({ StartAt: 'End', States: { End: { Type: 'Succeed' } } }),
        roleArn: 'arn:aws:iam::123456789012:role/millrace-machine',
      }),
    );
    const start = createExecutions({ region: at.region, stateMachineArn, endpoint: motoUrl });
    const name = await createNudgeHandler({ start, now: () => 7_000, sleep: async () => {} })('1 nudges');
    const { executions = [] } = await states.send(new ListExecutionsCommand({ stateMachineArn }));
    expect(executions.map((execution) => execution.name)).toEqual([name]);
    // Lambda takes away what its function has done.
    for (const { ReceiptHandle = '' } of messages)
      await sqs.send(new DeleteMessageCommand({ QueueUrl: nudges, ReceiptHandle }));
    expect(await receive(nudges)).toEqual([]);
  });

  test('a nudge whose function fails comes again, and in the end lies where the alarm looks, with what it was', async () => {
    const { source, detailType, detail } = taskEvent(cell, 'STOPPED');
    await bus.send(source, detailType, detail);
    const handle = createNudgeHandler({
      start: async () => {
        throw new Error('Step Functions is away');
      },
      ...{ now: () => 0, sleep: async () => {} },
    });
    let tries = 0;
    for (; (await receive(nudges)).length > 0; tries++) await expect(handle('1 nudges')).rejects.toThrow(/is away/);
    expect(tries).toBe(nudgeReceivesMax);
    const [left] = await receive(dead);
    expect(JSON.parse(left?.Body ?? '{}')).toMatchObject({ detail: { taskArn: detail.taskArn } });
  });
}
