// The part of a job's goal that running workers take over without a restart: a closed list; all else shapes the process.
import { contentHash } from '#core/hash.ts';
import type { JobGoal, WorkerSettings } from '#core/job/job-goal.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';

/** Read anew at each use, so that a change of it in place takes effect at once. */
const liveWorkerSettings = [
  'checkpointMs',
  'checkpointsKept',
  'drainMs',
  'fetchWaitMs',
  'fetchBytesMax',
  'lingerMs',
] as const satisfies readonly (keyof WorkerSettings)[];

/** How much a sink gathers before it writes; null where that is not the sink's to say. */
export type SinkGathering =
  | { readonly batch: Extract<SinkGoal, { kind: 'http' }>['batch'] }
  | { readonly roll: Extract<SinkGoal, { kind: 'warehouse' }>['roll'] }
  | null;

export interface LiveSettings {
  readonly errors: JobGoal['errors'];
  readonly throttle: JobGoal['throttle'];
  readonly gathering: SinkGathering;
  readonly settings: Pick<WorkerSettings, (typeof liveWorkerSettings)[number]>;
}

/** As it is stored for the workers of a job. */
export interface StoredLive {
  /** Of the goal that it is part of: an older one never takes a newer one's place. */
  readonly revision: number;
  readonly hash: string;
  readonly live: LiveSettings;
}

export type LiveShape = Pick<JobGoal, 'errors' | 'throttle' | 'settings' | 'sink'>;

export function liveOf({ errors, throttle, settings, sink }: LiveShape): LiveSettings {
  const live = Object.fromEntries(liveWorkerSettings.map((name) => [name, settings[name]]));
  return { errors, throttle, gathering: gatheringOf(sink), settings: live as LiveSettings['settings'] };
}

export function gatheringOf(sink: SinkGoal): SinkGathering {
  switch (sink.kind) {
    case 'stream':
      return null;
    case 'warehouse':
      return { roll: sink.roll };
    case 'http':
    case 'opensearch':
      return { batch: sink.batch };
  }
}

export const liveHash = (goal: LiveShape): string => contentHash(liveOf(goal));

export const storedLive = (goal: LiveShape & Pick<JobGoal, 'revision'>): StoredLive => ({
  ...{ revision: goal.revision, hash: liveHash(goal), live: liveOf(goal) },
});

/** The goal as it shapes a worker's process: without what it can take over while it runs. */
export function withoutLive<Goal extends LiveShape>(goal: Goal): object {
  const { errors: _errors, throttle: _throttle, ...shaping } = goal;
  const isLive = (name: string): boolean => (liveWorkerSettings as readonly string[]).includes(name);
  const settings = Object.fromEntries(Object.entries(goal.settings).filter(([name]) => !isLive(name)));
  const gathering = Object.keys(gatheringOf(goal.sink) ?? {});
  const sink = Object.fromEntries(Object.entries(goal.sink).filter(([name]) => !gathering.includes(name)));
  return { ...shaping, settings, sink };
}

/** What stored settings make of a goal. Those of another release may lack or know more than this one: what fits is taken. */
export function withLive<Goal extends LiveShape>(
  goal: Goal,
  { errors, throttle, gathering, settings }: LiveSettings,
): Goal {
  const isOfSink = Object.keys(gathering ?? {}).every((name) => Object.hasOwn(goal.sink, name));
  return {
    ...goal,
    errors: { ...goal.errors, ...errors },
    throttle: throttle === undefined ? goal.throttle : throttle,
    settings: { ...goal.settings, ...settings },
    sink: isOfSink ? { ...goal.sink, ...gathering } : goal.sink,
  };
}
