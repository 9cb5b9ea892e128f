// The part of a job's goal that running workers take over without a restart: a closed list; all else shapes the process.
import { contentHash } from '#core/hash.ts';
import type { JobGoal, WorkerSettings } from '#core/job/job-goal.ts';

/** Read anew at each use, so that a change of it in place takes effect at once. */
const liveWorkerSettings = [
  'checkpointMs',
  'checkpointsKept',
  'drainMs',
  'fetchWaitMs',
  'fetchBytesMax',
] as const satisfies readonly (keyof WorkerSettings)[];

export interface LiveSettings {
  readonly errors: Pick<JobGoal['errors'], 'poison' | 'schema'>;
  readonly settings: Pick<WorkerSettings, (typeof liveWorkerSettings)[number]>;
}

/** As it is stored for the workers of a job. */
export interface StoredLive {
  /** Of the goal that it is part of: an older one never takes a newer one's place. */
  readonly revision: number;
  readonly hash: string;
  readonly live: LiveSettings;
}

type Shape = Pick<JobGoal, 'errors' | 'settings'>;

export function liveOf({ errors, settings }: Shape): LiveSettings {
  const { poison, schema } = errors;
  const live = Object.fromEntries(liveWorkerSettings.map((name) => [name, settings[name]]));
  return { errors: { poison, schema }, settings: live as LiveSettings['settings'] };
}

export const liveHash = (goal: Shape): string => contentHash(liveOf(goal));

export const storedLive = (goal: Shape & Pick<JobGoal, 'revision'>): StoredLive => ({
  ...{ revision: goal.revision, hash: liveHash(goal), live: liveOf(goal) },
});

/** The goal as it shapes a worker's process: without what it can take over while it runs. */
export function withoutLive<Goal extends Shape>(goal: Goal): object {
  const { poison: _poison, schema: _schema, ...errors } = goal.errors;
  const isLive = (name: string): boolean => (liveWorkerSettings as readonly string[]).includes(name);
  const settings = Object.fromEntries(Object.entries(goal.settings).filter(([name]) => !isLive(name)));
  return { ...goal, errors, settings };
}

export const withLive = <Goal extends Shape>(goal: Goal, { errors, settings }: LiveSettings): Goal => ({
  ...{ ...goal, errors: { ...goal.errors, ...errors }, settings: { ...goal.settings, ...settings } },
});
