// The logger of Lambda functions, on Powertools: one JSON object a line, which also bears the request that it was, its trace, and whether the function had just started.
import { Logger as Powertools } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import type { LogFields, Logger } from '#core/ports/logger.ts';
import { blotted, describeError, secretNames } from './log-values.ts';

export interface LambdaLoggerOptions {
  /** The program, as it is named in every line. */
  readonly service: string;
  /** `info` where not given. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error';
}

export interface LambdaLogger extends Logger {
  /** Whatever is logged from now on belongs to this request. Told before the handler does anything; an instance has one request at a time. */
  enter(context: Context): void;
}

const levels = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;

export function createLambdaLogger({ service, level = 'info' }: LambdaLoggerOptions): LambdaLogger {
  const powertools = new Powertools({ serviceName: service, logLevel: levels[level], jsonReplacerFn: written });
  // A logger with fields of its own adds them as it writes, so that it knows the request too, whenever it was made.
  const withFields = (always: LogFields): Logger => ({
    debug: (message, fields) => powertools.debug(message, { ...always, ...fields }),
    info: (message, fields) => powertools.info(message, { ...always, ...fields }),
    warn: (message, fields) => powertools.warn(message, { ...always, ...fields }),
    error: (message, fields) => powertools.error(message, { ...always, ...fields }),
    with: (fields) => withFields({ ...always, ...fields }),
  });
  return { ...withFields({}), enter: (context) => powertools.addContext(context) };
}

const written = (name: string, value: unknown): unknown =>
  secretNames.includes(name) ? blotted : describeError(value);
