// The stack that holds the state machine, and the state machine itself run by the local interpreter.
import { describe, expect, test } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { createLocalMachine } from '#functions/reconcile/local-machine.ts';
import { ControlPlaneStack } from '#infra/control-plane-stack.ts';

const template = Template.fromStack(new ControlPlaneStack(new App(), 'Test'));
describe('the control plane stack', () => {
  test('holds the state machine from the file that the local interpreter runs', () => {
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineName: 'millrace-reconcile',
      DefinitionSubstitutions: { ReconcileFunctionArn: { Ref: 'ReconcileFunctionArn' } },
      DefinitionS3Location: Match.anyValue(),
    });
  });

  test('sweeps every minute', () => {
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 minute)' });
  });

  test('lets the state machine invoke the reconcile function and nothing else', () => {
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      (policy) => policy['Properties'].PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[],
    );
    const actions = statements
      .flatMap((statement) => statement.Action)
      .filter((action) => !/^(logs|xray):/.test(action));
    expect(actions).toEqual(['lambda:InvokeFunction', 'states:StartExecution']);
  });
});

describe('the state machine', () => {
  test('goes round with a pass a turn until the world has settled', async () => {
    const turns: unknown[] = [];
    const handler = async (input: unknown) => {
      turns.push(input);
      return { goOn: turns.length < 3, turn: turns.length, waitSeconds: 1 };
    };
    await createLocalMachine(handler, { waitMs: 0 }).start('test').done;
    expect(turns).toEqual([
      { cause: 'test' },
      { goOn: true, turn: 1, waitSeconds: 1 },
      { goOn: true, turn: 2, waitSeconds: 1 },
    ]);
  });

  test('tries a pass that fails again, and leaves it to the sweep in the end', async () => {
    let calls = 0;
    const handler = async () => {
      calls++;
      throw new Error('postgres cannot be reached');
    };
    await createLocalMachine(handler, { retryMs: 0 }).start('test').done;
    expect(calls).toBe(5);
  });
});
