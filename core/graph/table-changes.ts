// Whether a table that has files can go on with what a route will write.
import { planTable } from '#core/graph/check-warehouse.ts';
import type { World } from '#core/graph/world.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { definitionOf, type TableDefinition, tableConflict } from '#core/warehouse/table-definition.ts';

/** Tables that are there keep their files, so that what a route will write must fit what it wrote. */
export function checkTableChanges(name: string, before: World, after: World): readonly SpecProblem[] {
  const was = tablesOf(before, name);
  return [...tablesOf(after, name)].flatMap(([table, { definition, path }]): readonly SpecProblem[] => {
    const old = was.get(table);
    const conflict = old === undefined ? null : tableConflict(old.definition, definition);
    if (conflict === null) return [];
    const message = `table ${JSON.stringify(table)} has files of this route, and ${conflict}`;
    return [{ path, message, fix: 'name another table, or give the column another name' }];
  });
}

type Tables = ReadonlyMap<string, { readonly definition: TableDefinition; readonly path: string }>;

function tablesOf(world: World, routeName: string): Tables {
  const route = world.routes.get(routeName);
  const tables = (route?.document.spec.sinks ?? []).flatMap((sink, index) => {
    const program = route?.programs.get(sink.name);
    if (sink.kind !== 'warehouse' || program === undefined) return [];
    const path = `spec.to[${index}].warehouse`;
    const planned = planTable(sink, program, path);
    if (!planned.ok) return [];
    const definition = definitionOf('', { table: sink.table, ...planned.value });
    return [[sink.table, { definition, path }] as const];
  });
  return new Map(tables);
}
