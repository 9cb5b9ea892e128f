// Which row of the function table a call means: PostgreSQL's rules for operator and function type resolution.
import { type FunctionEntry, signatureOf } from '../functions/entry.ts';
import { functionNames, functionsNamed } from '../functions/table.ts';
import { nearestNames, Refusal } from '../problem.ts';
import type { CallNode, TypeName } from '../tree.ts';
import {
  arrayOf,
  castsImplicitly,
  categoryOf,
  commonType,
  dynamic,
  elementOf,
  isArray,
  isPreferred,
  unknown,
} from '../values/type-rules.ts';
import { type Bound, typeOf } from './bound.ts';
import { coerce } from './coerce.ts';

interface Candidate {
  readonly entry: FunctionEntry;
  /** One type per argument, with pseudo types settled. */
  readonly types: readonly TypeName[];
}

export function resolveCall(name: string, args: readonly Bound[], at: number, isOperator: boolean): CallNode {
  const types = args.map(typeOf);
  const chosen = chooseWithDynamic(name, types, isOperator);
  if (chosen === 'ambiguous') {
    const message = `${describe(name, types, isOperator)} is not unique`;
    throw new Refusal('ambiguous_function', message, at, 'cast the arguments to the types that are meant');
  }
  if (chosen === null) throw undefinedFunction(name, types, at, isOperator);
  return {
    kind: 'call',
    type: resultType(chosen),
    signature: signatureOf(chosen.entry),
    arguments: args.map((argument, index) => coerce(argument, chosen.types[index]!).node),
  };
}

function describe(name: string, types: readonly TypeName[], isOperator: boolean): string {
  if (!isOperator) return `function ${name}(${types.join(', ')})`;
  return types.length === 1 ? `operator ${name} ${types[0]}` : `operator ${types[0]} ${name} ${types[1]}`;
}

function undefinedFunction(name: string, types: readonly TypeName[], at: number, isOperator: boolean): Refusal {
  if (isOperator) {
    const what = types.length === 1 ? `${name} ${types[0]}` : `${types[0]} ${name} ${types[1]}`;
    return new Refusal('undefined_function', `operator does not exist: ${what}`, at, operatorHint(types));
  }
  const known = functionsNamed(name);
  if (known.length === 0) {
    const near = nearestNames(
      name,
      functionNames().filter((candidate) => /^\w+$/.test(candidate)),
    );
    const hint = near.length > 0 ? `did you mean ${near.join(', ')}?` : 'the expression reference lists all functions';
    return new Refusal('undefined_function', `function ${name}() does not exist`, at, hint);
  }
  const shapes = known.map((row) => `${name}(${row.arguments.join(', ')})`).slice(0, 6);
  return new Refusal(
    'undefined_function',
    `${describe(name, types, false)} does not exist`,
    at,
    `there is ${shapes.join('; ')}`,
  );
}

function operatorHint(types: readonly TypeName[]): string {
  const number = types.some((type) => categoryOf(type) === 'N');
  if (number && types.includes('text')) return 'cast the text, for example (…)::numeric';
  return 'no operator takes these types; you might need to add a cast, for example (…)::text';
}

/** What a dynamic value may be taken for, in this order, where the function does not take dynamic values as they are. */
const dynamicGuesses: readonly TypeName[] = [
  'numeric',
  'text',
  'boolean',
  'integer',
  'double precision',
  'timestamptz',
  arrayOf(dynamic),
  'text[]',
  'jsonb',
];
const guessedArgumentsMax = 3;

function chooseWithDynamic(
  name: string,
  types: readonly TypeName[],
  isOperator: boolean,
): Candidate | 'ambiguous' | null {
  const direct = choose(name, types, isOperator);
  if (direct !== null && direct !== 'ambiguous') return direct;
  const places = types.flatMap((type, index) => (type === dynamic ? [index] : []));
  if (places.length === 0 || places.length > guessedArgumentsMax) return direct;
  for (let guess = 0; guess < dynamicGuesses.length ** places.length; guess++) {
    const guessed = [...types];
    let rest = guess;
    for (const place of [...places].reverse()) {
      guessed[place] = dynamicGuesses[rest % dynamicGuesses.length]!;
      rest = Math.floor(rest / dynamicGuesses.length);
    }
    const chosen = choose(name, guessed, isOperator);
    if (chosen !== null && chosen !== 'ambiguous') return chosen;
  }
  return null;
}

function choose(name: string, types: readonly TypeName[], isOperator: boolean): Candidate | 'ambiguous' | null {
  if (isOperator && types.length === 2) {
    const literal = assumeSameType(name, types);
    if (literal !== null) return literal;
  }
  const viable = functionsNamed(name).flatMap((row) => settle(row, types) ?? []);
  const exact = viable.find((candidate) => candidate.types.every((type, index) => type === types[index]));
  if (exact !== undefined) return exact;
  if (viable.length <= 1) return viable[0] ?? null;
  return narrow(viable, types);
}

/** An operator with a literal on one side first assumes that the literal is of the other side's type, be it an array. */
function assumeSameType(name: string, types: readonly TypeName[]): Candidate | null {
  const [left, right] = types as readonly [TypeName, TypeName];
  if ((left === unknown) === (right === unknown)) return null;
  const known = left === unknown ? right : left;
  const row = functionsNamed(name).find(
    (candidate) =>
      candidate.arguments.length === 2 &&
      candidate.arguments.every((type) => type === known || (type === 'anyarray' && isArray(known))),
  );
  if (row !== undefined) return { entry: row, types: [known, known] };
  return null;
}

