// What goes wrong while an expression is evaluated over one event, named as PostgreSQL names its error conditions.

/** PostgreSQL's condition names that an evaluation can end in, with their SQLSTATE. */
export const sqlStates = {
  division_by_zero: '22012',
  numeric_value_out_of_range: '22003',
  invalid_text_representation: '22P02',
  invalid_datetime_format: '22007',
  datetime_field_overflow: '22008',
  interval_field_overflow: '22015',
  invalid_time_zone_displacement_value: '22009',
  invalid_parameter_value: '22023',
  invalid_regular_expression: '2201B',
  invalid_escape_sequence: '22025',
  invalid_escape_character: '22019',
  invalid_use_of_escape_character: '2200C',
  invalid_argument_for_logarithm: '2201E',
  invalid_argument_for_power_function: '2201F',
  invalid_argument_for_width_bucket_function: '2201G',
  substring_error: '22011',
  array_subscript_error: '2202E',
  null_value_not_allowed: '22004',
  feature_not_supported: '0A000',
  program_limit_exceeded: '54000',
} as const;

export type FaultCode = keyof typeof sqlStates;

/**
 * Thrown by the implementation of a function and caught by the processor, which makes the record `poison`.
 * Not an Error on purpose: a bad event must not cost a stack trace. A message begins with what is wrong, and values of the event
 * stand in it behind `: ` or in double quotes only: a log is told what stands before them.
 */
export class EvaluationFault {
  readonly code: FaultCode;
  readonly message: string;

  constructor(code: FaultCode, message: string) {
    this.code = code;
    this.message = message;
  }
}

export function outOfRange(type: string): EvaluationFault {
  return new EvaluationFault('numeric_value_out_of_range', `${type} out of range`);
}

export function divisionByZero(): EvaluationFault {
  return new EvaluationFault('division_by_zero', 'division by zero');
}

export function invalidText(type: string, text: string): EvaluationFault {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new EvaluationFault('invalid_text_representation', `invalid input syntax for type ${type}: "${shown}"`);
}
