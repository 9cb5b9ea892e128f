// The guard against mass destruction (D12): where one pass would end too many of a tenant's jobs, it asks a person first.
import { limits } from '#core/limits.ts';
import { readJobId } from '#core/names.ts';
import type { Approval } from '#core/ports/goal-store.ts';

export interface GuardLimits {
  readonly jobsMin: number;
  readonly share: number;
}

export const guardLimits: GuardLimits = {
  jobsMin: limits.destroyJobsAtOnceMin,
  share: limits.destroyJobsAtOnceShare,
};

export interface Held {
  readonly jobs: ReadonlySet<string>;
  /** By tenant: how many would end, of how many, and how many may. */
  readonly counts: ReadonlyMap<string, { readonly ending: number; readonly of: number; readonly allowed: number }>;
}

/** `ending`: ids of jobs that this pass would begin to end; `known`: of all jobs that there are. */
export function holdDestruction(
  ending: readonly string[],
  known: readonly string[],
  approvals: readonly Approval[],
  { jobsMin, share }: GuardLimits,
): Held {
  const approved = new Set(approvals.flatMap(({ jobs }) => jobs));
  const open = Map.groupBy(
    ending.filter((job) => !approved.has(job)),
    tenantOf,
  );
  const all = Map.groupBy(known, tenantOf);
  const counts = new Map(
    [...open].map(([tenant, jobs]) => {
      const of = all.get(tenant)?.length ?? 0;
      return [tenant, { ending: jobs.length, of, allowed: Math.max(jobsMin, Math.floor(share * of)) }] as const;
    }),
  );
  const isHeld = (job: string): boolean => {
    const count = counts.get(tenantOf(job))!;
    return count.ending > count.allowed;
  };
  return { jobs: new Set([...open.values()].flat().filter(isHeld)), counts };
}

const tenantOf = (job: string): string => readJobId(job)?.tenant ?? '';
