// How many workers a job is to have now: what is declared, or what the autoscaler has made of it.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { ScaleRecord } from '#core/ports/control-store.ts';

export const workersOf = ({ goal, scaled }: Pick<JobEntry, 'goal' | 'scaled'>): number =>
  scaled ?? goal.resources.workers;

/** Under a freeze what was chosen stands, whatever has been declared since. */
export function asScaled(entry: JobEntry, scale: ScaleRecord | undefined): JobEntry {
  if (scale?.workers === undefined) return entry;
  const holds = entry.autoscale.mode === 'on' && scale.declared === entry.goal.resources.workers;
  return holds || entry.freeze !== null ? { ...entry, scaled: scale.workers } : entry;
}
