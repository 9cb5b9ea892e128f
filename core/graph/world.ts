// Documents become a graph: which stream feeds which route, with what types; routes compiled, or why they cannot be.
import type { RouteExpressions, RoutePlanner, RouteProgram } from '#core/expression/index.ts';
import type { RowType } from '#core/expression/types.ts';
import { checkIndexTime } from '#core/graph/check-sinks.ts';
import { checkTableWriters, planTable } from '#core/graph/check-warehouse.ts';
import { checkKeyLeak, type SourceKey } from '#core/operators/key-leak.ts';
import type { OperatorProgram } from '#core/operators/operator.ts';
import { type PlannedChain, planOperators, specProblem } from '#core/operators/plan-operators.ts';
import { planConditions, type SinkFilter, withFilter } from '#core/operators/sink-conditions.ts';
import type { Document, RouteDocument, StreamDocument } from '#core/spec/document.ts';
import { didYouMean } from '#core/spec/nearest.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { keyColumn, type SinkSpec, sinkStreams } from '#core/spec/sinks/sink-spec.ts';

export interface StreamNode {
  readonly name: string;
  /** Null for a stream that exists only because routes write to it. */
  readonly document: StreamDocument | null;
  readonly row: RowType | null;
  readonly validate: 'declared' | 'read';
  readonly partitions: number;
  readonly writers: readonly string[];
  readonly readers: readonly string[];
}

export interface RouteNode {
  readonly document: RouteDocument;
  /** By sink name; a sink whose program is missing is named in `problems`. */
  readonly programs: ReadonlyMap<string, RouteProgram>;
  /** What comes before each of the programs. */
  readonly operators: readonly OperatorProgram[];
  readonly problems: readonly SpecProblem[];
}

/** One tenant's declarations, resolved. */
export interface World {
  readonly streams: ReadonlyMap<string, StreamNode>;
  readonly routes: ReadonlyMap<string, RouteNode>;
}

interface Build {
  readonly declaredStreams: ReadonlyMap<string, StreamDocument>;
  readonly declaredRoutes: ReadonlyMap<string, RouteDocument>;
  readonly writers: ReadonlyMap<string, readonly string[]>;
  readonly readers: ReadonlyMap<string, readonly string[]>;
  readonly streams: Map<string, StreamNode>;
  readonly routes: Map<string, RouteNode>;
  /** Streams on the way from the one first asked for: meeting one again is a cycle. */
  readonly path: string[];
  readonly plan: RoutePlanner;
}

export function buildWorld(documents: readonly Document[], plan: RoutePlanner): World {
  const streams = documents.filter((document) => document.kind === 'Stream');
  const routes = documents.filter((document) => document.kind === 'Route');
  const build: Build = {
    declaredStreams: new Map(streams.map((document) => [document.metadata.name, document])),
    declaredRoutes: new Map(routes.map((document) => [document.metadata.name, document])),
    writers: routesBy(routes, (route) => sinkStreams(route.spec.sinks)),
    readers: routesBy(routes, (route) => [route.spec.from]),
    streams: new Map(),
    routes: new Map(),
    path: [],
    plan,
  };
  for (const name of [...build.declaredStreams.keys(), ...build.writers.keys()]) resolveStream(build, name);
  for (const name of build.declaredRoutes.keys()) resolveRoute(build, name);
  return { streams: build.streams, routes: build.routes };
}

function routesBy(
  routes: readonly RouteDocument[],
  streamsOf: (route: RouteDocument) => readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const route of routes)
    for (const stream of new Set(streamsOf(route))) {
      const names = found.get(stream);
      if (names === undefined) found.set(stream, [route.metadata.name]);
      else names.push(route.metadata.name);
    }
  return found;
}

