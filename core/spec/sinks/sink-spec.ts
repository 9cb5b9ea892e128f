// The sinks of a route: one entry of `to:` is of exactly one kind, and each kind states itself in a file of its own.
import { z } from 'zod';
import { declaredName } from '#core/spec/declared-name.ts';
import { declaredStreamSink, type StreamSink } from '#core/spec/sinks/stream.ts';

/** A sink of a route; each becomes a job of its own, so that one sink's outage stays local. */
export type SinkSpec = StreamSink;
export type SinkKind = SinkSpec['kind'];

/** The key of a `to:` entry that names its kind. */
const sinkKinds = ['stream'] as const satisfies readonly SinkKind[];

export const declaredSink = z
  .strictObject({ name: declaredName, ...declaredStreamSink })
  .superRefine((sink, context) => {
    const named = sinkKinds.filter((kind) => sink[kind] !== undefined);
    if (named.length === 1) return;
    const got = named.length === 0 ? 'none' : named.join(' and ');
    context.addIssue({ code: 'custom', message: `got ${got}, expected exactly one of: ${sinkKinds.join(', ')}` });
  });

export type DeclaredSink = z.infer<typeof declaredSink>;

/** Of a sink that was checked: exactly one kind is there. */
export const completeSink = (declared: DeclaredSink): SinkSpec => ({
  name: declared.name,
  kind: 'stream',
  stream: declared.stream!,
  key: declared.key ?? null,
});

/** The output column whose text goes with each record: a stream's key. */
export const keyColumn = (sink: SinkSpec): string | null => sink.key;

/** The managed streams among the sinks. */
export const sinkStreams = (sinks: readonly SinkSpec[]): readonly string[] =>
  sinks.flatMap((sink) => (sink.kind === 'stream' ? [sink.stream] : []));
