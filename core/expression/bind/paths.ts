// Field references: names and subscripts to a path in the event, checked against the declared fields.
import type { Node } from 'libpg-query';
import { nearestNames, quoteName, Refusal } from '../problem.ts';
import type { ExpressionNode, Step, TypeName } from '../tree.ts';
import type { FieldType, RowType } from '../types.ts';
import { elementOf, isArray, typeNameOf } from '../values/type-rules.ts';
import { type Bound, bound, type Scope, typeOf } from './bound.ts';
import { coerce } from './coerce.ts';

const dynamicField: FieldType = { kind: 'dynamic' };

export function pathOf(path: readonly Step[], type: FieldType, at: number): Bound {
  return bound({ kind: 'path', type: typeNameOf(type), path }, at, type);
}

/** `a.b.c` */
export function bindNames(scope: Scope, names: readonly string[], at: number): Bound {
  const [first, ...rest] = names;
  if (scope.row === null) return pathOf(names, dynamicField, at);
  let current = pathOf([first!], fieldNamed(scope.row, first!, [], at), at);
  for (const name of rest) current = memberNamed(current, name, at);
  return current;
}

function fieldNamed(row: RowType, name: string, before: readonly Step[], at: number): FieldType {
  const field = row.find((candidate) => candidate.name === name);
  if (field !== undefined) return field.type;
  const full = [...before, name].join('.');
  throw new Refusal('undefined_column', `field ${quoteName(full)} does not exist`, at, fieldHint(row, name));
}

function fieldHint(row: RowType, name: string): string {
  const names = row.map((field) => field.name);
  const capitals = names.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (capitals !== undefined)
    return `did you mean ${quoteName(capitals)}? Names with capitals are written in double quotes`;
  const near = nearestNames(name, names);
  if (near.length > 0) return `did you mean ${near.map(quoteName).join(', ')}?`;
  const shown = names.slice(0, 12).map(quoteName).join(', ');
  return names.length === 0 ? 'no fields are declared here' : `declared are ${shown}${names.length > 12 ? ', …' : ''}`;
}

/** `.name` behind an expression. */
export function memberNamed(base: Bound, name: string, at: number): Bound {
  if (base.node.kind === 'path' && base.declared !== null) {
    if (base.declared.kind === 'object') {
      const type = fieldNamed(base.declared.fields, name, base.node.path, at);
      return pathOf([...base.node.path, name], type, at);
    }
    if (base.declared.kind === 'dynamic') return pathOf([...base.node.path, name], dynamicField, at);
  }
  const hint = typeOf(base) === 'jsonb' ? `use ->'${name}' or ->>'${name}'` : undefined;
  throw new Refusal('undefined_column', `.${name} cannot be taken of a value of type ${typeOf(base)}`, at, hint);
}

/** `[index]` behind an expression; 1-based for arrays and dynamic values, PostgreSQL's 0-based subscripts for jsonb. */
export function elementAt(base: Bound, index: Bound, at: number): Bound {
  const type = typeOf(base);
  const constant = integerConstant(index);
  if (type === 'jsonb') return jsonSubscript(base, index, at);
  if (type === 'dynamic') {
    const name = index.node.kind === 'constant' && index.node.type === 'unknown' ? index.node.text : null;
    if (name !== null) return extendPath(base, name, at) ?? refuseSubscript(base, at);
    if (constant !== null && constant >= 1) {
      const longer = extendPath(base, constant - 1, at);
      if (longer !== null) return longer;
    }
    const items = coerce(base, 'dynamic[]');
    return bound({ kind: 'element', type, base: items.node, index: coerce(index, 'integer').node }, at);
  }
  if (!isArray(type)) return refuseSubscript(base, at);
  if (constant !== null && constant >= 1 && base.node.kind === 'path' && base.declared?.kind === 'array') {
    return pathOf([...base.node.path, constant - 1], base.declared.element, at);
  }
  return bound({ kind: 'element', type: elementOf(type), base: base.node, index: coerce(index, 'integer').node }, at);
}

function refuseSubscript(base: Bound, at: number): never {
  throw new Refusal('datatype_mismatch', `a value of type ${typeOf(base)} has no elements`, at);
}

function jsonSubscript(base: Bound, index: Bound, at: number): Bound {
  const constant = integerConstant(index);
  const step = constant ?? (index.node.kind === 'constant' ? index.node.text : null);
  if (step === null)
    throw new Refusal('feature_not_supported', 'a subscript of jsonb must be a constant here', at, 'use ->');
  const type: TypeName = typeof step === 'number' ? 'integer' : 'text';
  const stepNode: ExpressionNode = { kind: 'constant', type, text: String(step) };
  return (
    followJson(base, step, at) ??
    bound({ kind: 'call', type: 'jsonb', signature: `->(jsonb,${type})`, arguments: [base.node, stepNode] }, at)
  );
}

export function integerConstant(of: Bound): number | null {
  return of.node.kind === 'constant' && of.node.type === 'integer' && of.node.text !== null
    ? Number(of.node.text)
    : null;
}

function extendPath(base: Bound, step: Step, at: number): Bound | null {
  return base.node.kind === 'path' ? pathOf([...base.node.path, step], dynamicField, at) : null;
}

/**
 * `json -> step` as a longer path, so that the scanner finds it; null where it cannot be one. JSON's null inside jsonb
 * stays a value there, as in PostgreSQL.
 */
export function followJson(base: Bound, step: Step, at: number): Bound | null {
  const { node } = base;
  const type = typeOf(base);
  if (node.kind !== 'path' || (type !== 'jsonb' && type !== 'dynamic')) return null;
  if (typeof step === 'number' && step < 0) return null;
  const path = [...node.path, step];
  if (type === 'dynamic') return pathOf(path, dynamicField, at);
  // An index into jsonb also sees a bare scalar as an array of one, which a path does not.
  if (typeof step === 'number') return null;
  return bound({ kind: 'path', type, path, keepsNull: true }, at);
}

export function stringOf(node: Node): string | null {
  return 'String' in node ? (node.String.sval ?? '') : null;
}
