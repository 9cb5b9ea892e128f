// What zod found wrong with a parameter or a body, in the words of every other refusal.
import type * as z from 'zod';
import type { SpecProblem } from '#core/spec/problem.ts';

const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, part)
        ? (at as Record<PropertyKey, unknown>)[part]
        : undefined,
    value,
  );

const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text === '' ? '' : '.'}${String(part)}`),
    '',
  );

export function describeIssues(issues: readonly z.core.$ZodIssue[], value: unknown): readonly SpecProblem[] {
  return issues.slice(0, 20).map((issue) => {
    const path = pathText(issue.path);
    if (issue.code === 'unrecognized_keys')
      return { path, message: `unknown: ${issue.keys.slice(0, 5).map(shown).join(', ')}`, fix: 'leave it out' };
    return { path, message: `got ${shown(valueAt(value, issue.path))}: ${issue.message}` };
  });
}
