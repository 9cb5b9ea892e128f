// The control plane, as far as it stands: the state machine that drives passes, and the sweep that starts it.
import { join } from 'node:path';
import { CfnParameter, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { reconcileStateMachine } from '#core/names.ts';

/** The same file is run locally by an interpreter (functions/reconcile/local-machine.ts). */
const reconcileDefinitionFile = join(import.meta.dirname, 'reconcile.asl.json');

export class ControlPlaneStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    const functionArn = new CfnParameter(this, 'ReconcileFunctionArn', {
      type: 'String',
      description: 'The reconcile function: one pass a call (functions/reconcile/handler.ts).',
      allowedPattern: '^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?$',
    });
    const machine = new StateMachine(this, 'ReconcileMachine', {
      stateMachineName: reconcileStateMachine,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromFile(reconcileDefinitionFile),
      definitionSubstitutions: { ReconcileFunctionArn: functionArn.valueAsString },
      timeout: Duration.hours(1),
      logs: {
        destination: new LogGroup(this, 'ReconcileLog', { retention: RetentionDays.ONE_MONTH }),
        level: LogLevel.ERROR,
      },
      tracingEnabled: true,
    });
    LambdaFunction.fromFunctionArn(this, 'Reconcile', functionArn.valueAsString).grantInvoke(machine);
    new Rule(this, 'Sweep', {
      description: 'Every minute, whatever happened: a lost event costs a minute, never more.',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new SfnStateMachine(machine, { input: RuleTargetInput.fromObject({ cause: 'sweep' }) })],
    });
  }
}
