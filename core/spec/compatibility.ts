// Whether a stream's schema may become another: which events that fit the one also fit the other.

import type { FieldType, RowType, ScalarType } from '#core/expression/types.ts';
import { formatType } from '#core/expression/values/type-rules.ts';
import { whyUnreadable } from '#core/formats/codec.ts';
import type { RegisteredSchema } from '#core/ports/schema-registry.ts';
import { formatFieldPath } from '#core/spec/field-path.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { StreamFormat } from '#core/spec/stream-format.ts';
import type { Compatibility, StreamSpec } from '#core/spec/stream-spec.ts';

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
  if (before.format !== null || after.format !== null) return checkFormatChange(before, after);
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

const kindOf = ({ format }: StreamSpec): string => format?.kind ?? 'json';

/** Of a stream that is, or becomes, no JSON: by the rules of its format, since the row alone does not say what its bytes are. */
function checkFormatChange(before: StreamSpec, after: StreamSpec): readonly SpecProblem[] {
  const mode = after.schema?.compatibility ?? 'backward';
  if (mode === 'none') return [];
  if (kindOf(before) !== kindOf(after))
    return [
      {
        path: 'spec.format',
        message: `it was ${kindOf(before)} and becomes ${kindOf(after)}: events that are in the stream could not be read any more`,
        fix: 'make a new stream; or set schema.compatibility: none if no events are there',
      },
    ];
  return compareSchemas(before.format, after.format, mode, 'the stream’s schema before');
}

/** What is registered already is compared too: producers have written by it. */
export function checkRegistered(spec: StreamSpec, registered: RegisteredSchema): readonly SpecProblem[] {
  const { format, schema } = spec;
  if (format === null || schema === null || schema.compatibility === 'none') return [];
  if (registered.kind !== format.kind)
    return [
      {
        path: 'spec.format',
        message: `the registry’s newest schema of the subject is in ${registered.kind}, the stream in ${format.kind}`,
        fix: 'name another registry.subject',
      },
    ];
  return compare(format, registered, schema.compatibility, 'the registry’s newest schema');
}

function compareSchemas(
  before: StreamFormat | null,
  after: StreamFormat | null,
  mode: Compatibility,
  what: string,
): readonly SpecProblem[] {
  if (before === null || before.schema === null || after === null) return [];
  return compare(
    after,
    { kind: before.kind, text: before.schema, references: [], message: before.message },
    mode,
    what,
  );
}

function compare(
  format: StreamFormat,
  other: RegisteredSchema & { readonly message?: string | null },
  mode: Compatibility,
  what: string,
): readonly SpecProblem[] {
  const { kind, schema, message } = format;
  if (schema === null) return [];
  const path = `spec.schema.${kind}`;
  const problems: SpecProblem[] = [];
  const unread = mode === 'forward' ? null : whyUnreadable(format, other);
  if (unread !== null)
    problems.push({
      path,
      message: `what ${what} wrote cannot be read by it${placeOf(unread)} (compatibility: ${mode})`,
      fix: 'give a new field a default, widen a type, or set schema.compatibility: none if no such events are there',
    });
  const backwardOnly = mode === 'backward';
  const reader = { kind, schema: other.text, message: other.message ?? message };
  const unknown = backwardOnly ? null : whyUnreadable(reader, { kind, text: schema, references: [] });
  if (unknown !== null)
    problems.push({
      path,
      message: `what it writes cannot be read by ${what}${placeOf(unknown)} (compatibility: ${mode})`,
      fix: 'keep the fields that have no default there, or set schema.compatibility: backward once the readers have followed',
    });
  return problems;
}

const placeOf = ({ at, message }: { readonly at: string; readonly message: string }): string =>
  `: ${at === '' ? '' : `field ${at}: `}${message}`;
