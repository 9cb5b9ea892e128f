// The typed tree as closures over a scanned event: no text is made into code.

import { comparerOf } from '../functions/compare.ts';
import { functionBySignature } from '../functions/table.ts';
import type { CallNode, ExpressionNode, IsTest, TypeName } from '../tree.ts';
import { applyModifiers, castBetween } from '../values/casts.ts';
import { convertDynamic, fitDynamic, mismatch, toJsonValue } from '../values/dynamic.ts';
import type { JsonValue } from '../values/json-value.ts';
import { readText } from '../values/type-text.ts';
import type { Value } from '../values/value.ts';
import { compileInPlace } from './in-place.ts';
import { type CompileScope, type Evaluate, readSlot } from './read.ts';

export function compile(node: ExpressionNode, scope: CompileScope): Evaluate {
  const inPlace = compileInPlace(node, scope);
  if (inPlace !== null) return inPlace;
  const evaluate = compileNode(node, scope);
  return node.kind !== 'constant' && node.kind !== 'path' && !readsEvent(node) ? once(evaluate) : evaluate;
}

/** What reads no field is the same for every event; it is evaluated at the first, and its error raised at each. */
function once(evaluate: Evaluate): Evaluate {
  let known = false;
  let value: Value = null;
  return () => {
    if (!known) {
      value = evaluate();
      known = true;
    }
    return value;
  };
}

export function readsEvent(node: ExpressionNode): boolean {
  if (node.kind === 'path') return true;
  return childrenOf(node).some(readsEvent);
}

export function childrenOf(node: ExpressionNode): readonly ExpressionNode[] {
  switch (node.kind) {
    case 'constant':
    case 'path':
      return [];
    case 'cast':
    case 'is':
      return [node.argument];
    case 'distinct':
      return [node.equals];
    case 'nullif':
      return [node.value, node.equals];
    case 'case':
      return [...node.branches.flatMap(({ when, result }) => [when, result]), node.otherwise];
    case 'quantified':
      return [node.left, node.array];
    case 'element':
      return [node.base, node.index];
    case 'slice':
      return [node.base, ...(node.lower === null ? [] : [node.lower]), ...(node.upper === null ? [] : [node.upper])];
    default:
      return node.arguments;
  }
}

function compileNode(node: ExpressionNode, scope: CompileScope): Evaluate {
  switch (node.kind) {
    case 'constant': {
      const value = node.text === null ? null : readText(node.type, node.text);
      return () => value;
    }
    case 'path':
      return readSlot(scope.row, scope.slotOf(node.path), node.type, node.keepsNull === true);
    case 'call':
      return compileCall(node, scope);
    case 'cast':
      return compileCast(node, scope);
    case 'and':
    case 'or':
      return compileLogic(node.arguments, node.kind === 'or', scope);
    case 'not': {
      const argument = compile(node.arguments[0]!, scope);
      return () => {
        const value = argument();
        return value === null ? null : value !== true;
      };
    }
    case 'is':
      return compileIs(node.test, compile(node.argument, scope));
    case 'distinct':
      return compileDistinct(node.equals, node.negated, scope);
    case 'nullif': {
      const value = compile(node.value, scope);
      const equals = compile(node.equals, scope);
      return () => (equals() === true ? null : value());
    }
    case 'case':
      return compileCase(node, scope);
    case 'coalesce':
      return compileCoalesce(node.arguments.map((part) => compile(part, scope)));
    case 'greatest':
    case 'least':
      return compileExtreme(
        node.arguments.map((part) => compile(part, scope)),
        node.type,
        node.kind === 'greatest' ? 1 : -1,
      );
    case 'quantified':
      return compileQuantified(node, scope);
    case 'array': {
      const items = node.arguments.map((item) => compile(item, scope));
      return () => items.map((item) => item());
    }
    case 'element':
      return compileElement(compile(node.base, scope), compile(node.index, scope));
    case 'slice':
      return compileSlice(node, scope);
  }
}

type General = (...values: readonly Value[]) => Value | typeof mismatch;

function implementationOf(
  signature: string,
  types: readonly TypeName[],
): { readonly run: General; readonly strict: boolean } {
  const entry = functionBySignature(signature);
  if (entry === undefined) throw new Error(`the program calls ${signature}, which this version does not have`);
  return { run: entry.make(types) as General, strict: entry.nulls === 'strict' };
}

function compileCall(node: CallNode, scope: CompileScope): Evaluate {
  const { run, strict } = implementationOf(
    node.signature,
    node.arguments.map((argument) => argument.type),
  );
  const { row } = scope;
  const args = node.arguments.map((argument) => compile(argument, scope));
  const settle = (value: Value | typeof mismatch): Value => {
    if (value !== mismatch) return value;
    row.mismatchCount++;
    return null;
  };
  if (!strict) return () => settle(run(...args.map((argument) => argument())));
  const [first, second] = args as [Evaluate, Evaluate];
  if (args.length === 1) {
    return () => {
      const a = first();
      return a === null ? null : settle(run(a));
    };
  }
  if (args.length === 2) {
    return () => {
      // As in PostgreSQL every argument is evaluated, so that an error in one shows whatever the others are.
      const a = first();
      const b = second();
      return a === null || b === null ? null : settle(run(a, b));
    };
  }
  return () => {
    const values = args.map((argument) => argument());
    return values.includes(null) ? null : settle(run(...values));
  };
}

