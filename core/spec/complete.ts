// Options are completed once, here: what people left out gets its default, and quantities become numbers.

import { type ConfigValue, findParameter } from '#core/config/parameters.ts';
import { readSetting } from '#core/config/read-source.ts';
import { completeAlerts } from '#core/spec/alerts.ts';
import { completeAutoscale } from '#core/spec/autoscale.ts';
import type { DeclaredRouteSpec, DeclaredStreamSpec } from '#core/spec/declared.ts';
import { completeDelivery, completeRedeploy } from '#core/spec/delivery.ts';
import { completeErrors } from '#core/spec/error-policy.ts';
import { parseFieldPath } from '#core/spec/field-path.ts';
import { readFields } from '#core/spec/field-types.ts';
import { completeOperators } from '#core/spec/operators.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { parseBytes, parseDuration } from '#core/spec/quantity.ts';
import type { RestartBudget, RouteSpec, StartPosition } from '#core/spec/route-spec.ts';
import { completeConditions } from '#core/spec/sinks/condition.ts';
import { completeSink } from '#core/spec/sinks/sink-spec.ts';
import { completeFormat } from '#core/spec/stream-format.ts';
import type { StreamSchema, StreamSpec } from '#core/spec/stream-spec.ts';

export const defaults = {
  partitions: 4,
  retention: '48h',
  workers: 1,
  cpu: 0.25,
  memory: '512MiB',
  stalledAfter: '90s',
  restartBudget: { count: 5, per: '1h' },
} as const;

const mebibyte = 1024 * 1024;
/** Below it a worker's heap has no room for its buffers. */
const memoryMiBMin = 256;
const memoryMiBMax = 120 * 1024;

function durationMs(text: string): number {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : 0;
}

export function completeStream(declared: DeclaredStreamSpec, problems: SpecProblem[]): StreamSpec {
  const { format, row: formatRow } = completeFormat(declared, problems);
  const fields = format === null ? declared.schema?.fields : undefined;
  if (format === null && declared.schema !== undefined && fields === undefined)
    problems.push({ path: 'spec.schema.fields', message: 'got nothing, expected this required field' });
  const row = fields === undefined ? formatRow : readFields(fields, 'spec.schema.fields', 1, problems);
  const retentionMs = durationMs(declared.retention ?? defaults.retention);
  if (retentionMs < 60_000)
    problems.push({ path: 'spec.retention', message: `got ${declared.retention}, expected at least 1m` });
  for (const field of ['eventTime', 'key'] as const) {
    const name = declared[field];
    if (name === undefined || row === null) continue;
    const column = row.find((candidate) => candidate.name === name);
    if (!column)
      problems.push({
        path: `spec.${field}`,
        message: `got ${JSON.stringify(name)}, expected a field of the schema: ${row.map((f) => f.name).join(', ')}`,
      });
    else if (column.type.kind !== 'scalar')
      problems.push({
        path: `spec.${field}`,
        message: `${JSON.stringify(name)} is no scalar, so it cannot serve as ${field}`,
      });
    else if (field === 'eventTime' && column.type.type !== 'timestamptz')
      problems.push({
        path: 'spec.eventTime',
        message: `${JSON.stringify(name)} is ${column.type.type}, expected a timestamptz field`,
      });
  }
  return {
    description: declared.description ?? '',
    partitions: declared.partitions ?? defaults.partitions,
    retentionMs,
    format,
    durability: declared.durability ?? 'durable',
    schema: row ? { row, ...completeSchema(declared.schema) } : null,
    eventTime: declared.eventTime ?? null,
    key: declared.key ?? null,
  };
}

const completeSchema = (declared: DeclaredStreamSpec['schema']): Pick<StreamSchema, 'onInvalid' | 'compatibility'> => ({
  onInvalid: declared?.onInvalid ?? 'accept',
  compatibility: declared?.compatibility ?? 'backward',
});

function completeStart(declared: DeclaredRouteSpec['start']): StartPosition {
  if (declared === undefined) return { kind: 'earliest' };
  return typeof declared === 'string' ? { kind: declared } : { kind: 'time', at: Date.parse(declared.time) };
}

function completePaths(
  texts: readonly string[],
  path: string,
  problems: SpecProblem[],
): readonly (readonly string[])[] {
  return texts.flatMap((text, index) => {
    const steps = parseFieldPath(text);
    if (!steps.ok) problems.push({ path: `${path}[${index}]`, message: steps.problem });
    return steps.ok ? [steps.value] : [];
  });
}

