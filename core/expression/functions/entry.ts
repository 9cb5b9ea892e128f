// What a row of the function table states; documentation, typing and execution all come from it.
import type { TypeName } from '../tree.ts';
import type { mismatch } from '../values/dynamic.ts';
import type { Value } from '../values/value.ts';

/** Arguments come as the types that the entry names. A `mismatch` counts as NULL and is counted. */
export type Implementation = (...values: never[]) => Value | typeof mismatch;

export interface FunctionEntry {
  readonly name: string;
  /** Type names, or `anyarray`, `anyelement`, `anynonarray`, `any`; the last may end in `...`: it repeats, at least once. */
  readonly arguments: readonly TypeName[];
  readonly result: TypeName;
  readonly doc: string;
  /** `given`: called with NULLs too. Otherwise any NULL argument makes NULL. */
  readonly nulls: 'strict' | 'given';
  /** Makes the implementation for the argument types of one call. */
  readonly make: (argumentTypes: readonly TypeName[]) => Implementation;
}

export function entry(
  name: string,
  argumentTypes: readonly TypeName[],
  result: TypeName,
  doc: string,
  run: Implementation,
): FunctionEntry {
  return { name, arguments: argumentTypes, result, doc, nulls: 'strict', make: () => run };
}

/** An entry whose implementation depends on the argument types or keeps something between calls. */
export function made(
  name: string,
  argumentTypes: readonly TypeName[],
  result: TypeName,
  doc: string,
  make: FunctionEntry['make'],
): FunctionEntry {
  return { name, arguments: argumentTypes, result, doc, nulls: 'strict', make };
}

export function givenNulls(from: FunctionEntry): FunctionEntry {
  return { ...from, nulls: 'given' };
}

export function signatureOf(from: FunctionEntry): string {
  return `${from.name}(${from.arguments.join(',')})`;
}
