// The logger on pino: one JSON object a line, errors with their code and cause, secrets blotted out.
import { destination, type Logger as Pino, pino, stdTimeFunctions } from 'pino';
import { isPlatformError, messageOf } from '#core/errors.ts';
import type { LogFields, Logger } from '#core/ports/logger.ts';

export interface LoggerOptions {
  /** `info` where not given. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error';
  /** A file descriptor or a path; standard error where not given, since a program's standard output is data. */
  readonly to?: number | string;
  /** On every line: the program, the job, the worker. */
  readonly fields?: LogFields;
}

const secretNames = ['password', 'secretAccessKey', 'sessionToken', 'authorization', 'token'];
const causesMax = 5;

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
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
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

/** Message, code and stack, and the messages of its causes: not the whole objects, which drag sockets and buffers along. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < causesMax; ) {
    causes.push(messageOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return {
    message: messageOf(error),
    ...(isPlatformError(error) ? { code: error.code, fault: error.fault, retry: error.retry } : { name: error.name }),
    ...(causes.length === 0 ? {} : { causes }),
    stack: error.stack,
  };
}