/** Null where there is no such stream. An implied stream takes type and partitions from the routes that write to it. */
function resolveStream(build: Build, name: string): StreamNode | null {
  const known = build.streams.get(name);
  if (known) return known;
  const document = build.declaredStreams.get(name) ?? null;
  const writers = build.writers.get(name) ?? [];
  if (!document && writers.length === 0) return null;
  const implied = document ? null : impliedShape(build, name, writers);
  const node: StreamNode = {
    name,
    document,
    row: document ? (document.spec.schema?.row ?? null) : (implied?.row ?? null),
    validate: document?.spec.schema?.onInvalid === 'dead-letter' ? 'declared' : 'read',
    partitions: document?.spec.partitions ?? implied?.partitions ?? 1,
    writers,
    readers: build.readers.get(name) ?? [],
  };
  build.streams.set(name, node);
  return node;
}

function impliedShape(
  build: Build,
  name: string,
  writers: readonly string[],
): { row: RowType | null; partitions: number } {
  if (build.path.includes(name)) return { row: null, partitions: 1 };
  build.path.push(name);
  const outputs: (RowType | null)[] = [];
  let partitions = 1;
  for (const writer of writers) {
    const route = resolveRoute(build, writer);
    const sink = route.document.spec.sinks.find(
      (candidate) => candidate.kind === 'stream' && candidate.stream === name,
    )!;
    const source = build.streams.get(route.document.spec.from);
    const program = route.programs.get(sink.name);
    outputs.push(program?.output ?? null);
    partitions = Math.max(partitions, source?.partitions ?? 1);
  }
  build.path.pop();
  const first = outputs[0] ?? null;
  const agreed = outputs.every((output) => JSON.stringify(output) === JSON.stringify(first));
  return { row: agreed ? first : null, partitions };
}

function resolveRoute(build: Build, name: string): RouteNode {
  const known = build.routes.get(name);
  if (known) return known;
  const document = build.declaredRoutes.get(name)!;
  const { from } = document.spec;
  const problems: SpecProblem[] = [];
  const cycle = findCycle(build, document);
  if (cycle)
    problems.push({
      path: 'spec.to',
      message: `a cycle of routes: ${cycle.join(' → ')}`,
      fix: 'write to a stream that does not lead back here',
    });
  const source = cycle ? (build.streams.get(from) ?? null) : resolveStream(build, from);
  if (!source && !cycle) {
    const names = [...build.declaredStreams.keys(), ...build.writers.keys()];
    problems.push({
      path: 'spec.from',
      message: `there is no stream ${JSON.stringify(from)}${didYouMean(from, names)}`,
      fix: 'declare the stream first, or in the same apply',
    });
  }
  if (source && document.spec.onRedeploy === 'canary' && source.partitions < 2)
    problems.push({
      path: 'spec.delivery.onRedeploy',
      message: `canary tries a revision on some of the splits and compares it with the others, but ${JSON.stringify(from)} has one partition`,
      fix: 'leave it out, or give the stream more partitions',
    });
  const programs = new Map<string, RouteProgram>();
  const chain = source ? planChain(build, document, source) : null;
  problems.push(...(chain?.problems ?? []));
  if (source && chain && chain.problems.length === 0)
    planSinks({ build, route: document, source, chain, programs, problems });
  const operators = chain?.operators ?? [];
  const node: RouteNode = { document, programs, operators, problems: withoutRepeats(problems) };
  build.routes.set(name, node);
  return node;
}

/** The streams from this route's sink back to its source, or null. */
function findCycle(build: Build, route: RouteDocument): readonly string[] | null {
  const target = route.spec.from;
  const seen = new Set<string>();
  const open = sinkStreams(route.spec.sinks).map((stream) => [target, stream]);
  while (open.length > 0) {
    const path = open.pop()!;
    const at = path.at(-1)!;
    if (at === target) return path;
    if (seen.has(at)) continue;
    seen.add(at);
    for (const reader of build.readers.get(at) ?? [])
      for (const stream of sinkStreams(build.declaredRoutes.get(reader)!.spec.sinks)) open.push([...path, stream]);
  }
  return null;
}

function planChain(build: Build, route: RouteDocument, source: StreamNode): PlannedChain {
  const { where, operators, exposePii, resources } = route.spec;
  const { row, validate, partitions } = source;
  const { memoryMiB } = resources;
  return planOperators({ row, validate, where, operators, exposePii, memoryMiB, partitions }, build.plan);
}

