// What must hold between declarations: before an apply, the incoming ones are checked against all that is declared.

import type { RoutePlanner } from '#core/expression/index.ts';
import { checkTargets } from '#core/graph/check-sinks.ts';
import type { SinkSettings } from '#core/graph/platform-settings.ts';
import { checkTableChanges } from '#core/graph/table-changes.ts';
import { buildWorld, type World } from '#core/graph/world.ts';
import { checkCompatibility } from '#core/spec/compatibility.ts';
import type { Document, Kind } from '#core/spec/document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { sinkStreams } from '#core/spec/sinks/sink-spec.ts';

export const documentKey = (kind: Kind, name: string): string => `${kind}/${name}`;
const keyOf = (document: Document): string => documentKey(document.kind, document.metadata.name);

/** All documents as they would be: the incoming ones replace those of the same kind and name. */
export function mergeDocuments(current: readonly Document[], incoming: readonly Document[]): readonly Document[] {
  const merged = new Map(current.map((document) => [keyOf(document), document]));
  for (const document of incoming) merged.set(keyOf(document), document);
  return [...merged.values()];
}

export interface CheckedDocuments {
  readonly after: World;
  /** By `Kind/name` of the incoming documents; those without problems are not in it. */
  readonly problems: ReadonlyMap<string, readonly SpecProblem[]>;
}

/** `before`: the world of what is declared now, where somebody has it. */
export function checkDocuments(
  current: readonly Document[],
  incoming: readonly Document[],
  plan: RoutePlanner,
  sinks: SinkSettings,
  before: World = buildWorld(current, plan),
): CheckedDocuments {
  const after = buildWorld(mergeDocuments(current, incoming), plan);
  const currentByKey = new Map(current.map((document) => [keyOf(document), document]));
  const problems = new Map<string, readonly SpecProblem[]>();
  for (const document of incoming) {
    const { name } = document.metadata;
    const found = [
      ...checkOwner(document, currentByKey.get(keyOf(document))),
      ...(document.kind === 'Route' ? (after.routes.get(name)?.problems ?? []) : checkPartitions(name, before, after)),
      ...checkSchemaChange(document, currentByKey.get(keyOf(document))),
      ...checkReaders(document, before, after, incoming),
      ...checkTargets(document, sinks),
      ...(document.kind === 'Route' ? checkTableChanges(name, before, after) : []),
    ];
    if (found.length > 0) problems.set(keyOf(document), found);
  }
  return { after, problems };
}

function checkOwner(document: Document, current: Document | undefined): readonly SpecProblem[] {
  if (!current || current.metadata.owner === document.metadata.owner) return [];
  return [
    {
      path: 'metadata.owner',
      message: `${document.kind} ${JSON.stringify(document.metadata.name)} belongs to ${JSON.stringify(current.metadata.owner)}, got owner ${JSON.stringify(document.metadata.owner)}`,
      fix: `choose another name, or have ${current.metadata.owner} delete theirs`,
    },
  ];
}

function checkSchemaChange(document: Document, current: Document | undefined): readonly SpecProblem[] {
  if (document.kind !== 'Stream' || current?.kind !== 'Stream') return [];
  return checkCompatibility(current.spec, document.spec);
}

function checkPartitions(name: string, before: World, after: World): readonly SpecProblem[] {
  const was = before.streams.get(name)?.partitions;
  const is = after.streams.get(name)!.partitions;
  if (was === undefined || is >= was) return [];
  const message = `got ${is}, but the stream has ${was}: partitions can only grow`;
  return [{ path: 'spec.partitions', message, fix: `set ${was} or more` }];
}

/** Routes that are whole now and would not be afterwards: because a field goes, or a stream that this route implied. */
function checkReaders(
  document: Document,
  before: World,
  after: World,
  incoming: readonly Document[],
): readonly SpecProblem[] {
  const incomingRoutes = new Set(incoming.filter(({ kind }) => kind === 'Route').map(({ metadata }) => metadata.name));
  const streams = document.kind === 'Stream' ? [document.metadata.name] : impliedBy(document.metadata.name, before);
  return [...after.routes].flatMap(([name, route]): readonly SpecProblem[] => {
    const wasBroken = (before.routes.get(name)?.problems.length ?? 0) > 0;
    if (incomingRoutes.has(name) || wasBroken || route.problems.length === 0) return [];
    if (!streams.some((stream) => reads(after, name, stream) || reads(before, name, stream))) return [];
    const first = route.problems[0]!;
    const message = `breaks route ${JSON.stringify(name)} (${first.path}: ${first.message})`;
    const path = document.kind === 'Stream' && first.path !== 'spec.to[0].stream' ? 'spec.schema' : 'spec';
    return [{ path, message, fix: 'keep what it reads, or change that route in the same apply' }];
  });
}

/** Streams that stand on this route's word alone. */
const impliedBy = (route: string, world: World): readonly string[] =>
  sinkStreams(world.routes.get(route)?.document.spec.sinks ?? []).filter(
    (stream) => world.streams.get(stream)?.document === null,
  );

/** Does the route read the stream or write to it, or read what comes of it? */
function reads(world: World, routeName: string, stream: string): boolean {
  const seen = new Set<string>();
  const open = [routeName];
  while (open.length > 0) {
    const name = open.pop()!;
    if (seen.has(name)) continue;
    seen.add(name);
    const spec = world.routes.get(name)?.document.spec;
    if (!spec) continue;
    if (spec.from === stream || sinkStreams(spec.sinks).includes(stream)) return true;
    open.push(...(world.streams.get(spec.from)?.writers ?? []));
  }
  return false;
}
