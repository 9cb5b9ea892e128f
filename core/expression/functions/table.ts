// The one table of every operator and function that expressions may use.
import { arithmeticOperators } from './arithmetic.ts';
import { arrayFunctions } from './array.ts';
import { comparisonOperators } from './compare.ts';
import { type FunctionEntry, signatureOf } from './entry.ts';
import { jsonFunctions } from './json.ts';
import { likeOperators } from './like.ts';
import { mathFunctions } from './math.ts';
import { regexFunctions } from './regex.ts';
import { textFunctions } from './text.ts';
import { timeFunctions } from './time.ts';

/** In the order in which the reference shows them. */
export const functionGroups: readonly { readonly title: string; readonly entries: readonly FunctionEntry[] }[] = [
  { title: 'Comparison', entries: comparisonOperators },
  { title: 'Pattern matching', entries: [...likeOperators, ...regexFunctions] },
  { title: 'Arithmetic', entries: arithmeticOperators },
  { title: 'Number functions', entries: mathFunctions },
  { title: 'Text', entries: textFunctions },
  { title: 'Dates and times', entries: timeFunctions },
  { title: 'JSON', entries: jsonFunctions },
  { title: 'Arrays', entries: arrayFunctions },
];

const bySignature = new Map<string, FunctionEntry>();
const byName = new Map<string, FunctionEntry[]>();
for (const { entries } of functionGroups) {
  for (const row of entries) {
    bySignature.set(signatureOf(row), row);
    const sameName = byName.get(row.name);
    if (sameName === undefined) byName.set(row.name, [row]);
    else sameName.push(row);
  }
}

export function functionsNamed(name: string): readonly FunctionEntry[] {
  return byName.get(name) ?? [];
}

export function functionBySignature(signature: string): FunctionEntry | undefined {
  return bySignature.get(signature);
}

export function functionNames(): readonly string[] {
  return [...byName.keys()];
}