interface SinkPlanning {
  readonly build: Build;
  readonly route: RouteDocument;
  readonly source: StreamNode;
  readonly chain: PlannedChain;
  readonly programs: Map<string, RouteProgram>;
  readonly problems: SpecProblem[];
}

function planSinks(planning: SinkPlanning): void {
  const { build, route, chain, problems } = planning;
  const filters = planConditions(route.spec.conditions, chain.row, build.plan, problems);
  for (const [index, sink] of route.spec.sinks.entries()) planSink(planning, sink, index, filters[index]!);
}

/** The last program of a job. Where operators come before it, the first of them has done what `where` asks. */
function planSink(
  { build, route, source, chain, programs, problems }: SinkPlanning,
  sink: SinkSpec,
  index: number,
  filter: SinkFilter,
): void {
  const isWhole = chain.operators.length === 0;
  const where = isWhole ? route.spec.where : null;
  const { select } = route.spec;
  const text: RouteExpressions = { ...(where === null ? {} : { where }), ...(select === null ? {} : { select }) };
  const key = keyColumn(sink);
  const keyed: RouteExpressions = key === null ? text : { ...text, key: key.column };
  const planned = build.plan(keyed, chain.row, { validate: isWhole ? source.validate : 'read' });
  if (planned.ok) {
    programs.set(sink.name, withFilter(planned.value, filter));
    checkSinkSchema(build, sink, planned.value, index, problems);
    problems.push(...checkDurability(build, route, sink, `spec.to[${index}].stream`));
    problems.push(...checkKeyLeak(sink, chain.operators, () => keysOf(build, source.name), `spec.to[${index}]`));
    problems.push(...checkIndexTime(sink, `spec.to[${index}]`, planned.value, build.plan));
    problems.push(...checkTable(build, route, sink, planned.value, `spec.to[${index}]`));
    return;
  }
  // Which text is at fault? Each alone tells.
  const clauses: readonly [string, RouteExpressions][] = [
    ['spec.where', where === null ? {} : { where }],
    ['spec.select', select === null ? {} : { select }],
  ];
  const before = problems.length;
  for (const [path, clause] of clauses) {
    const alone = build.plan(clause, chain.row, { validate: 'read' });
    if (!alone.ok) problems.push(...alone.problem.map((problem) => specProblem(path, problem)));
  }
  if (problems.length === before)
    problems.push(
      ...planned.problem.map((problem) => specProblem(`spec.to[${index}].${key?.field ?? 'name'}`, problem)),
    );
}

/** The fields that a stream's records are keyed by, as far as declarations say. `seen`: the streams asked about on the way. */
function keysOf(build: Build, stream: string, seen: readonly string[] = []): readonly SourceKey[] {
  if (seen.includes(stream)) return [];
  const own = build.declaredStreams.get(stream)?.spec.key ?? null;
  const writers = (build.writers.get(stream) ?? []).map((name) => build.declaredRoutes.get(name)!.spec);
  const written = writers.flatMap(({ from, sinks }) =>
    sinks.flatMap((sink) => {
      if (sink.kind !== 'stream' || sink.stream !== stream) return [];
      // Where a route names no key, the records keep that of its source.
      return sink.key === null ? keysOf(build, from, [...seen, stream]) : [writtenKey(build, sink.key)];
    }),
  );
  return own === null ? written : [{ declared: own, path: [own] }, ...written];
}

/** The key is an expression's text, in which `Email` and `"Email"` are two names. */
function writtenKey(build: Build, declared: string): SourceKey {
  const planned = build.plan({ key: declared }, null, { validate: 'read' });
  const key = planned.ok ? planned.value.key : null;
  const isPath = key?.kind === 'field' && key.path.every((step) => typeof step === 'string');
  return { declared, path: isPath ? (key.path as readonly string[]) : null };
}

