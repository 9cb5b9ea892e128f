// The weight of a change stands beside the field (D9): heaviest by default, so that forgetting a field is safe.
import { type ChangeClass, changeClasses, type FieldChange } from '#core/api/wire.ts';
import { parameters } from '#core/config/parameters.ts';
import type { Kind } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';

/** Parameters that running workers take over. */
function liveParameters(): Readonly<Record<string, ChangeClass>> {
  const live = parameters.filter((parameter) => parameter.live && parameter.field === undefined);
  return Object.fromEntries(live.map(({ key }) => [`spec.config.${key}`, 'live']));
}

/**
 * Path prefix, without indices → class; the longest prefix that fits decides. `live`: nobody restarts. `stop-start`: workers drain,
 * commit and end, then their successors start. `replace`: as stop-start, and positions do not carry over.
 */
const weights: Readonly<Record<Kind, Readonly<Record<string, ChangeClass>>>> = {
  Stream: {
    'metadata.labels': 'live',
    'metadata.owner': 'forbidden',
    'spec.description': 'live',
    'spec.partitions': 'live',
    'spec.retention': 'live',
    'spec.durability': 'stop-start',
    'spec.format': 'stop-start',
    'spec.registry': 'stop-start',
    'spec.schema': 'stop-start',
    'spec.schema.compatibility': 'live',
    'spec.eventTime': 'stop-start',
    'spec.key': 'live',
  },
  Route: {
    'metadata.labels': 'live',
    'metadata.owner': 'forbidden',
    'spec.from': 'replace',
    'spec.start': 'stop-start',
    'spec.where': 'stop-start',
    'spec.operators': 'stop-start',
    'spec.exposePii': 'stop-start',
    'spec.select': 'stop-start',
    'spec.to': 'stop-start',
    'spec.to.http.batch': 'live',
    'spec.to.opensearch.batch': 'live',
    'spec.to.warehouse.roll': 'live',
    'spec.delivery': 'stop-start',
    'spec.delivery.onRedeploy': 'live',
    'spec.errors': 'live',
    'spec.throttle': 'live',
    'spec.autoscale': 'live',
    'spec.config': 'stop-start',
    ...liveParameters(),
    'spec.resources': 'stop-start',
    'spec.health': 'stop-start',
    'spec.health.progressWithin': 'live',
    'spec.health.restartBudget': 'live',
    'spec.health.upstreamSilentAfter': 'live',
    'spec.alerts': 'live',
    'spec.paused': 'live',
    'spec.tests': 'live',
  },
};

/** Prefix → class where the whole of it is taken away: with a sink its job ends, and its positions go. */
const removals: Readonly<Record<string, ChangeClass>> = { 'spec.to': 'replace' };

/** The names that the table says something of: a test holds them against the schemas, so that no field is forgotten. */
export const weighedFields = (kind: Kind): readonly string[] => Object.keys(weights[kind]);

export function weightOf(kind: Kind, path: string): ChangeClass {
  const table = weights[kind];
  const field = path.replaceAll(/\[\d+\]/g, '');
  const prefixes = Object.keys(table).filter((prefix) => field === prefix || field.startsWith(`${prefix}.`));
  const longest = prefixes.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? 'replace' : table[longest]!;
}

export const heaviest = (classes: readonly ChangeClass[]): ChangeClass =>
  classes.reduce<ChangeClass>(
    (max, next) => (changeClasses.indexOf(next) > changeClasses.indexOf(max) ? next : max),
    'none',
  );

/** What differs between two declarations, leaf by leaf, in the words of their author. */
export function diffJson(kind: Kind, before: Json, after: Json, path: string): readonly FieldChange[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => diffJson(kind, member(before, name), member(after, name), `${path}.${name}`));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    if (isNamed(before) && isNamed(after)) return diffNamed(kind, before, after, path);
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, index) =>
      diffJson(kind, (before[index] ?? null) as Json, (after[index] ?? null) as Json, `${path}[${index}]`),
    ).flat();
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [{ path, before, after, class: weightOf(kind, path) }];
}

interface Named {
  readonly [key: string]: Json;
  readonly name: string;
}

const isNamed = (list: readonly Json[]): list is readonly Named[] =>
  list.every((item) => isObject(item) && typeof member(item, 'name') === 'string') &&
  new Set(list.map((item) => member(item as Named, 'name'))).size === list.length;

/** Sinks and tests are told apart by their names, wherever they stand: one taken out of the middle moves none of the others. */
function diffNamed(
  kind: Kind,
  before: readonly Named[],
  after: readonly Named[],
  path: string,
): readonly FieldChange[] {
  const was = new Map(before.map((item) => [item.name, item]));
  const names = new Set(after.map(({ name }) => name));
  const kept = after.flatMap((item, index) => {
    const at = `${path}[${index}]`;
    const old = was.get(item.name);
    return old ? diffJson(kind, old, item, at) : [{ path: at, before: null, after: item, class: weightOf(kind, at) }];
  });
  const gone = before.flatMap((item, index): readonly FieldChange[] =>
    names.has(item.name)
      ? []
      : [{ path: `${path}[${index}]`, before: item, after: null, class: removals[path] ?? weightOf(kind, path) }],
  );
  return [...kept, ...gone];
}

const isObject = (json: Json): json is { readonly [key: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

const member = (object: { readonly [key: string]: Json }, name: string): Json =>
  Object.hasOwn(object, name) ? object[name]! : null;
