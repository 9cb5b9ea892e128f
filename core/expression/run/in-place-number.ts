// Comparisons of a number field with a constant, as doubles where both are short enough for that to be exact.
import { comparerOf, comparisonTests } from '../functions/compare.ts';
import type { ExpressionNode, TypeName } from '../tree.ts';
import { fitDynamic, mismatch } from '../values/dynamic.ts';
import { type Numeric, numericToNumber } from '../values/numeric.ts';
import { castsImplicitly } from '../values/type-rules.ts';
import { readText } from '../values/type-text.ts';
import type { Value } from '../values/value.ts';
import { type CompileScope, type Evaluate, readJson, readPlainDecimal } from './read.ts';
import { ESCAPED, MISSING, NULL, NUMBER, type Row, STRING } from './scanner.ts';

const exactTypes: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint', 'numeric']);

/** Whether a cast between exact types keeps every value. */
function widens(from: TypeName, to: TypeName): boolean {
  return to === 'numeric' || castsImplicitly(from, to);
}

/** A field, through casts among exact number types that cannot fail or change its value. */
function numberField(node: ExpressionNode): Extract<ExpressionNode, { kind: 'path' }> | null {
  if (node.kind === 'path' && exactTypes.has(node.type)) return node;
  if (node.kind !== 'cast' || node.modifiers !== undefined || !exactTypes.has(node.type)) return null;
  const { argument } = node;
  if (node.from === 'dynamic')
    return !node.explicit && node.type === 'numeric' && argument.kind === 'path' ? argument : null;
  return widens(node.from, node.type) ? numberField(argument) : null;
}

function constantNumber(node: ExpressionNode): Numeric | null {
  if (node.kind === 'cast' && node.modifiers === undefined && exactTypes.has(node.type) && exactTypes.has(node.from)) {
    return widens(node.from, node.type) ? constantNumber(node.argument) : null;
  }
  if (node.kind !== 'constant' || node.text === null || !exactTypes.has(node.type)) return null;
  return readText('numeric', node.text) as Numeric;
}

const safeNumber = 1e15;

function mirrored(operator: string): string {
  return ({ '<': '>', '>': '<', '<=': '>=', '>=': '<=' } as Record<string, string>)[operator] ?? operator;
}

export function compileNumberComparison(
  operator: string,
  left: ExpressionNode,
  right: ExpressionNode,
  scope: CompileScope,
): Evaluate | null {
  const field = numberField(left) ?? numberField(right);
  const constant = constantNumber(left) ?? constantNumber(right);
  if (field === null || constant === null || constant.kind !== 'finite') return null;
  const number = numericToNumber(constant);
  const digits = constant.coefficient < 0n ? -constant.coefficient : constant.coefficient;
  if (digits >= BigInt(safeNumber)) return null;
  const effective = numberField(left) !== null ? operator : mirrored(operator);
  return compareSlot(scope, scope.slotOf(field.path), comparisonTests[effective]!, number, constant);
}

/** A long number, or one of the texts for what JSON has no number for (`"NaN"`). */
function fitSlot(row: Row, slot: number): Value | typeof mismatch {
  return fitDynamic(readJson(row, slot)!, 'numeric');
}

function compareSlot(
  scope: CompileScope,
  slot: number,
  test: (order: number) => boolean,
  number: number,
  constant: Numeric,
): Evaluate {
  const { row } = scope;
  const compare = comparerOf('numeric' satisfies TypeName);
  return () => {
    const kind = row.kinds[slot]!;
    if (kind === NUMBER) {
      const plain = readPlainDecimal(row.bytes, row.starts[slot]!, row.ends[slot]!);
      if (!Number.isNaN(plain)) return test(plain - number);
    } else if (kind === MISSING || kind === NULL) return null;
    const value = kind === NUMBER || kind === STRING || kind === ESCAPED ? fitSlot(row, slot) : mismatch;
    if (value !== mismatch) return test(compare(value, constant));
    row.mismatchCount++;
    return null;
  };
}
