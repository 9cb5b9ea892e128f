// What Glue refuses, a whole call or an item of one: what passes by itself, and what stays until a person has changed something.
import { PlatformError } from '#core/errors.ts';

export interface ItemError {
  readonly values: readonly string[];
  readonly code: string;
  readonly message: string;
}

const passing: ReadonlySet<string> = new Set([
  'ConcurrentModificationException',
  'InternalServiceException',
  'OperationTimeoutException',
  'ThrottlingException',
]);
/** Of an item: to be sent again. */
export const isPassing = (code: string): boolean => passing.has(code);

const lasting: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'GlueEncryptionException',
  'InvalidInputException',
  'ResourceNumberLimitExceededException',
  'ValidationException',
]);
/** Of a call: what is none of these is tried again as if Glue were away. */
export const isLasting = (code: string): boolean => lasting.has(code);

/** A person may mend it while the worker runs, so it is tried again all the same. */
export const refused = (what: string, cause?: unknown): PlatformError =>
  new PlatformError(
    'catalog-refused',
    `Glue refuses the table (${what}); where Lake Formation or an encrypted catalog guards it, role millrace-job needs a grant there too`,
    { fault: 'user', retry: 'retry', cause },
  );
