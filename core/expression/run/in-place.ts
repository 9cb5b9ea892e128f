// Comparisons of a field with constants on the event's own bytes, so that the usual conditions allocate nothing.
import { comparisonTests } from '../functions/compare.ts';
import { likePrefix } from '../functions/like.ts';
import type { ExpressionNode, Step } from '../tree.ts';
import type { Value } from '../values/value.ts';
import { decodeJsonString } from './decode.ts';
import { compileNumberComparison } from './in-place-number.ts';
import type { CompileScope, Evaluate } from './read.ts';
import { ESCAPED, MISSING, NULL, type Row, STRING } from './scanner.ts';

const encoder = new TextEncoder();

/** The closure for a node that can be decided in place; null for all others. */
export function compileInPlace(node: ExpressionNode, scope: CompileScope): Evaluate | null {
  if (node.kind === 'is' && (node.test === 'null' || node.test === 'not null')) return nullTest(node, scope);
  if (node.kind === 'quantified') return membership(node, scope);
  if (node.kind !== 'call' || node.arguments.length !== 2) return null;
  const [left, right] = node.arguments as readonly [ExpressionNode, ExpressionNode];
  const operator = node.signature.slice(0, node.signature.indexOf('('));
  if (Object.hasOwn(comparisonTests, operator)) {
    return equality(operator, left, right, scope) ?? compileNumberComparison(operator, left, right, scope);
  }
  return operator === '~~' ? prefixTest(left, right, scope) : null;
}

type Path = Extract<ExpressionNode, { kind: 'path' }>;

/** The field behind a node that takes it as text: declared as text, or dynamic and used as text. */
function textField(node: ExpressionNode): Path | null {
  if (node.kind === 'path' && (node.type === 'text' || node.type === 'dynamic')) return node;
  const used =
    node.kind === 'cast' && node.from === 'dynamic' && !node.explicit && node.type === 'text' ? node.argument : null;
  return used?.kind === 'path' ? used : null;
}

function textConstant(node: ExpressionNode): string | null {
  return node.kind === 'constant' && (node.type === 'text' || node.type === 'dynamic') ? node.text : null;
}

/** Says for a slot that holds no string: NULL, counted when the slot holds something else. */
function notText(row: Row, slot: number): null {
  const kind = row.kinds[slot]!;
  if (kind !== MISSING && kind !== NULL) row.mismatchCount++;
  return null;
}

function equality(operator: string, left: ExpressionNode, right: ExpressionNode, scope: CompileScope): Evaluate | null {
  if (operator !== '=' && operator !== '<>') return null;
  const field = textField(left) ?? textField(right);
  const text = textConstant(left) ?? textConstant(right);
  if (field === null || text === null) return null;
  const { row } = scope;
  const slot = scope.slotOf(field.path as readonly Step[]);
  const wanted = encoder.encode(text);
  const whenEqual = operator === '=';
  return () => {
    const kind = row.kinds[slot]!;
    if (kind === STRING) return sameBytes(row, slot, wanted) === whenEqual;
    if (kind === ESCAPED) return (escapedText(row, slot) === text) === whenEqual;
    return notText(row, slot);
  };
}

function sameBytes(row: Row, slot: number, wanted: Uint8Array): boolean {
  const start = row.starts[slot]! + 1;
  if (row.ends[slot]! - 1 - start !== wanted.length) return false;
  return startsWith(row.bytes, start, wanted);
}

function startsWith(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index++) if (bytes[start + index] !== wanted[index]) return false;
  return true;
}

function escapedText(row: Row, slot: number): string {
  return decodeJsonString(row.bytes, row.starts[slot]! + 1, row.ends[slot]! - 1, true);
}

/** `field IN ('a', 'b')` and `NOT IN`, over constant texts. */
function membership(node: Extract<ExpressionNode, { kind: 'quantified' }>, scope: CompileScope): Evaluate | null {
  const member = node.quantifier === 'any' && node.signature.startsWith('=(');
  const outside = node.quantifier === 'all' && node.signature.startsWith('<>(');
  const field = textField(node.left);
  if ((!member && !outside) || field === null || node.array.kind !== 'array') return null;
  const texts = node.array.arguments.map(textConstant);
  if (texts.length === 0 || texts.includes(null)) return null;
  const wanted = (texts as string[]).map((text) => encoder.encode(text));
  const { row } = scope;
  const slot = scope.slotOf(field.path);
  return () => {
    const kind = row.kinds[slot]!;
    if (kind === STRING) {
      for (let index = 0; index < wanted.length; index++) if (sameBytes(row, slot, wanted[index]!)) return member;
      return !member;
    }
    return kind === ESCAPED ? texts.includes(escapedText(row, slot)) === member : notText(row, slot);
  };
}

/** `field LIKE 'begin%'`. */
function prefixTest(left: ExpressionNode, right: ExpressionNode, scope: CompileScope): Evaluate | null {
  const field = textField(left);
  const pattern = textConstant(right);
  const prefix = pattern === null ? null : likePrefix(pattern);
  if (field === null || prefix === null) return null;
  const wanted = encoder.encode(prefix);
  const { row } = scope;
  const slot = scope.slotOf(field.path);
  return () => {
    const kind = row.kinds[slot]!;
    if (kind === STRING) {
      const start = row.starts[slot]! + 1;
      return row.ends[slot]! - 1 - start >= wanted.length && startsWith(row.bytes, start, wanted);
    }
    return kind === ESCAPED ? escapedText(row, slot).startsWith(prefix) : notText(row, slot);
  };
}

function nullTest(node: Extract<ExpressionNode, { kind: 'is' }>, scope: CompileScope): Evaluate | null {
  const { argument } = node;
  if (argument.kind !== 'path' || argument.keepsNull === true) return null;
  const { row } = scope;
  const slot = scope.slotOf(argument.path);
  const wanted = node.test === 'null';
  return (): Value => (row.kinds[slot] === MISSING || row.kinds[slot] === NULL) === wanted;
}
