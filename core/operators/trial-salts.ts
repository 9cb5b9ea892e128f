// Salts for tests beside a route and for `try`: known to everybody, so that expected hashes can be computed and no secret is asked for.
import { type OperatorProgram, saltsOf } from './operator.ts';

/** Not a secret: `encode(hmac(value, 'trial', 'sha256'), 'hex')` in PostgreSQL gives the same. */
export const trialSalt = 'trial';

export const trialSalts = (operators: readonly OperatorProgram[]): ReadonlyMap<string, Uint8Array> =>
  new Map(saltsOf(operators).map((name) => [name, new TextEncoder().encode(trialSalt)]));
