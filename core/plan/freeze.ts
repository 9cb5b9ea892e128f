// Freezes: who has stopped changes to what. What runs is kept running as it is; nothing else is done until the freeze is lifted.
import type { Freeze, FreezePlace } from '#core/ports/goal-store.ts';

type PlaceInTenant = Omit<FreezePlace, 'tenant'>;

export interface Freezable {
  readonly tenant: string;
  /** `<route>.<sink>`. */
  readonly name: string;
  readonly owner: string;
}

/** The widest that covers the job; null: none does. */
export function freezeOver(job: Freezable, freezes: readonly Freeze[]): Freeze | null {
  const covering = freezes.filter((freeze) => freeze.tenant === job.tenant && covers(freeze, job));
  return covering.sort((a, b) => scopes.indexOf(a.scope) - scopes.indexOf(b.scope))[0] ?? null;
}

const scopes: readonly Freeze['scope'][] = ['fleet', 'team', 'job'];

export function covers({ scope, name }: PlaceInTenant, job: Pick<Freezable, 'name' | 'owner'>): boolean {
  switch (scope) {
    case 'fleet':
      return true;
    case 'team':
      return name === job.owner;
    case 'job':
      return name === job.name;
  }
}

export const isFleetFrozen = (tenant: string, freezes: readonly Freeze[]): boolean =>
  freezes.some((freeze) => freeze.tenant === tenant && freeze.scope === 'fleet');

/** `the fleet`, `team playback`, `job plays.out`. */
export const frozenTitle = ({ scope, name }: PlaceInTenant): string =>
  scope === 'fleet' ? 'the fleet' : `${scope} ${name}`;

export const unfreezeCommand = ({ scope, name }: PlaceInTenant): string =>
  `millrace unfreeze ${scope} ${name}`.trimEnd();

export const describeFreeze = (freeze: PlaceInTenant & Pick<Freeze, 'author' | 'reason'>): string =>
  `${freeze.author} has frozen ${frozenTitle(freeze)}${freeze.reason === '' ? '' : `: ${freeze.reason}`}`;
