// The columns of a table in the warehouse: what a route's output becomes there, or why it cannot.
import type { RouteProgram } from '#core/expression/index.ts';
import type { FieldType, RowType, ScalarType } from '#core/expression/types.ts';
import { ok, type Result, refuse } from '#core/result.ts';

/** `numeric` without a precision is text: only text holds every value of it exactly. */
export type ColumnType =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'list'; readonly element: ColumnType }
  | { readonly kind: 'struct'; readonly fields: readonly TableColumn[] };

export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
}

export interface ColumnProblem {
  readonly message: string;
  readonly fix: string;
}

/** What every reader of Parquet takes. */
const decimalPrecisionMax = 38;

export function tableColumns(program: RouteProgram): Result<readonly TableColumn[], readonly ColumnProblem[]> {
  const { output } = program;
  if (output === null)
    return refuse([
      {
        message: 'the columns are not known: the stream has no schema, and a table needs columns with types',
        fix: 'declare the stream’s schema, or name the columns in select with their types: id::text, (n)::bigint AS n',
      },
    ]);
  const problems: ColumnProblem[] = [...caseProblems(output)];
  const decimals = decimalsOf(program);
  const columns = output.map(({ name, type }): TableColumn => {
    const decimal = decimals.get(name);
    return { name, type: decimal ?? columnType(name, type, problems) };
  });
  return problems.length > 0 ? refuse(problems) : ok(columns);
}

function columnType(path: string, type: FieldType, problems: ColumnProblem[]): ColumnType {
  switch (type.kind) {
    case 'scalar':
      return type;
    case 'array':
      return { kind: 'list', element: columnType(`${path}[]`, type.element, problems) };
    case 'object':
      problems.push(...caseProblems(type.fields, path), ...nameProblems(type.fields, path));
      return {
        kind: 'struct',
        fields: type.fields.map((field) => ({
          name: field.name,
          type: columnType(`${path}.${field.name}`, field.type, problems),
        })),
      };
    case 'dynamic':
      problems.push({
        message: `column ${JSON.stringify(path)} has no type of its own: it takes that of each event’s value`,
        fix: `give it one in select, such as ${path}::text, or ${path}::jsonb to keep it as JSON text`,
      });
      return { kind: 'scalar', type: 'jsonb' };
  }
}

/** Hive, Glue and DuckDB do not tell upper from lower case in names. */
function caseProblems(row: RowType, path?: string): readonly ColumnProblem[] {
  const seen = new Map<string, string>();
  return row.flatMap(({ name }): readonly ColumnProblem[] => {
    const other = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    if (other === undefined) return [];
    const where = path === undefined ? '' : ` of ${path}`;
    return [
      {
        message: `columns ${JSON.stringify(other)} and ${JSON.stringify(name)}${where} differ in case only, which readers of tables do not see`,
        fix: 'give one of them another name in select',
      },
    ];
  });
}

/** Catalogs write the type of a nested object as `struct<name:type>`, a notation without quotes. */
const nestedName = /^[\p{L}\p{N}_.$ ]+$/u;

const nameProblems = (row: RowType, path: string): readonly ColumnProblem[] =>
  row
    .filter(({ name }) => !nestedName.test(name))
    .map(({ name }) => ({
      message: `field ${JSON.stringify(name)} of ${path} cannot be named in the type of a table’s column: letters, digits, spaces and _ . $ can`,
      fix: `select the field as a column of its own, or keep ${path} as JSON text: ${path}::jsonb`,
    }));

/** `amount::numeric(12,2)`: a cast says how many digits there are, the type alone does not. */
function decimalsOf({ select }: RouteProgram): ReadonlyMap<string, ColumnType> {
  const decimals = new Map<string, ColumnType>();
  for (const item of select ?? []) {
    if (item.kind !== 'column' || item.node.kind !== 'cast' || item.node.type !== 'numeric') continue;
    const [precision, scale = 0] = item.node.modifiers ?? [];
    if (precision !== undefined && precision <= decimalPrecisionMax && scale >= 0 && scale <= precision)
      decimals.set(item.name, { kind: 'decimal', precision, scale });
  }
  return decimals;
}

export const formatColumnType = (type: ColumnType): string => {
  switch (type.kind) {
    case 'scalar':
      return type.type;
    case 'decimal':
      return `numeric(${type.precision},${type.scale})`;
    case 'list':
      return `${formatColumnType(type.element)}[]`;
    case 'struct':
      return `{${type.fields.map((field) => `${field.name}: ${formatColumnType(field.type)}`).join(', ')}}`;
  }
};
