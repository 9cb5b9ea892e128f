// A record's key is written beside the event: one that is a treated field would carry the raw value past the treatment.
import type { SpecProblem } from '#core/spec/problem.ts';
import { keyColumn, type SinkSpec } from '#core/spec/sinks/sink-spec.ts';
import type { OperatorProgram } from './operator.ts';

/** What a source's records are keyed by: as it is declared, and the field's path; null where that names no field. */
export interface SourceKey {
  readonly declared: string;
  readonly path: readonly string[] | null;
}

/** Sinks that write the source's key are refused where a treated field can be in it. `keysOf` plans expressions: asked only where it matters. */
export function checkKeyLeak(
  sink: SinkSpec,
  operators: readonly OperatorProgram[],
  keysOf: () => readonly SourceKey[],
  path: string,
): readonly SpecProblem[] {
  const writesKey = sink.kind === 'http' || (sink.kind === 'stream' && keyColumn(sink) === null);
  if (!writesKey) return [];
  const treated = operators.flatMap((operator) =>
    operator.kind === 'hygiene' ? operator.fields.map((field) => field.path) : [],
  );
  if (treated.length === 0) return [];
  return keysOf()
    .filter((key) => treated.some((field) => key.path === null || areNested(field, key.path)))
    .map((key) => ({
      path: sink.kind === 'stream' ? `${path}.key` : path,
      message: `the source's records are keyed by ${JSON.stringify(key.declared)}, ${whyRefused(key)}; the sink would get that key as it is`,
      fix: sink.kind === 'stream' ? 'name an output column as `key`' : 'key the source by another field',
    }));
}

const whyRefused = ({ path }: SourceKey): string =>
  path === null
    ? 'which names no field, and so may be one that the route treats as personal'
    : 'which the route treats as personal';

/** Whether one path begins with the other: an object's text holds what its members hold. */
const areNested = (left: readonly string[], right: readonly string[]): boolean =>
  left.slice(0, right.length).every((name, index) => name === right[index]);
