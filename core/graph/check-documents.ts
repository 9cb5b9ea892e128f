// What must hold between declarations: before an apply, the incoming ones are checked against all that is declared.
import { buildWorld, type RoutePlanner, type World } from '#core/graph/world.ts';
import type { Document, Kind, SpecProblem } from '#core/spec/document.ts';

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

export function checkDocuments(
  current: readonly Document[],
  incoming: readonly Document[],
  plan: RoutePlanner,
): CheckedDocuments {
  const before = buildWorld(current, plan);
  const after = buildWorld(mergeDocuments(current, incoming), plan);
  const currentByKey = new Map(current.map((document) => [keyOf(document), document]));
  const problems = new Map<string, readonly SpecProblem[]>();
  for (const document of incoming) {
    const found = [
      ...checkOwner(document, currentByKey.get(keyOf(document))),
      ...(document.kind === 'Route'
        ? (after.routes.get(document.metadata.name)?.problems ?? [])
        : checkStream(document.metadata.name, before, after, incoming)),
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

function checkStream(name: string, before: World, after: World, incoming: readonly Document[]): readonly SpecProblem[] {
  const problems: SpecProblem[] = [];
  const was = before.streams.get(name)?.partitions;
  const is = after.streams.get(name)!.partitions;
  if (was !== undefined && is < was)
    problems.push({
      path: 'spec.partitions',
      message: `got ${is}, but the stream has ${was}: partitions can only grow`,
      fix: `set ${was} or more`,
    });
  const incomingRoutes = new Set(
    incoming.filter((document) => document.kind === 'Route').map((document) => document.metadata.name),
  );
  for (const [routeName, route] of after.routes) {
    const wasBroken = (before.routes.get(routeName)?.problems.length ?? 0) > 0;
    if (incomingRoutes.has(routeName) || wasBroken || route.problems.length === 0 || !reads(after, routeName, name))
      continue;
    const first = route.problems[0]!;
    problems.push({
      path: 'spec.schema',
      message: `breaks route ${JSON.stringify(routeName)} (${first.path}: ${first.message})`,
      fix: 'keep the fields that it uses, or change the route in the same apply',
    });
  }
  return problems;
}

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
    if (spec.from === stream || spec.sinks.some((sink) => sink.stream === stream)) return true;
    open.push(...(world.streams.get(spec.from)?.writers ?? []));
  }
  return false;
}
