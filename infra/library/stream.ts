// A stream that an application's own CDK stack declares.
import { RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { DeclaredStreamSpec } from '#core/spec/declared.ts';
import { Declaration, type DeclarationProps } from './declaration.ts';

export interface StreamProps extends DeclarationProps, DeclaredStreamSpec {}

/** It holds events: by default it stays when it leaves the template, and is found again when it comes back. */
export class Stream extends Declaration {
  constructor(scope: Construct, id: string, props: StreamProps) {
    const { name, owner, labels, removalPolicy, adopt, serviceToken, ...spec } = props;
    super(scope, id, props, { kind: 'Stream', spec, removalPolicy: removalPolicy ?? RemovalPolicy.RETAIN });
  }
}
