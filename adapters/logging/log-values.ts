// What both loggers do with the values of a line: errors told by what matters of them, secrets blotted out.
import { isPlatformError, messageOf } from '#core/errors.ts';

/** A value under one of these names is never written. */
export const secretNames = ['password', 'secretAccessKey', 'sessionToken', 'authorization', 'token'];
export const blotted = '[secret]';
const causesMax = 5;

/** Message, code and stack, and the messages of its causes: not the whole objects, which drag sockets and buffers along. */
export function describeError(error: unknown): unknown {
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
