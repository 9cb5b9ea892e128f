// Gives a worker the credentials of its job, and of no other: by the identity that the reconciler signed when it started the task.
import { parseJobGoal } from '#core/job/parse-goal.ts';
import { claimsText, readIdentity, sessionTagsOf } from '#core/job/task-identity.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';

export interface Issued {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Epoch ms. */
  readonly expiresAt: number;
}

export interface IssueParts {
  readonly verify: (text: string, signature: string) => Promise<boolean>;
  readonly objects: Pick<ObjectStore, 'get'>;
  readonly assume: (sessionName: string, tags: Readonly<Record<string, string>>) => Promise<Issued>;
  readonly logger: Logger;
}

/** `refused` tells a worker no more than that: who it is was not shown, or its goal is gone. */
export type IssueAnswer = Issued | { readonly refused: string };

/** What the tags narrow comes from the goal, which only the reconciler may write; a worker says nothing but who it is. */
export function createIssuer(parts: IssueParts): (event: unknown) => Promise<IssueAnswer> {
  const refuse = (reason: string, facts: Readonly<Record<string, unknown>> = {}): IssueAnswer => {
    parts.logger.warn('credentials refused', { reason, ...facts });
    return { refused: reason };
  };
  return async (event) => {
    const presented = readIdentity((event as { identity?: unknown } | null)?.identity);
    if (presented === null) return refuse('got no identity that could be read');
    const { claims, signature } = presented;
    if (!(await parts.verify(claimsText(claims), signature)))
      return refuse('the identity is not signed by this platform');
    const bytes = await parts.objects.get(claims.goal);
    if (bytes === null) return refuse('there is no goal of this worker', { ...claims });
    const goal = parseJobGoal(bytes);
    if (!goal.ok || goal.value.id !== claims.job)
      return refuse('the goal is not of this job', { ...claims, problem: goal.ok ? goal.value.id : goal.problem });
    const issued = await parts.assume(claims.worker, sessionTagsOf(goal.value));
    parts.logger.info('credentials issued', { job: claims.job, worker: claims.worker, expiresAt: issued.expiresAt });
    return issued;
  };
}
