// What a log and a heartbeat say of a record at fault: what is wrong with which field, and no value of the event.
import { sqlStates } from '#core/expression/fault.ts';

/** Their messages speak of schemas, places and lengths alone. */
const ofNoValue: ReadonlySet<string> = new Set([
  ...['division_by_zero', 'not_a_list', 'missing_field'],
  ...['not_framed', 'truncated', 'unknown_schema', 'incompatible_schema', 'other_message'],
]);

/** Their messages quote values, and hold none outside of the quotes. */
const quoting: ReadonlySet<string> = new Set(['schema_mismatch', 'unknown_field', 'duplicate_field']);

/** Their messages say first what is wrong or where, then of which value. */
const leading: ReadonlySet<string> = new Set([
  ...Object.keys(sqlStates),
  ...['malformed_json', 'not_utf8', 'misfit', 'out_of_range', 'not_exact'],
]);

/**
 * A record is looked at before tagged fields are treated, so its values may be personal, and more people read logs and status
 * than events. Of codes that are not listed the code alone is said. A sink has got nothing but what the route lets out: its
 * words are said as they are.
 */
export function withoutValues(fault: {
  readonly errorClass: string;
  readonly code: string;
  readonly message: string;
}): string {
  const { errorClass, code, message } = fault;
  const words = errorClass === 'poison' || errorClass === 'schema' ? wordsOf(code, message) : message;
  return words === '' ? code : `${words} (${code})`;
}

function wordsOf(code: string, message: string): string {
  if (ofNoValue.has(code)) return message;
  if (quoting.has(code)) return upTo(/"/, message);
  return leading.has(code) ? upTo(/: |"/, message) : '';
}

const upTo = (mark: RegExp, text: string): string => text.split(mark, 1)[0]!.trimEnd();
