// The sinks of a route: one entry of `to:` is of exactly one kind, and each kind states itself in a file of its own.
import * as z from 'zod';
import { declaredName } from '#core/spec/declared-name.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { declaredCondition } from '#core/spec/sinks/condition.ts';
import { completeHttp, declaredHttp, type HttpSink } from '#core/spec/sinks/http.ts';
import { completeOpenSearch, declaredOpenSearch, type OpenSearchSink } from '#core/spec/sinks/opensearch.ts';
import { declaredStreamSink, type StreamSink } from '#core/spec/sinks/stream.ts';
import { completeWarehouseSink, declaredWarehouseSink, type WarehouseSink } from '#core/spec/sinks/warehouse.ts';

/** A sink of a route; each becomes a job of its own, so that one sink's outage stays local. */
export type SinkSpec = StreamSink | OpenSearchSink | HttpSink | WarehouseSink;
export type SinkKind = SinkSpec['kind'];

/** The key of a `to:` entry that names its kind. */
const sinkKinds = ['stream', 'opensearch', 'http', 'warehouse'] as const satisfies readonly SinkKind[];

export const declaredSink = z
  .strictObject({
    name: declaredName,
    ...declaredCondition,
    ...declaredStreamSink,
    opensearch: declaredOpenSearch.optional().meta({ description: 'An OpenSearch or Elasticsearch cluster.' }),
    http: declaredHttp.optional().meta({ description: 'An HTTP service of your own.' }),
    ...declaredWarehouseSink,
  })
  .superRefine((sink, context) => {
    const named = sinkKinds.filter((kind) => sink[kind] !== undefined);
    if (sink.key !== undefined && sink.stream === undefined)
      context.addIssue({ code: 'custom', path: ['key'], message: 'belongs to a stream sink; leave it out' });
    if (named.length === 1) return;
    const got = named.length === 0 ? 'none' : named.join(' and ');
    context.addIssue({ code: 'custom', message: `got ${got}, expected exactly one of: ${sinkKinds.join(', ')}` });
  });

export type DeclaredSink = z.infer<typeof declaredSink>;

/** Of a sink that was checked: exactly one kind is there. `path` is where it stands. */
export function completeSink(declared: DeclaredSink, path: string, problems: SpecProblem[]): SinkSpec {
  const { name, opensearch, http, warehouse } = declared;
  if (opensearch !== undefined) return completeOpenSearch(name, opensearch, `${path}.opensearch`, problems);
  if (http !== undefined) return completeHttp(name, http, `${path}.http`, problems);
  if (warehouse !== undefined) return completeWarehouseSink(name, warehouse);
  return { name, kind: 'stream', stream: declared.stream!, key: declared.key ?? null };
}

/** The output column whose text goes with each record (a stream's key, a document's id), and where it is declared. */
export function keyColumn(sink: SinkSpec): { readonly column: string; readonly field: string } | null {
  const [column, field] =
    sink.kind === 'stream' ? [sink.key, 'key'] : sink.kind === 'opensearch' ? [sink.id, 'opensearch.id'] : [null, ''];
  return column === null ? null : { column, field };
}

/** The managed streams among the sinks. */
export const sinkStreams = (sinks: readonly SinkSpec[]): readonly string[] =>
  sinks.flatMap((sink) => (sink.kind === 'stream' ? [sink.stream] : []));
