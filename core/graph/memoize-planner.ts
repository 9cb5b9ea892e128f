// Compiling a route's texts is pure, so it is done once for each text and row type, not once for each pass.
import type { RoutePlanner } from '#core/expression/index.ts';

/** Keeps the latest `entriesMax` results; the one longest unused goes first. */
export function memoizePlanner(plan: RoutePlanner, entriesMax: number): RoutePlanner {
  const known = new Map<string, ReturnType<RoutePlanner>>();
  return (text, row, options) => {
    // The same in another order of members is compiled once more; equal keys are equal questions.
    const key = JSON.stringify([text, row, options]);
    const found = known.get(key) ?? plan(text, row, options);
    known.delete(key);
    known.set(key, found);
    if (known.size > entriesMax) known.delete(known.keys().next().value!);
    return found;
  };
}
