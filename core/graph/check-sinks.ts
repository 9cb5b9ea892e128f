// What a sink's declaration must hold beyond its own shape: columns of the output, and what this platform lets it reach.
import { formatType, type RoutePlanner, type RouteProgram } from '#core/expression/index.ts';
import type { SinkSettings } from '#core/graph/platform-settings.ts';
import { type Network, parseNetworks } from '#core/network/address.ts';
import { refuseTarget } from '#core/network/target-url.ts';
import type { Document } from '#core/spec/document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { indexTimeText } from '#core/spec/sinks/index-pattern.ts';
import type { SinkSpec } from '#core/spec/sinks/sink-spec.ts';
import type { StreamFormat } from '#core/spec/stream-format.ts';

const timeTypes = ['timestamptz', 'timestamp', 'date', 'jsonb'];

/** An index that is named after a time needs a column of the output that is one. */
export function checkIndexTime(sink: SinkSpec, path: string, program: RouteProgram, plan: RoutePlanner): SpecProblem[] {
  const text = sink.kind === 'opensearch' ? indexTimeText(sink.index) : null;
  if (text === null) return [];
  const planned = plan({ select: text }, program.output, { validate: 'read' });
  const at = `${path}.opensearch.index`;
  if (!planned.ok)
    return planned.problem.map(({ message, hint }) => ({
      ...{ path: at, message },
      ...(hint === undefined ? {} : { fix: hint }),
    }));
  const type = planned.value.output?.[0]?.type;
  if (type === undefined || type.kind === 'dynamic') return [];
  if (type.kind === 'scalar' && timeTypes.includes(type.type)) return [];
  const message = `the date is taken from a column of type ${formatType(type)}, expected timestamptz, timestamp or date`;
  return [{ path: at, message, fix: 'cast it in select, such as ts::timestamptz AS ts' }];
}

/** Hosts that this platform does not let a sink write to, as far as the declaration's text tells. */
export function checkTargets(document: Document, settings: SinkSettings): readonly SpecProblem[] {
  if (document.kind === 'Stream') return checkRegistry(document.spec.format, settings);
  const opened = openedNetworks(settings.networks);
  return document.spec.sinks.flatMap((sink, index): readonly SpecProblem[] => {
    if (sink.kind === 'stream' || sink.kind === 'warehouse') return [];
    const path = `spec.to[${index}].${sink.kind}.url`;
    const url = sink.kind === 'opensearch' ? (sink.url ?? settings.openSearchUrl) : sink.url;
    if (url === null)
      return [{ path, message: 'got nothing, and this platform names no cluster of its own', fix: 'name the cluster' }];
    const refused = refuseTarget(url, opened);
    return refused === null ? [] : [{ path, ...refused }];
  });
}

/** The same for the registry of a stream's schemas. */
function checkRegistry(format: StreamFormat | null, { networks, registryUrl }: SinkSettings): readonly SpecProblem[] {
  if (format === null) return [];
  const path = 'spec.registry.url';
  const url = format.url ?? registryUrl;
  if (url === null)
    return [
      {
        path,
        message: 'got nothing, and this platform names no schema registry of its own',
        fix: 'name the registry; on one machine start the platform with `millrace up --with registry`',
      },
    ];
  const refused = refuseTarget(url, openedNetworks(networks));
  return refused === null ? [] : [{ path, ...refused }];
}

/** What cannot be read opens nothing. */
export const openedNetworks = (texts: readonly string[]): readonly Network[] =>
  texts.flatMap((text) => parseNetworks(text) ?? []);
