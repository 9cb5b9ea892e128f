// The whole platform as one construct: for our own app, and for a team that deploys it from theirs.
import type { Environment, StackProps } from 'aws-cdk-lib';
import { Tags } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { StageConfig } from './config.ts';
import { ControlPlaneStack } from './control-plane-stack.ts';
import { DataStack } from './data-stack.ts';
import { NetworkStack } from './network-stack.ts';
import { ObservabilityStack } from './observability-stack.ts';
import { assertPassesListInTime } from './pass-reads.ts';
import type { Programs } from './programs.ts';
import { RuntimeStack } from './runtime-stack.ts';

export interface MillracePlatformProps {
  readonly config: StageConfig;
  /** Bundled programs (`bundlePrograms`). */
  readonly programs: Programs;
  readonly version: string;
}

/** Stacks by what may be thrown away: `network` and `data` hold what lasts, the other three can be deleted and made anew. */
export class MillracePlatform extends Construct {
  readonly network: NetworkStack;
  readonly data: DataStack;
  readonly runtime: RuntimeStack;
  readonly controlPlane: ControlPlaneStack;
  readonly observability: ObservabilityStack;

  constructor(scope: Construct, id: string, props: MillracePlatformProps) {
    super(scope, id);
    const { config, programs, version } = props;
    assertPassesListInTime(config);
    const env: Environment = { region: config.region, ...(config.account ? { account: config.account } : {}) };
    const stack = (name: string, description: string): StackProps => ({
      ...{ env, description: `Millrace ${config.stage}: ${description}` },
      stackName: `millrace-${config.stage}-${name}`,
    });
    this.network = new NetworkStack(this, 'Network', { ...stack('network', 'the network'), config });
    const { network } = this;
    this.data = new DataStack(this, 'Data', { ...stack('data', 'all that holds data'), config, network });
    const { data } = this;
    this.runtime = new RuntimeStack(this, 'Runtime', {
      ...stack('runtime', 'what runs workers'),
      ...{ config, network, data, programs, version },
    });
    const { runtime } = this;
    this.controlPlane = new ControlPlaneStack(this, 'ControlPlane', {
      ...stack('control-plane', 'the API and the passes'),
      ...{ config, network, data, runtime, programs, version },
    });
    this.observability = new ObservabilityStack(this, 'Observability', {
      ...stack('observability', 'dashboard and alarms'),
      ...{ config, data, runtime, controlPlane: this.controlPlane },
    });
    for (const [key, value] of [
      ['millrace:platform', 'millrace'],
      ['millrace:stage', config.stage],
    ] as const)
      Tags.of(this).add(key, value);
  }
}
