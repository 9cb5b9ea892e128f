// One definition, one handler, two interpreters: what we run on one machine, and moto's, go the same way through the state machine.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, test } from '@jest/globals';
import { StateMachine } from 'aws-local-stepfunctions';
import { createReconcileHandler } from '#functions/reconcile/handler.ts';
import { localDefinition } from '#functions/reconcile/local-machine.ts';
import type { PassReport } from '#functions/reconcile/run-pass.ts';
import { ensurePython } from '#test/deploy/python.ts';
import { motoAccess, ownMoto } from '#test/support/moto.ts';
import { silent } from '#test/support/silent-logger.ts';
import { until } from '#test/support/until.ts';

/** What became of an execution: the states that it entered, and what the handler was given, whether it then failed or not. */
interface Course {
  readonly entered: readonly string[];
  readonly given: readonly unknown[];
}

const cause = { cause: 'a test' };
/** The clock stands still, so that both handlers say the same. */
const now = (): number => 1_800_000_000_000;

/** The product's handler, over passes that settle or fail as they are told. */
function aHandler(passes: readonly ('settled' | 'unsettled' | 'fails')[]) {
  const given: unknown[] = [];
  const pass = async (): Promise<PassReport> => {
    const how = passes[given.length - 1] ?? 'settled';
    if (how === 'fails') throw new Error('postgres cannot be reached');
    const nothing = { decisions: 0, overtaken: 0, failures: [], unbalanced: 0, wentBack: false, nextPassAt: 0 };
    return { ...nothing, settled: how === 'settled' };
  };
  const handle = createReconcileHandler(pass, now, silent, 55_000);
  const handler = async (input: unknown) => {
    given.push(input);
    return await handle(input);
  };
  return { given, handler };
}

async function onThisMachine(passes: Parameters<typeof aHandler>[0]): Promise<Course> {
  const { given, handler } = aHandler(passes);
  const execution = new StateMachine(localDefinition()).run(cause, {
    overrides: {
      taskResourceLocalHandlers: { Pass: handler },
      waitTimeOverrides: { WaitForTheWorld: 0 },
      retryIntervalOverrides: { Pass: 0 },
    },
  });
  const entered: string[] = [];
  for await (const event of execution.eventLogs) if (event.type === 'StateEntered') entered.push(event.state.name);
  await execution.result;
  return { entered, given };
}

/** Its tasks call Lambda at the port that it is told; there the handler answers, as a function of that name would. */
async function onMoto(passes: Parameters<typeof aHandler>[0]): Promise<Course> {
  const { given, handler } = aHandler(passes);
  const functions = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await handler(JSON.parse(Buffer.concat(chunks).toString())).catch((error: Error) => {
      response.setHeader('x-amz-function-error', 'Unhandled');
      return { errorType: error.name, errorMessage: error.message };
    });
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(functions, 'listening');
  try {
    await using moto = await ownMoto({ servicesPort: (functions.address() as AddressInfo).port });
    const body = JSON.stringify({ stepfunctions: { execute_state_machine: true } });
    await fetch(`${moto!.url}/moto-api/config`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const states = new SFNClient({ ...motoAccess, endpoint: moto!.url });
    const roleArn = 'arn:aws:iam::123456789012:role/millrace-machine';
    const definition = JSON.stringify(localDefinition());
    const { stateMachineArn } = await states.send(
      new CreateStateMachineCommand({ name: 'passes', definition, roleArn }),
    );
    const { executionArn } = await states.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(cause) }),
    );
    await until(async () => {
      const { status } = await states.send(new DescribeExecutionCommand({ executionArn }));
      return status === 'SUCCEEDED' || null;
    }, 'the execution to succeed');
    const { events = [] } = await states.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }));
    states.destroy();
    return { entered: events.flatMap((event) => event.stateEnteredEventDetails?.name ?? []), given };
  } finally {
    functions.closeAllConnections();
    functions.close();
  }
}

const withPython = (await ensurePython('counterparts', () => {})) === null ? describe.skip : describe;

withPython('the state machine goes the same way on this machine and on moto', () => {
  test('round with a pass a turn, one of which fails once, until the world has settled', async () => {
    const passes = ['unsettled', 'fails', 'unsettled', 'settled'] as const;
    const here = await onThisMachine(passes);
    expect(await onMoto(passes)).toEqual(here);
    const round = ['Pass', 'HasSettled', 'WaitForTheWorld'];
    expect(here.entered).toEqual([...round, ...round, 'Pass', 'HasSettled', 'Settled']);
    expect(here.given).toHaveLength(4);
  });
});
