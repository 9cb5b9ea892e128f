// All that the layers say of one job, and the job's goal as it is under them.
import { type ConfigSource, resolveSettings, type Setting } from '#core/config/layers.ts';
import { type ConfigValue, findParameter, type ParameterKey } from '#core/config/parameters.ts';
import { readSetting } from '#core/config/read-source.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import type { JobGoal, WorkerSettings } from '#core/job/job-goal.ts';
import type { ConfigEntry } from '#core/ports/goal-store.ts';
import type { Json } from '#core/spec/json.ts';
import type { RouteSpec } from '#core/spec/route-spec.ts';
import { batchDefaults } from '#core/spec/sinks/batch.ts';

/** Parameters of the worker itself; the others shape the sink or the job. */
const workerFields = {
  'source.fetchBytesMax': 'fetchBytesMax',
  'source.fetchWait': 'fetchWaitMs',
  'sink.linger': 'lingerMs',
  'sink.compression': 'compression',
  'worker.checkpointEvery': 'checkpointMs',
  'worker.checkpointsKept': 'checkpointsKept',
  'worker.commitEvery': 'commitMs',
  'worker.transactionEvery': 'transactionMs',
  'worker.drain': 'drainMs',
} as const satisfies Partial<Record<ParameterKey, keyof WorkerSettings>>;

const batchFields = {
  'sink.batch.maxRecords': 'maxRecords',
  'sink.batch.maxBytes': 'maxBytes',
  'sink.batch.maxWait': 'maxWaitMs',
} as const satisfies Partial<Record<ParameterKey, string>>;

/** What stands in the route for a batch's fields. */
const batchTexts = { maxRecords: 'maxRecords', maxBytes: 'maxBytes', maxWaitMs: 'maxWait' } as const;

export interface JobConfigFacts {
  readonly goal: JobGoal;
  readonly spec: RouteSpec;
  /** The route as its author wrote it. */
  readonly declared: Json;
  readonly settings: Pick<PlatformSettings, 'worker' | 'config'>;
  /** Of the job's team and of the job itself. */
  readonly entries: readonly ConfigEntry[];
}

/** Weakest first. What this version does not know, or would refuse, is passed over: another release may have written it. */
export function settingsOfJob(facts: JobConfigFacts): readonly Setting[] {
  const { goal, settings, entries } = facts;
  const said = [
    ...platformSettings(facts),
    ...settings.config.files.flatMap((source) => settingsIn(source, 'files')),
    ...entries.filter(({ scope }) => scope === 'team').flatMap(storedSetting),
    ...declaredSettings(facts),
    ...settings.config.environment.flatMap((source) => settingsIn(source, 'environment')),
    ...entries.filter(({ scope }) => scope === 'job').flatMap(storedSetting),
  ];
  return said.filter(({ key }) => appliesTo(goal, key));
}

/** Nothing but the code and the declaration's own fields: the goal stands as it is. */
export const isPlain = ({ settings, spec, entries }: JobConfigFacts): boolean =>
  entries.length === 0 &&
  settings.config.files.length === 0 &&
  settings.config.environment.length === 0 &&
  Object.keys(spec.config).length === 0;

export function configuredGoal(facts: JobConfigFacts): JobGoal {
  if (isPlain(facts)) return facts.goal;
  const { goal } = facts;
  const effective = resolveSettings(settingsOfJob(facts));
  const holding = (key: string): ConfigValue => effective.get(key as ParameterKey)!.value;
  const worker = Object.fromEntries(Object.entries(workerFields).map(([key, field]) => [field, holding(key)]));
  return {
    ...goal,
    // Each parameter's form says what its value is.
    settings: { ...goal.settings, ...(worker as Partial<WorkerSettings>) },
    throttle: holding('throttle.recordsPerSecond') as number | null,
    sink: configuredSink(goal.sink, effective),
  };
}

