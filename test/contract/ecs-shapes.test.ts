// What the ECS counterpart takes and gives is of the shapes that AWS publishes; what is not is found.
import { DescribeTasksResponse$, ECSClient, RunTaskRequest$, StopTaskCommand } from '@aws-sdk/client-ecs';
import { expect, test } from '@jest/globals';
import { startEcsServer } from '#test/support/ecs-server.ts';
import { shapeFaults } from '#test/support/smithy-shape.ts';

test('a value that fits its shape has no fault; one that does not is named with its path', () => {
  const request = { taskDefinition: 'worker', count: 1, tags: [{ key: 'a', value: 'b' }], enableExecuteCommand: false };
  expect(shapeFaults(RunTaskRequest$, request)).toEqual([]);
  expect(shapeFaults(RunTaskRequest$, { count: 'one', tags: [{ key: 'a', worth: 'b' }], overrides: [] })).toEqual([
    '$: lacks taskDefinition',
    '$.count: got "one", expected a number',
    '$.tags[0].worth: no member of Tag',
    '$.overrides: got [], expected a structure',
  ]);
  expect(shapeFaults(DescribeTasksResponse$, { tasks: [{ createdAt: '2026-11-28' }], failures: {} })).toEqual([
    '$.tasks[0].createdAt: got "2026-11-28", expected a number',
    '$.failures: got {}, expected a list',
  ]);
});

test('a request of another shape is refused, as AWS does, before anything is done', async () => {
  await using server = await startEcsServer({ clusters: [], taskDefinitions: [], tasksMax: 1, stopTimeoutMs: 1 });
  const client = new ECSClient({
    ...{ region: 'us-east-1', endpoint: server.url, maxAttempts: 1 },
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  const wrong = new StopTaskCommand({ task: 7 as unknown as string });
  await expect(client.send(wrong)).rejects.toMatchObject({
    name: 'SerializationException',
    message: '$.task: got 7, expected a string',
  });
  client.destroy();
});
