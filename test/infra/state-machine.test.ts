// The state machine that CDK synthesizes, run by the local interpreter.
import { describe, expect, test } from '@jest/globals';
import { StateMachine } from 'aws-local-stepfunctions';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { createReconcileHandler } from '#functions/reconcile/handler.ts';
import { createLocalMachine, localDefinition } from '#functions/reconcile/local-machine.ts';

describe('the state machine', () => {
  test('is valid in the States Language, paths and addresses too', () => {
    const { States, ...rest } = localDefinition();
    expect(() => new StateMachine({ States, ...rest })).not.toThrow();
    expect(() => new StateMachine({ ...rest, States: {} })).toThrow('definition is invalid');
  });

  test('goes round with a pass a turn until the world has settled', async () => {
    const turns: unknown[] = [];
    const handler = async (input: unknown) => {
      turns.push(input);
      return { goOn: turns.length < 3, turn: turns.length, startedAt: 1, waitSeconds: 1 };
    };
    await createLocalMachine(handler, { waitMs: 0 }).start('test').done;
    expect(turns).toEqual([
      { cause: 'test' },
      { goOn: true, turn: 1, startedAt: 1, waitSeconds: 1 },
      { goOn: true, turn: 2, startedAt: 1, waitSeconds: 1 },
    ]);
  });

  test('tries a pass that fails again, and leaves it to the sweep in the end [fault 35]', async () => {
    let calls = 0;
    const handler = async () => {
      calls++;
      throw new Error('postgres cannot be reached');
    };
    await createLocalMachine(handler, { retryMs: 0 }).start('test').done;
    expect(calls).toBe(5);
  });

  test('an execution that would outlast its time ends, and leaves the rest to the sweep [fault 37]', async () => {
    let now = 1_000_000;
    const unsettled = {
      decisions: 0,
      overtaken: 0,
      failures: [],
      unbalanced: 0,
      wentBack: false,
      settled: false,
      nextPassAt: 0,
    };
    const handler = createReconcileHandler(
      async () => unsettled,
      () => now,
      createLogger({ level: 'error', fields: {} }),
      55_000,
    );
    const first = await handler({ cause: 'sweep' });
    expect(first).toMatchObject({ goOn: true, startedAt: now });
    now += 54_500;
    expect(await handler(first)).toMatchObject({ goOn: false });
  });
});
