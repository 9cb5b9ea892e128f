// The goal compiled pass after pass: a tenant that declared and asked for nothing new is not compiled again.

import type { RoutePlanner } from '#core/expression/index.ts';
import { byTenant, compileTenant, joinTenants, type TenantGoals } from '#core/graph/compile-platform.ts';
import type { PlatformGoal, TenantPart } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import type { GoalSnapshot } from '#core/ports/goal-store.ts';

/** Gives what `compilePlatform` gives. */
export type PlatformCompiler = (snapshot: GoalSnapshot) => PlatformGoal;

/** Keeps the parts of the tenants of the last snapshot, and no others. */
export function createPlatformCompiler(settings: PlatformSettings, plan: RoutePlanner): PlatformCompiler {
  let known: ReadonlyMap<string, { readonly key: string; readonly part: TenantPart }> = new Map();
  return (snapshot) => {
    const now = byTenant(snapshot).map((goals) => {
      const key = keyOf(goals);
      const before = known.get(goals.tenant);
      const part = before?.key === key ? before.part : compileTenant(goals, settings, plan);
      return [goals.tenant, { key, part }] as const;
    });
    known = new Map(now);
    return joinTenants(
      snapshot,
      now.map(([, { part }]) => part),
      settings,
    );
  };
}

/**
 * A revision is never changed, so its number stands for what it declares; with its time, as a store that was restored from
 * a backup gives numbers out again.
 */
const keyOf = ({ revisions, operations, freezes, config }: TenantGoals): string =>
  JSON.stringify([
    revisions.map(({ kind, uid, revision, at, declared }) => [kind, uid, revision, at, declared === null]),
    operations,
    freezes,
    config,
  ]);