function configuredSink(sink: JobGoal['sink'], effective: ReadonlyMap<ParameterKey, Setting>): JobGoal['sink'] {
  if (sink.kind !== 'http' && sink.kind !== 'opensearch') return sink;
  const wanted = Object.entries(batchFields).flatMap(([key, field]) => {
    const setting = effective.get(key as ParameterKey);
    return setting === undefined ? [] : [[field, setting.value]];
  });
  return { ...sink, batch: { ...sink.batch, ...(Object.fromEntries(wanted) as Partial<typeof sink.batch>) } };
}

function appliesTo({ sink }: JobGoal, key: ParameterKey): boolean {
  if (!Object.hasOwn(batchFields, key)) return true;
  if (sink.kind === 'http') return sink.format !== 'single' || key !== 'sink.batch.maxRecords';
  return sink.kind === 'opensearch';
}

const ofPlatform = { layer: 'platform', from: 'the release' } as const;

/** Of any job, whatever its sink. */
export const settingsOfPlatform = (worker: WorkerSettings): readonly Setting[] => [
  ...Object.entries(workerFields).map(([key, field]) => ({
    ...{ ...ofPlatform, key: key as ParameterKey, value: worker[field] },
  })),
  { ...ofPlatform, key: 'throttle.recordsPerSecond', value: null },
];

function platformSettings({ goal, settings }: JobConfigFacts): readonly Setting[] {
  const common = settingsOfPlatform(settings.worker);
  const { kind } = goal.sink;
  if (kind !== 'http' && kind !== 'opensearch') return common;
  const batch = Object.entries(batchFields).map(([key, field]) => ({
    ...{ ...ofPlatform, key: key as ParameterKey, value: batchDefaults[kind][field] },
  }));
  return [...common, ...batch];
}

function settingsIn({ from, values }: ConfigSource, layer: 'files' | 'environment'): readonly Setting[] {
  return Object.entries(values).map(([key, value]) => ({ key: key as ParameterKey, layer, value, from }));
}

function storedSetting(entry: ConfigEntry): readonly Setting[] {
  const value = readSetting(entry.key, entry.value);
  const parameter = findParameter(entry.key);
  if (!value.ok || parameter === null) return [];
  const { author, reason, at, expiresAt } = entry;
  const layer = entry.scope === 'team' ? 'team' : 'override';
  const from = entry.scope === 'team' ? `team ${entry.subject}` : 'the API';
  const until = expiresAt === null ? {} : { expiresAt };
  return [{ key: parameter.key, layer, value: value.value, from, author, reason, at, ...until }];
}

/** What the route says: under `config`, and in the fields that it has for some parameters. */
function declaredSettings({ goal, spec, declared }: JobConfigFacts): readonly Setting[] {
  const config = Object.entries(spec.config).map(
    ([key, value]): Setting => ({ key: key as ParameterKey, layer: 'job', value, from: 'spec.config' }),
  );
  const throttle: readonly Setting[] =
    spec.throttle === null
      ? []
      : [{ key: 'throttle.recordsPerSecond', layer: 'job', value: spec.throttle, from: 'spec.throttle' }];
  return [...config, ...throttle, ...declaredBatch(goal, spec, declared)];
}

function declaredBatch({ name, sink }: JobGoal, spec: RouteSpec, declared: Json): readonly Setting[] {
  if (sink.kind !== 'http' && sink.kind !== 'opensearch') return [];
  const index = spec.sinks.findIndex((one) => name.endsWith(`.${one.name}`));
  const path = ['to', index, sink.kind, 'batch'];
  const batch = path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step], declared);
  const complete = spec.sinks[index];
  if (typeof batch !== 'object' || batch === null || complete === undefined || !('batch' in complete)) return [];
  return Object.entries(batchFields).flatMap(([key, field]): readonly Setting[] =>
    Object.hasOwn(batch, batchTexts[field])
      ? [
          {
            key: key as ParameterKey,
            layer: 'job',
            value: complete.batch[field],
            from: `spec.to[${index}].${sink.kind}.batch`,
          },
        ]
      : [],
  );
}
