// The logger on pino: one JSON object a line, errors with their code and cause, secrets blotted out.
import { destination, type Logger as Pino, pino, stdTimeFunctions } from 'pino';
import type { LogFields, Logger } from '#core/ports/logger.ts';
import { blotted, describeError, secretNames } from './log-values.ts';

export interface LoggerOptions {
  /** `info` where not given. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error';
  /** A file descriptor or a path; standard error where not given, since a program's standard output is data. */
  readonly to?: number | string;
  /** On every line: the program, the job, the worker. */
  readonly fields?: LogFields;
}

/** Writes are synchronous: the last line before a crash is the one that matters. */
export function createLogger({ level = 'info', to = 2, fields = {} }: LoggerOptions = {}): Logger {
  const logger = pino(
    {
      level,
      base: fields,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: blotted },
    },
    destination({ dest: to, sync: true, mkdir: true }),
  );
  return asLogger(logger);
}

function asLogger(logger: Pino): Logger {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    with: (fields) => asLogger(logger.child(fields)),
  };
}
