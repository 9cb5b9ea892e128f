// What must hold of a sink that is a table: its columns have types, its folders are of its columns, and one route writes it.
import type { RouteProgram } from '#core/expression/index.ts';
import { ok, type Result, refuse } from '#core/result.ts';
import type { RouteDocument } from '#core/spec/document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { SinkSpec } from '#core/spec/sinks/sink-spec.ts';
import type { WarehouseSink } from '#core/spec/sinks/warehouse.ts';
import { type PartitionColumn, resolvePartition } from '#core/warehouse/partition.ts';
import { tableColumns } from '#core/warehouse/table-columns.ts';
import type { TablePlan } from '#core/warehouse/table-definition.ts';

/** `path` is the sink's: `spec.to[0]`. */
export function planTable(
  sink: WarehouseSink,
  program: RouteProgram,
  path: string,
): Result<TablePlan, readonly SpecProblem[]> {
  const columns = tableColumns(program);
  if (!columns.ok) return refuse(columns.problem.map((problem) => ({ path: 'spec.select', ...problem })));
  const problems: SpecProblem[] = [];
  const partitions = sink.partitionBy.flatMap((pattern, index): readonly PartitionColumn[] => {
    const resolved = resolvePartition(pattern, columns.value);
    if (resolved.ok) return [resolved.value];
    problems.push({ path: `${path}.warehouse.partitionBy[${index}]`, message: resolved.problem });
    return [];
  });
  const names = partitions.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    problems.push({
      path: `${path}.warehouse.partitionBy`,
      message: `two levels of folders are named ${JSON.stringify(twice)}`,
      fix: 'give one a name of its own: "part={…}"',
    });
  if (columns.value.every(({ name }) => partitions.some((one) => one.isMoved && one.column === name)))
    problems.push({
      path: `${path}.warehouse.partitionBy`,
      message: 'every column names a folder, so that the files would have none',
      fix: 'select one more column',
    });
  return problems.length > 0 ? refuse(problems) : ok({ columns: columns.value, partitions });
}

/** Of all routes that write the table the first by name does; the others are told so. */
export function checkTableWriters(
  sink: SinkSpec,
  route: RouteDocument,
  routes: Iterable<RouteDocument>,
  path: string,
): readonly SpecProblem[] {
  if (sink.kind !== 'warehouse') return [];
  const writers = [...routes].flatMap(({ metadata, spec }) =>
    spec.sinks.flatMap((other) =>
      other.kind === 'warehouse' && other.table === sink.table ? [`${metadata.name}.${other.name}`] : [],
    ),
  );
  const mine = `${route.metadata.name}.${sink.name}`;
  const other = writers.find((writer) => writer !== mine);
  if (other === undefined) return [];
  return [
    {
      path: `${path}.warehouse.table`,
      message: `table ${JSON.stringify(sink.table)} is written by ${other} too: one route writes a table`,
      fix: 'give it another name, or write both routes to a stream and that stream to the table',
    },
  ];
}
