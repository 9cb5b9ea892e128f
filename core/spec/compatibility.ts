// Whether a stream's schema may become another: which events that fit the one also fit the other.
import type { FieldType, RowType, ScalarType } from '#core/expression/types.ts';
import { formatType } from '#core/expression/values/type-rules.ts';
import type { SpecProblem } from '#core/spec/document.ts';
import { formatFieldPath } from '#core/spec/field-path.ts';
import type { StreamSpec } from '#core/spec/stream-spec.ts';

/**
 * backward: events that are in the stream fit the new schema. forward: events that producers write by the new schema fit the
 * old one, which readers elsewhere may still go by. full: both. none: nothing is asked.
 */
export const compatibilities = ['backward', 'forward', 'full', 'none'] as const;
export type Compatibility = (typeof compatibilities)[number];

/** The types all of whose JSON values another type takes too, beside itself and jsonb, which takes everything. */
const takesAlso: Readonly<Partial<Record<ScalarType, readonly ScalarType[]>>> = {
  integer: ['smallint'],
  bigint: ['smallint', 'integer'],
  numeric: ['smallint', 'integer', 'bigint', 'real', 'double precision'],
  real: ['smallint', 'integer', 'bigint'],
  'double precision': ['smallint', 'integer', 'bigint', 'real'],
  text: ['uuid', 'date', 'time', 'interval', 'timestamp'],
};

/** Where `reader` does not take all that `writer` allows. A field that one of them lacks disturbs neither: it is NULL, or passed over. */
function misfits(reader: FieldType, writer: FieldType, path: readonly string[]): readonly (readonly string[])[] {
  if (takesAll(reader)) return [];
  if (reader.kind === 'object' && writer.kind === 'object') return rowMisfits(reader.fields, writer.fields, path);
  if (reader.kind === 'array' && writer.kind === 'array') return misfits(reader.element, writer.element, path);
  const fits =
    reader.kind === 'scalar' &&
    writer.kind === 'scalar' &&
    (reader.type === writer.type || takesAlso[reader.type]?.includes(writer.type) === true);
  return fits ? [] : [path];
}

const takesAll = (type: FieldType): boolean =>
  type.kind === 'dynamic' || (type.kind === 'scalar' && type.type === 'jsonb');

export function rowMisfits(
  reader: RowType,
  writer: RowType,
  path: readonly string[] = [],
): readonly (readonly string[])[] {
  return reader.flatMap(({ name, type }) => {
    const other = writer.find((field) => field.name === name);
    return other === undefined ? [] : misfits(type, other.type, [...path, name]);
  });
}

/** A stream that had no schema, or has none any more, promises nothing to compare. */
export function checkCompatibility(before: StreamSpec, after: StreamSpec): readonly SpecProblem[] {
  if (before.schema === null || after.schema === null) return [];
  const { compatibility } = after.schema;
  const [was, is] = [before.schema.row, after.schema.row];
  const backward = compatibility === 'backward' || compatibility === 'full' ? rowMisfits(is, was) : [];
  const forward = compatibility === 'forward' || compatibility === 'full' ? rowMisfits(was, is) : [];
  const change = (path: readonly string[]): string =>
    `was ${typeAtPath(was, path)} and becomes ${typeAtPath(is, path)}`;
  return [
    ...backward.map((path) => ({
      path: `spec.schema.fields.${formatFieldPath(path)}`,
      message: `it ${change(path)}: events that are in the stream may not fit (compatibility: ${compatibility})`,
      fix: 'widen the type, give the field another name, or set schema.compatibility: none if no such events are there',
    })),
    ...forward.map((path) => ({
      path: `spec.schema.fields.${formatFieldPath(path)}`,
      message: `it ${change(path)}: new events may not fit the schema that readers know (compatibility: ${compatibility})`,
      fix: 'narrow the type, give the field another name, or set schema.compatibility: backward once the readers have followed',
    })),
  ];
}

function typeAtPath(row: RowType, path: readonly string[]): string {
  let type: FieldType = { kind: 'object', fields: row };
  for (const name of path) {
    while (type.kind === 'array') type = type.element;
    const fields: RowType = type.kind === 'object' ? type.fields : [];
    type = fields.find((field) => field.name === name)?.type ?? { kind: 'dynamic' };
  }
  return formatType(type);
}
