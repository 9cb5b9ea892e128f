// A job's operators, ready to run: with the secrets that salt their hashes, read once.
import { messageOf, PlatformError } from '#core/errors.ts';
import { saltsOf } from '#core/operators/operator.ts';
import { Chain } from '#core/operators/run/chain.ts';
import type { WorkerParts } from './parts.ts';

/** Null in a job without operators. Throws while a secret is missing: nothing is read then, since nothing may pass unsalted. */
export async function openChain({ goal, secrets }: WorkerParts): Promise<Chain | null> {
  const { operators = [], program, tenant } = goal;
  if (operators.length === 0) return null;
  const salts = new Map<string, Uint8Array>();
  for (const name of saltsOf(operators)) {
    const text = await secrets.read(tenant, name);
    if (text === null || text === '')
      throw new PlatformError(
        'secret-missing',
        `the secret ${name}, which salts a hash, is not set; nothing is read until it is (millrace secret set ${name})`,
        { fault: 'user', retry: 'retry' },
      );
    salts.set(name, Buffer.from(text));
  }
  try {
    return new Chain(operators, program, salts);
  } catch (error) {
    throw new PlatformError('bad-goal', `the goal's operators cannot be run: ${messageOf(error)}`, {
      ...{ fault: 'internal', retry: 'no-retry', cause: error },
    });
  }
}
