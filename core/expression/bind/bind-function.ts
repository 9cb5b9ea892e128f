// Function calls: by the function table; aggregates, window functions and whatever depends on the clock are refused by name.
import type { FuncCall } from 'libpg-query';
import { Refusal } from '../problem.ts';
import { type Bind, type Bound, bound, typeOf } from './bound.ts';
import { castTo } from './coerce.ts';
import { stringOf } from './paths.ts';
import { refuseFunction } from './refuse.ts';
import { resolveCall } from './resolve.ts';

export function bindFunction(bind: Bind, expression: FuncCall, depth: number): Bound {
  const at = expression.location ?? 0;
  const names = (expression.funcname ?? []).map((name) => stringOf(name) ?? '');
  const name = names.at(-1)!;
  if (names.length > 1 && names[0] !== 'pg_catalog') {
    throw new Refusal('undefined_function', `function ${names.join('.')}() does not exist`, at);
  }
  refuseFunction(expression, name, at);
  const args = (expression.args ?? []).map((argument) => bind(argument, depth + 1));
  return bound(resolveCall(name, typeCasts(name, args), at, false), at);
}

/** `jsonb_typeof` and the like read any JSON; concat_ws's separator is text whatever the event holds. */
function typeCasts(name: string, args: readonly Bound[]): readonly Bound[] {
  if (name !== 'concat_ws' || args.length === 0 || typeOf(args[0]!) !== 'dynamic') return args;
  return [castTo(args[0]!, 'text', [], args[0]!.at), ...args.slice(1)];
}