function compileCast(node: Extract<ExpressionNode, { kind: 'cast' }>, scope: CompileScope): Evaluate {
  const argument = compile(node.argument, scope);
  const { type, from, modifiers } = node;
  if (modifiers !== undefined) return whenGiven(argument, (value) => applyModifiers(type, modifiers, value));
  if (type === 'dynamic') return whenGiven(argument, (value) => toJsonValue(from, value));
  if (from !== 'dynamic') return whenGiven(argument, castBetween(from, type));
  if (node.explicit) return whenGiven(argument, (value) => convertDynamic(value as JsonValue, type));
  const { row } = scope;
  return whenGiven(argument, (value) => {
    const fitted = fitDynamic(value as JsonValue, type);
    if (fitted !== mismatch) return fitted;
    row.mismatchCount++;
    return null;
  });
}

function whenGiven(argument: Evaluate, convert: (value: Exclude<Value, null>) => Value): Evaluate {
  return () => {
    const value = argument();
    return value === null ? null : convert(value);
  };
}

/** Three-valued: stops at the first part that decides, is NULL when none does and one is NULL. */
function compileLogic(nodes: readonly ExpressionNode[], deciding: boolean, scope: CompileScope): Evaluate {
  const parts = nodes.map((node) => compile(node, scope));
  return () => {
    let unknown = false;
    for (let index = 0; index < parts.length; index++) {
      const value = parts[index]!();
      if (value === deciding) return deciding;
      if (value === null) unknown = true;
    }
    return unknown ? null : !deciding;
  };
}

function compileIs(test: IsTest, argument: Evaluate): Evaluate {
  switch (test) {
    case 'null':
    case 'unknown':
      return () => argument() === null;
    case 'not null':
    case 'not unknown':
      return () => argument() !== null;
    case 'true':
      return () => argument() === true;
    case 'not true':
      return () => argument() !== true;
    case 'false':
      return () => argument() === false;
    case 'not false':
      return () => argument() !== false;
  }
}

function compileDistinct(equals: CallNode, negated: boolean, scope: CompileScope): Evaluate {
  const [left, right] = equals.arguments.map((argument) => compile(argument, scope)) as [Evaluate, Evaluate];
  const { run } = implementationOf(
    equals.signature,
    equals.arguments.map((argument) => argument.type),
  );
  return () => {
    const a = left();
    const b = right();
    const same = a === null || b === null ? a === b : run(a, b) === true;
    return same === negated;
  };
}

function compileCase(node: Extract<ExpressionNode, { kind: 'case' }>, scope: CompileScope): Evaluate {
  const whens = node.branches.map(({ when }) => compile(when, scope));
  const results = node.branches.map(({ result }) => compile(result, scope));
  const otherwise = compile(node.otherwise, scope);
  return () => {
    for (let index = 0; index < whens.length; index++) if (whens[index]!() === true) return results[index]!();
    return otherwise();
  };
}

function compileCoalesce(parts: readonly Evaluate[]): Evaluate {
  return () => {
    for (let index = 0; index < parts.length; index++) {
      const value = parts[index]!();
      if (value !== null) return value;
    }
    return null;
  };
}

/** GREATEST and LEAST pass over NULLs. */
function compileExtreme(parts: readonly Evaluate[], type: TypeName, sign: 1 | -1): Evaluate {
  const compare = comparerOf(type);
  return () => {
    let extreme: Value = null;
    for (const part of parts) {
      const value: Value = part();
      if (value !== null && (extreme === null || compare(value, extreme) * sign > 0)) extreme = value;
    }
    return extreme;
  };
}

function compileQuantified(node: Extract<ExpressionNode, { kind: 'quantified' }>, scope: CompileScope): Evaluate {
  const left = compile(node.left, scope);
  const array = compile(node.array, scope);
  const { run } = implementationOf(node.signature, [node.left.type, node.left.type]);
  const deciding = node.quantifier === 'any';
  const { row } = scope;
  return () => {
    const value = left();
    const items = array() as readonly Value[] | null;
    if (items === null) return null;
    if (items.length === 0) return !deciding;
    if (value === null) return null;
    let unknown = false;
    for (const item of items) {
      const result = item === null ? null : run(value, item);
      if (result === deciding) return deciding;
      if (result === mismatch) row.mismatchCount++;
      if (result === null || result === mismatch) unknown = true;
    }
    return unknown ? null : !deciding;
  };
}

function compileElement(base: Evaluate, index: Evaluate): Evaluate {
  return () => {
    const items = base() as readonly Value[] | null;
    const at = index() as number | null;
    return items === null || at === null ? null : (items[at - 1] ?? null);
  };
}

function compileSlice(node: Extract<ExpressionNode, { kind: 'slice' }>, scope: CompileScope): Evaluate {
  const base = compile(node.base, scope);
  const lower = node.lower === null ? () => 1 : compile(node.lower, scope);
  const upper = node.upper === null ? () => Number.MAX_SAFE_INTEGER : compile(node.upper, scope);
  return () => {
    const items = base() as readonly Value[] | null;
    const [from, to] = [lower() as number | null, upper() as number | null];
    if (items === null || from === null || to === null) return null;
    return items.slice(Math.max(from, 1) - 1, Math.max(to, 0));
  };
}