function atLeast(leastMs: number, field: string, text: string | undefined, problems: SpecProblem[]): number | null {
  if (text === undefined) return null;
  const ms = durationMs(text);
  if (ms < leastMs)
    problems.push({ path: `spec.health.${field}`, message: `got ${text}, expected at least ${leastMs / 1_000}s` });
  return ms;
}

const completeRestartBudget = (
  declared: NonNullable<DeclaredRouteSpec['health']>['restartBudget'] = defaults.restartBudget,
): RestartBudget => ({ count: declared.count, perMs: durationMs(declared.per) });

function completeConfig(
  declared: NonNullable<DeclaredRouteSpec['config']>,
  problems: SpecProblem[],
): RouteSpec['config'] {
  const values: Record<string, ConfigValue> = {};
  for (const [key, given] of Object.entries(declared)) {
    const path = `spec.config[${JSON.stringify(key)}]`;
    const field = findParameter(key)?.field;
    const value = readSetting(key, given);
    if (field !== undefined)
      problems.push({
        path,
        message: 'a route has a field of its own for it',
        fix: `set ${field} of the route or its sink`,
      });
    else if (value.ok) values[key] = value.value;
    else problems.push({ path, message: value.problem });
  }
  return values;
}

export function completeRoute(declared: DeclaredRouteSpec, problems: SpecProblem[]): RouteSpec {
  const memory = parseBytes(declared.resources?.memory ?? defaults.memory);
  const memoryMiB = memory.ok ? Math.floor(memory.value / mebibyte) : 0;
  if (memoryMiB < memoryMiBMin || memoryMiB > memoryMiBMax)
    problems.push({
      path: 'spec.resources.memory',
      message: `got ${declared.resources?.memory}, expected ${memoryMiBMin}MiB to ${memoryMiBMax / 1024}GiB`,
    });
  const stalledAfterMs = durationMs(declared.health?.stalledAfter ?? defaults.stalledAfter);
  if (stalledAfterMs < 10_000)
    problems.push({
      path: 'spec.health.stalledAfter',
      message: `got ${declared.health?.stalledAfter}, expected at least 10s`,
    });
  const names = declared.to.map((sink) => sink.name);
  for (const [index, name] of names.entries())
    if (names.indexOf(name) !== index)
      problems.push({
        path: `spec.to[${index}].name`,
        message: `${JSON.stringify(name)} is used twice`,
        fix: 'give each sink a name of its own: it names the job',
      });
  const sinks = declared.to.map((sink, index) => completeSink(sink, `spec.to[${index}]`, problems));
  const operators = completeOperators(declared.operators ?? [], problems);
  return {
    from: declared.from,
    start: completeStart(declared.start),
    where: declared.where ?? null,
    operators,
    exposePii: completePaths(declared.exposePii ?? [], 'spec.exposePii', problems),
    select: declared.select ?? null,
    sinks,
    conditions: completeConditions(declared.to, problems),
    delivery: completeDelivery(declared.delivery ?? {}, sinks, operators, problems),
    onRedeploy: completeRedeploy(declared.delivery ?? {}, sinks, problems),
    errors: completeErrors(declared.errors ?? {}, sinks, problems),
    throttle: declared.throttle?.recordsPerSecond ?? null,
    resources: {
      workers: declared.resources?.workers ?? defaults.workers,
      cpu: declared.resources?.cpu ?? defaults.cpu,
      memoryMiB,
    },
    autoscale: completeAutoscale(declared.autoscale, declared.resources?.workers ?? defaults.workers, problems),
    config: completeConfig(declared.config ?? {}, problems),
    stalledAfterMs,
    progressWithinMs: atLeast(10_000, 'progressWithin', declared.health?.progressWithin, problems),
    restartBudget: completeRestartBudget(declared.health?.restartBudget),
    upstreamSilentMs: atLeast(1_000, 'upstreamSilentAfter', declared.health?.upstreamSilentAfter, problems),
    alerts: completeAlerts(declared.alerts, problems),
    paused: declared.paused ?? false,
    tests: (declared.tests ?? []).map((test) => ({
      name: test.name,
      sink: test.sink ?? null,
      given: test.given.map((event) => JSON.stringify(event)),
      expect: test.expect.map((event) => JSON.stringify(event)),
    })),
  };
}
