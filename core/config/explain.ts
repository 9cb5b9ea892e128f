// Where each value of a job's configuration comes from: what holds, what every layer says, and what was said before.
import type { ConfigView } from '#core/api/config-schemas.ts';
import { type JobConfigFacts, settingsOfJob } from '#core/config/job-settings.ts';
import { resolveSettings, type Setting } from '#core/config/layers.ts';
import { formatValue, type Parameter, parameters } from '#core/config/parameters.ts';
import { readSetting } from '#core/config/read-source.ts';
import type { ConfigEntry, GoalRevision } from '#core/ports/goal-store.ts';
import type { Json } from '#core/spec/json.ts';

export interface ConfigPast {
  /** Of the job and of its team, newest first. */
  readonly entries: readonly ConfigEntry[];
  /** Of the route, newest first. */
  readonly revisions: readonly GoalRevision[];
}

type ParameterView = ConfigView['parameters'][number];
type Said = ParameterView['settings'][number];
type Past = ParameterView['history'][number];

const iso = (at: number): string => new Date(at).toISOString();

export function explainConfig(facts: JobConfigFacts, past: ConfigPast): ConfigView {
  const settings = settingsOfJob(facts);
  const effective = resolveSettings(settings);
  const { name } = facts.goal;
  const views = parameters.flatMap((parameter): readonly ParameterView[] => {
    const holds = effective.get(parameter.key);
    if (holds === undefined) return [];
    const { key, summary, live } = parameter;
    return [
      {
        ...{ key, value: formatValue(parameter, holds.value), layer: holds.layer, live, summary },
        settings: settings.filter((one) => one.key === key).map((one) => saidOf(parameter, one)),
        history: historyOf(parameter, name, past),
      },
    ];
  });
  return { job: name, parameters: views };
}

function saidOf(parameter: Parameter, { layer, value, from, author, reason, at, expiresAt }: Setting): Said {
  return {
    ...{ layer, value: formatValue(parameter, value), from },
    ...(author === undefined ? {} : { author }),
    ...(reason === undefined || reason === '' ? {} : { reason }),
    ...(at === undefined ? {} : { at: iso(at) }),
    ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
  };
}

function historyOf(parameter: Parameter, job: string, { entries, revisions }: ConfigPast): Past[] {
  const set = entries.filter(({ key }) => key === parameter.key).map((entry) => pastOf(parameter, entry));
  return [...set, ...declaredPast(parameter, job, revisions)].sort((a, b) => (a.at < b.at ? 1 : -1));
}

function pastOf(parameter: Parameter, entry: ConfigEntry): Past {
  const { author, reason, at, expiresAt, scope, subject } = entry;
  return {
    ...(scope === 'team' ? { layer: 'team', from: `team ${subject}` } : { layer: 'override', from: 'the API' }),
    ...{ value: shown(parameter, entry.value), author, at: iso(at) },
    ...(reason === '' ? {} : { reason }),
    ...(expiresAt === null ? {} : { expiresAt: iso(expiresAt) }),
  };
}

/** A value that this version would not take is shown as it was written. */
function shown(parameter: Parameter, value: Json): string | null {
  if (value === null) return null;
  const read = readSetting(parameter.key, value);
  return read.ok ? formatValue(parameter, read.value) : JSON.stringify(value);
}

/** Of the route's revisions those in which what it says of the parameter is another than before. */
function declaredPast(parameter: Parameter, job: string, revisions: readonly GoalRevision[]): readonly Past[] {
  const past: Past[] = [];
  for (const [index, revision] of revisions.entries()) {
    const now = declaredValue(parameter, job, revision.declared);
    const before = declaredValue(parameter, job, revisions[index + 1]?.declared ?? null);
    if (now === before) continue;
    const { author, reason, at } = revision;
    past.push({
      ...{ layer: 'job', from: `revision ${revision.revision} of the route`, author, at: iso(at) },
      value: now === null ? null : shown(parameter, now),
      ...(reason === '' ? {} : { reason }),
    });
  }
  return past;
}

/** As it stands in the declaration; null where it does not. */
function declaredValue({ key, field }: Parameter, job: string, declared: Json): string | number | null {
  if (field === undefined) return leaf(declared, ['config', key]);
  if (!field.startsWith('batch.')) return leaf(declared, field.split('.').slice(1));
  const sinks = (declared as { readonly to?: readonly Json[] } | null)?.to ?? [];
  const sink = sinks.find((one) => job.endsWith(`.${leaf(one, ['name'])}`)) ?? null;
  return leaf(sink, ['http', ...field.split('.')]) ?? leaf(sink, ['opensearch', ...field.split('.')]);
}

function leaf(json: Json, path: readonly string[]): string | number | null {
  let at: Json | undefined = json;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return null;
    at = Object.hasOwn(at, step) ? (at as { readonly [key: string]: Json })[step] : undefined;
  }
  return typeof at === 'string' || typeof at === 'number' ? at : null;
}
