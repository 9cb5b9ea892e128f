// Why a value cannot be read or written in a stream's format: said of one record, which becomes a dead letter.

/**
 * Thrown, and no Error: no stack is taken for a bad record. `poison`: the bytes are not what they claim to be. `schema`: they
 * are, and do not fit what the stream declares.
 */
export class FormatFault {
  readonly errorClass: 'poison' | 'schema';
  readonly code: string;
  readonly message: string;
  constructor(errorClass: 'poison' | 'schema', code: string, message: string) {
    this.errorClass = errorClass;
    this.code = code;
    this.message = message;
  }
}

export const truncated = (what: string): FormatFault =>
  new FormatFault('poison', 'truncated', `the value ends in the middle of ${what}`);
export const malformed = (message: string): FormatFault => new FormatFault('poison', 'malformed', message);
export const unfit = (code: string, message: string): FormatFault => new FormatFault('schema', code, message);

/** A schema's text that cannot be used, or two schemas that do not go together: said once, not of a record. */
export class SchemaRefused extends Error {
  override readonly name = 'SchemaRefused';
  /** Where in the schema; '' where the whole is meant. */
  readonly at: string;
  constructor(message: string, at = '') {
    super(message);
    this.at = at;
  }
}
