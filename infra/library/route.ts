// A route that an application's own CDK stack declares.
import { RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { DeclaredRouteSpec } from '#core/spec/declared.ts';
import { Declaration, type DeclarationProps } from './declaration.ts';
import { Stream } from './stream.ts';

type DeclaredSink = DeclaredRouteSpec['to'][number];
/** A stream by its name, or the construct that declares it. */
export type RouteSink = Omit<DeclaredSink, 'stream'> & { readonly stream?: string | Stream };

export interface RouteProps extends DeclarationProps, Omit<DeclaredRouteSpec, 'from' | 'to'> {
  readonly from: string | Stream;
  readonly to: readonly RouteSink[];
}

const nameOf = (stream: string | Stream): string => (stream instanceof Stream ? stream.declaredName : stream);

/** It holds nothing but its positions: by default it goes when it leaves the template. */
export class Route extends Declaration {
  constructor(scope: Construct, id: string, props: RouteProps) {
    const { name, owner, labels, removalPolicy, adopt, serviceToken, from, to, ...rest } = props;
    const sinks = to.map(({ stream, ...sink }) => (stream === undefined ? sink : { ...sink, stream: nameOf(stream) }));
    const spec = { from: nameOf(from), to: sinks, ...rest };
    super(scope, id, props, { kind: 'Route', spec, removalPolicy: removalPolicy ?? RemovalPolicy.DESTROY });
    // Made after what it reads and writes, and taken away before it.
    for (const stream of [from, ...to.map((sink) => sink.stream)])
      if (stream instanceof Stream) this.node.addDependency(stream);
  }
}