function checkTable(
  build: Build,
  route: RouteDocument,
  sink: SinkSpec,
  program: RouteProgram,
  path: string,
): readonly SpecProblem[] {
  if (sink.kind !== 'warehouse') return [];
  const planned = planTable(sink, program, path);
  return [
    ...(planned.ok ? [] : planned.problem),
    ...checkTableWriters(sink, route, build.declaredRoutes.values(), path),
  ];
}

export const isAvailable = (stream: StreamNode | undefined): boolean =>
  stream?.document?.spec.durability === 'available';

/** What only the leader has can be lost with it after it was acknowledged: no other promise can be kept then. */
function checkDurability(build: Build, route: RouteDocument, sink: SinkSpec, path: string): readonly SpecProblem[] {
  const { guarantee } = route.spec.delivery;
  if (sink.kind !== 'stream' || guarantee === 'loss-tolerant') return [];
  if (build.declaredStreams.get(sink.stream)?.spec.durability !== 'available') return [];
  const message = `${guarantee} cannot be kept by stream ${sink.stream}: its durability is available, so that an acknowledged event can be lost`;
  const fix = `set delivery: { guarantee: loss-tolerant, lossBudget: … }, or make ${sink.stream} durable`;
  return [{ path, message, fix }];
}

/** A declared sink stream must be able to hold what the route selects: same-named columns of the same type. */
function checkSinkSchema(
  build: Build,
  sink: SinkSpec,
  program: RouteProgram,
  index: number,
  problems: SpecProblem[],
): void {
  if (sink.kind !== 'stream') return;
  const { schema: declared = null, format = null } = build.declaredStreams.get(sink.stream)?.spec ?? {};
  const path = `spec.to[${index}].stream`;
  if (format !== null && declared === null)
    problems.push({
      path,
      message: `stream ${sink.stream} is in ${format.kind} and declares no schema to write by`,
      fix: `give ${sink.stream} a schema`,
    });
  if (!declared || program.output === null) return;
  if (format !== null) problems.push(...checkColumns(declared.row, program.output, sink.stream, path));
  for (const column of program.output) {
    const field = declared.row.find((candidate) => candidate.name === column.name);
    if (field && !fits(column.type, field.type))
      problems.push({
        path,
        message: `column ${JSON.stringify(column.name)} is ${typeName(column.type)}, but stream ${sink.stream} declares it ${typeName(field.type)}`,
        fix: `cast it in select, or change the schema of ${sink.stream}`,
      });
  }
}

/** JSON carries any column; a record in another format has room for those of its schema only. */
function checkColumns(row: RowType, output: RowType, stream: string, path: string): readonly SpecProblem[] {
  return output
    .filter(({ name }) => !row.some((field) => field.name === name))
    .map(({ name }) => ({
      path,
      message: `the schema of ${stream} has no field ${JSON.stringify(name)}${didYouMean(
        name,
        row.map((field) => field.name),
      )}`,
      fix: `leave it out in select, or add it to the schema of ${stream}`,
    }));
}

type ColumnType = RowType[number]['type'];
const numbers = ['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'];

function fits(column: ColumnType, field: ColumnType): boolean {
  if (
    column.kind === 'dynamic' ||
    field.kind === 'dynamic' ||
    typeName(field) === 'jsonb' ||
    typeName(column) === 'jsonb'
  )
    return true;
  if (column.kind === 'scalar' && field.kind === 'scalar')
    return (
      column.type === field.type ||
      (numbers.includes(column.type) && numbers.indexOf(column.type) <= numbers.indexOf(field.type))
    );
  if (column.kind === 'array' && field.kind === 'array') return fits(column.element, field.element);
  return column.kind === field.kind;
}

const typeName = (type: ColumnType): string =>
  type.kind === 'scalar' ? type.type : type.kind === 'array' ? `${typeName(type.element)}[]` : type.kind;

function withoutRepeats(problems: readonly SpecProblem[]): readonly SpecProblem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = JSON.stringify(problem);
    return !seen.has(key) && seen.add(key);
  });
}
