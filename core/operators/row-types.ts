// What operators do to the type of the events that pass through them.
import type { FieldType, RowType } from '#core/expression/index.ts';
import type { HygieneRule } from './hygiene-rule.ts';
import type { HygieneField } from './operator.ts';

type Change = (type: FieldType) => FieldType | null;

/** The type at a path; null where the schema has no such field. What is below dynamic content is dynamic. */
export function typeAt(row: RowType | null, path: readonly string[]): FieldType | null {
  let type: FieldType = row === null ? { kind: 'dynamic' } : { kind: 'object', fields: row };
  for (const name of path) {
    while (type.kind === 'array') type = type.element;
    if (type.kind === 'dynamic' || (type.kind === 'scalar' && type.type === 'jsonb')) return { kind: 'dynamic' };
    if (type.kind !== 'object') return null;
    const field: RowType[number] | undefined = type.fields.find((candidate) => candidate.name === name);
    if (field === undefined) return null;
    type = field.type;
  }
  return type;
}

/** The list that the path goes through before its last step; null where it goes through none that the schema knows of. */
export function listBefore(row: RowType, path: readonly string[]): readonly string[] | null {
  for (let length = 1; length < path.length; length++) {
    const before = path.slice(0, length);
    if (typeAt(row, before)?.kind === 'array') return before;
  }
  return null;
}

/** The row with the field at the path changed, or taken out. */
export function changeAt(row: RowType, path: readonly string[], change: Change): RowType {
  const [name, ...rest] = path;
  return row.flatMap((field) => {
    if (field.name !== name) return [field];
    const type = rest.length === 0 ? change(field.type) : changeWithin(field.type, rest, change);
    return type === null ? [] : [{ name: field.name, type }];
  });
}

function changeWithin(type: FieldType, path: readonly string[], change: Change): FieldType {
  if (type.kind === 'object') return { kind: 'object', fields: changeAt(type.fields, path, change) };
  if (type.kind === 'array') return { ...type, element: changeWithin(type.element, path, change) };
  return type;
}

export function afterRule(type: FieldType, rule: HygieneRule): FieldType | null {
  if (rule.kind === 'drop') return null;
  if (type.kind === 'array') return { kind: 'array', element: afterRule(type.element, rule)! };
  return type.kind === 'scalar' && type.type !== 'jsonb' ? { kind: 'scalar', type: 'text' } : { kind: 'dynamic' };
}

/** The tagged fields, with what routes do to them; of records in lists too, which paths reach through. */
export function taggedFields(row: RowType, before: readonly string[] = []): readonly HygieneField[] {
  return row.flatMap(({ name, type }) => taggedWithin(type, [...before, name]));
}

function taggedWithin(type: FieldType, path: readonly string[]): readonly HygieneField[] {
  switch (type.kind) {
    case 'dynamic':
      return [];
    case 'object':
      return taggedFields(type.fields, path);
    case 'scalar':
      return type.pii === undefined ? [] : [{ path, rule: type.pii }];
    case 'array':
      return [...(type.pii === undefined ? [] : [{ path, rule: type.pii }]), ...taggedWithin(type.element, path)];
  }
}
