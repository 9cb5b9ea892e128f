// A record's key is written beside the event: one that is a treated field would carry the raw value past the treatment.
import type { SpecProblem } from '#core/spec/problem.ts';
import { keyColumn, type SinkSpec } from '#core/spec/sinks/sink-spec.ts';
import type { OperatorProgram } from './operator.ts';

/** `keys`: the fields that the source's records are keyed by. Sinks that write the source's key are refused. */
export function checkKeyLeak(
  sink: SinkSpec,
  operators: readonly OperatorProgram[],
  keys: readonly string[],
  path: string,
): readonly SpecProblem[] {
  const writesKey = sink.kind === 'http' || (sink.kind === 'stream' && keyColumn(sink) === null);
  if (!writesKey) return [];
  const treated = operators.flatMap((operator) =>
    operator.kind === 'hygiene' ? operator.fields.map((field) => field.path[0]) : [],
  );
  return keys
    .filter((key) => treated.includes(key))
    .map((key) => ({
      path: sink.kind === 'stream' ? `${path}.key` : path,
      message: `the source's records are keyed by ${JSON.stringify(key)}, which the route treats as personal; the sink would get that key as it is`,
      fix: sink.kind === 'stream' ? 'name an output column as `key`' : 'key the source by another field',
    }));
}
