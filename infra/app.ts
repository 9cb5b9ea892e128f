// The CDK app: stages to stacks. Synthesizes without credentials: no look-ups, no context.
import { App } from 'aws-cdk-lib';
import { ControlPlaneStack } from './control-plane-stack.ts';

const app = new App();
new ControlPlaneStack(app, 'MillraceControlPlane');
app.synth();