/** The entry with a concrete type for every argument; null when the arguments cannot be given to it. */
function settle(row: FunctionEntry, types: readonly TypeName[]): Candidate | null {
  const wanted = spread(row.arguments, types.length);
  if (wanted === null) return null;
  const element = settleElement(wanted, types);
  if (element === null) return null;
  const settled: TypeName[] = [];
  for (const [index, type] of wanted.entries()) {
    const given = types[index]!;
    if (type === 'anynonarray' && isArray(given)) return null;
    if (type === 'any' || type === 'anynonarray') settled.push(given === unknown ? 'text' : given);
    else if (type === 'anyarray') settled.push(arrayOf(element));
    else if (type === 'anyelement') settled.push(element);
    else settled.push(type);
    if (!castsImplicitly(given, settled[index]!)) return null;
  }
  return { entry: row, types: settled };
}

function spread(parameters: readonly TypeName[], count: number): readonly TypeName[] | null {
  const last = parameters.at(-1);
  if (last?.endsWith('...') !== true) return parameters.length === count ? parameters : null;
  if (count < parameters.length) return null;
  return [
    ...parameters.slice(0, -1),
    ...Array.from({ length: count - parameters.length + 1 }, () => last.slice(0, -3)),
  ];
}

/** The element type that anyarray and anyelement stand for in this call; `''` when neither occurs. */
function settleElement(wanted: readonly TypeName[], types: readonly TypeName[]): TypeName | null {
  const elements: TypeName[] = [];
  let polymorphic = false;
  let hasArray = false;
  for (const [index, type] of wanted.entries()) {
    const given = types[index]!;
    if (type === 'anyarray') {
      polymorphic = true;
      if (given === unknown) continue;
      if (!isArray(given)) return null;
      hasArray = true;
      elements.push(elementOf(given));
    } else if (type === 'anyelement') {
      polymorphic = true;
      if (isArray(given)) return null;
      elements.push(given);
    }
  }
  if (!polymorphic) return '';
  return hasArray ? commonType(elements) : null;
}

function narrow(viable: readonly Candidate[], types: readonly TypeName[]): Candidate | 'ambiguous' {
  let left = best(viable, (candidate) =>
    count(types, (type, index) => type !== unknown && candidate.types[index] === type),
  );
  if (left.length === 1) return left[0]!;
  left = best(left, (candidate) =>
    count(
      types,
      (type, index) => type !== unknown && (candidate.types[index] === type || isPreferred(candidate.types[index]!)),
    ),
  );
  if (left.length === 1) return left[0]!;
  left = byLiterals(left, types);
  if (left.length === 1) return left[0]!;
  return sameAsKnown(left, types) ?? 'ambiguous';
}

function count(types: readonly TypeName[], holds: (type: TypeName, index: number) => boolean): number {
  return types.filter(holds).length;
}

function best(candidates: readonly Candidate[], score: (candidate: Candidate) => number): readonly Candidate[] {
  const scores = candidates.map(score);
  const highest = Math.max(...scores);
  return candidates.filter((_, index) => scores[index] === highest);
}

/** Literals are taken for strings where a candidate takes strings, and otherwise decide if all agree on a category. */
function byLiterals(candidates: readonly Candidate[], types: readonly TypeName[]): readonly Candidate[] {
  let left = candidates;
  for (const [index, type] of types.entries()) {
    if (type !== unknown) continue;
    const categories = new Set(candidates.map((candidate) => categoryOf(candidate.types[index]!)));
    const category = categories.has('S') ? 'S' : categories.size === 1 ? [...categories][0]! : null;
    if (category === null) return candidates;
    const inCategory = left.filter((candidate) => categoryOf(candidate.types[index]!) === category);
    const preferred = inCategory.filter((candidate) => isPreferred(candidate.types[index]!));
    left = preferred.length > 0 ? preferred : inCategory;
    if (left.length === 0) return candidates;
  }
  const concrete = left.filter((candidate) => !candidate.entry.arguments.some((type) => type.startsWith('any')));
  return concrete.length === 1 ? concrete : left;
}

/** If all known arguments share a type, the literals are assumed to be of it as well. */
function sameAsKnown(candidates: readonly Candidate[], types: readonly TypeName[]): Candidate | null {
  const known = new Set(types.filter((type) => type !== unknown));
  if (known.size !== 1) return null;
  const [type] = [...known] as [TypeName];
  const fitting = candidates.filter((candidate) => candidate.types.every((wanted) => castsImplicitly(type, wanted)));
  return fitting.length === 1 ? fitting[0]! : null;
}

function resultType(chosen: Candidate): TypeName {
  const { result } = chosen.entry;
  if (result !== 'anyarray' && result !== 'anyelement') return result;
  const wanted = spread(chosen.entry.arguments, chosen.types.length)!;
  const index = wanted.findIndex((type) => type === 'anyarray' || type === 'anyelement');
  const type = chosen.types[index]!;
  const element = wanted[index] === 'anyarray' ? elementOf(type) : type;
  return result === 'anyarray' ? arrayOf(element) : element;
}
