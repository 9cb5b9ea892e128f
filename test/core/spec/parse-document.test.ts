// What a declaration may say, what it means when it says less, and how it is refused.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { limits } from '#core/limits.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { RouteSpec } from '#core/spec/route-spec.ts';
import type { StreamSpec } from '#core/spec/stream-spec.ts';
import { anErrorPolicy } from '#test/support/builders.ts';

const stream = (spec: object, metadata: object = {}) => ({
  apiVersion: 'millrace/v1',
  kind: 'Stream',
  metadata: { name: 'plays', owner: 'playback', ...metadata },
  spec,
});
const route = (spec: object) => ({
  apiVersion: 'millrace/v1',
  kind: 'Route',
  metadata: { name: 'plays', owner: 'playback' },
  spec: { from: 'events', to: [{ name: 'out', stream: 'plays' }], ...spec },
});

function accepted<Spec>(json: unknown): Spec {
  const parsed = parseDocument(json);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
  return parsed.value.spec as Spec;
}
function refused(json: unknown): readonly SpecProblem[] {
  const parsed = parseDocument(json);
  if (parsed.ok) throw new Error('it was accepted');
  return parsed.problem;
}
const problemAt = (json: unknown, path: string): string => {
  const found = refused(json).find((problem) => problem.path === path);
  return found
    ? `${found.message}${found.fix ? ` | ${found.fix}` : ''}`
    : `nothing at ${path}: ${JSON.stringify(refused(json))}`;
};

describe('a stream', () => {
  test('needs a name and an owner, and has sensible defaults for all else', () => {
    expect(accepted<StreamSpec>(stream({}))).toEqual({
      description: '',
      partitions: 4,
      durability: 'durable',
      retentionMs: 48 * 3_600_000,
      schema: null,
      format: null,
      eventTime: null,
      key: null,
    });
    expect(problemAt({ ...stream({}), metadata: { name: 'plays' } }, 'metadata.owner')).toMatch(
      /got nothing, expected this required field/,
    );
  });

  test('declares fields by type name, arrays by [], objects by nesting, and a field called type by nesting too', () => {
    const { schema } = accepted<StreamSpec>(
      stream({
        schema: { fields: { id: 'text', n: { type: 'int8' }, tags: 'text[]', device: { os: 'text', type: 'text' } } },
      }),
    );
    expect(schema?.row).toEqual([
      { name: 'id', type: { kind: 'scalar', type: 'text' } },
      { name: 'n', type: { kind: 'scalar', type: 'bigint' } },
      { name: 'tags', type: { kind: 'array', element: { kind: 'scalar', type: 'text' } } },
      {
        name: 'device',
        type: {
          kind: 'object',
          fields: [
            { name: 'os', type: { kind: 'scalar', type: 'text' } },
            { name: 'type', type: { kind: 'scalar', type: 'text' } },
          ],
        },
      },
    ]);
  });

  test('is told the types there are when it names one that there is not', () => {
    expect(problemAt(stream({ schema: { fields: { id: 'txt' } } }), 'spec.schema.fields.id')).toMatch(
      /got type "txt" \(did you mean "text"\?\), expected one of text, boolean/,
    );
  });

  test('may use as key and event time only what its schema has', () => {
    const fields = { id: 'text', ts: 'timestamptz' };
    expect(problemAt(stream({ schema: { fields }, key: 'uuid' }), 'spec.key')).toMatch(
      /expected a field of the schema: id, ts/,
    );
    expect(problemAt(stream({ schema: { fields }, eventTime: 'id' }), 'spec.eventTime')).toMatch(
      /expected a timestamptz field/,
    );
    expect(accepted<StreamSpec>(stream({ schema: { fields }, eventTime: 'ts', key: 'id' }))).toMatchObject({
      eventTime: 'ts',
      key: 'id',
    });
  });

  test.each([
    'Plays',
    '-plays',
    'plays-',
    'play--s',
    'pläys',
    'a/b',
    '..',
    '__dlq',
    '',
    'x'.repeat(limits.nameCharsMax + 1),
  ])('cannot be called %j', (name) => {
    expect(refused(stream({}, { name })).map((problem) => problem.path)).toContain('metadata.name');
  });
});

describe('alerts of a route', () => {
  const alerting = (alerts: object) => route({ alerts });

  test('are thresholds in numbers, and none where none is declared', () => {
    const declared = { lag: { above: '5m' }, deadLetterRate: { above: '1%' } };
    expect(accepted<RouteSpec>(alerting(declared)).alerts).toEqual({ lag: 300_000, deadLetterRate: 0.01 });
    expect(accepted<RouteSpec>(alerting({})).alerts).toEqual({});
  });

  test('that nobody could be told in time, or that are no quantities, are refused', () => {
    expect(problemAt(alerting({ lag: { above: '10s' } }), 'spec.alerts.lag.above')).toContain('at least 1m');
    expect(problemAt(alerting({ lag: { above: 'long' } }), 'spec.alerts.lag.above')).not.toBe('');
    expect(problemAt(alerting({ deadLetterRate: { above: '2' } }), 'spec.alerts.deadLetterRate.above')).not.toBe('');
  });
});

describe('a route', () => {
  test('needs a source and a sink, and has sensible defaults for all else', () => {
    expect(accepted<RouteSpec>(route({}))).toEqual({
      from: 'events',
      start: { kind: 'earliest' },
      alerts: {},
      autoscale: { mode: 'advise', min: 1, max: 8, drainMs: 300_000 },
      where: null,
      operators: [],
      exposePii: [],
      conditions: [{ kind: 'all' }],
      select: null,
      sinks: [{ name: 'out', kind: 'stream', stream: 'plays', key: null }],
      delivery: { guarantee: 'at-least-once', lossBudget: null, ordering: 'per-key' },
      errors: anErrorPolicy,
      throttle: null,
      config: {},
      resources: { workers: 1, cpu: 0.25, memoryMiB: 512 },
      ...{ stalledAfterMs: 90_000, progressWithinMs: null, upstreamSilentMs: null, onRedeploy: 'fewer-duplicates' },
      restartBudget: { count: 5, perMs: 3_600_000 },
      paused: false,
      tests: [],
    });
  });

  test('may start at a time', () => {
    expect(accepted<RouteSpec>(route({ start: { time: '2026-01-01T00:00:00Z' } })).start).toEqual({
      kind: 'time',
      at: 1_767_225_600_000,
    });
  });

  test('names each sink once: the name is the job’s', () => {
    const to = [
      { name: 'out', stream: 'a' },
      { name: 'out', stream: 'b' },
    ];
    expect(problemAt(route({ to }), 'spec.to[1].name')).toMatch(/used twice/);
  });

  test('is told what it probably meant when it names a field that there is not', () => {
    expect(problemAt(route({ wehre: 'true' }), 'spec.wehre')).toMatch(/unknown field \(did you mean "where"\?\)/);
  });

  test('is refused when it wants workers beside each other where their transactions may not be', () => {
    const delivery = { guarantee: 'exactly-once', onRedeploy: 'lower-latency' };
    expect(problemAt(route({ delivery }), 'spec.delivery.onRedeploy')).toMatch(/cannot be kept with exactly-once/);
  });

  test('configures its jobs by parameters that there are, within their bounds, each in one place', () => {
    const config = { 'source.fetchBytesMax': '4MiB', 'worker.checkpointsKept': 3, 'sink.compression': 'zstd' };
    expect(accepted<RouteSpec>(route({ config })).config).toEqual({
      ...{ 'source.fetchBytesMax': 4 * 1024 * 1024, 'worker.checkpointsKept': 3, 'sink.compression': 'zstd' },
    });
    const wrong = (key: string, value: unknown) =>
      problemAt(route({ config: { [key]: value } }), `spec.config[${JSON.stringify(key)}]`);
    expect(wrong('source.fetchByteMax', '4MiB')).toMatch(/did you mean "source.fetchBytesMax"/);
    expect(wrong('source.fetchBytesMax', '1GiB')).toMatch(/got "1GiB", expected 64KiB to 16MiB/);
    expect(wrong('throttle.recordsPerSecond', 5)).toMatch(/set spec.throttle.recordsPerSecond/);
  });

  test('is scaled between bounds that hold what is declared; by default it is only told how many workers would do', () => {
    const scaleOf = (spec: object) => accepted<RouteSpec>(route(spec)).autoscale;
    expect(scaleOf({})).toEqual({ mode: 'advise', min: 1, max: 8, drainMs: 300_000 });
    expect(scaleOf({ resources: { workers: 12 } })).toMatchObject({ max: 12 });
    const on = { mode: 'on', min: 2, max: 4, drainTime: '30s' };
    expect(scaleOf({ autoscale: on, resources: { workers: 2 } })).toEqual({
      mode: 'on',
      min: 2,
      max: 4,
      drainMs: 30_000,
    });
    expect(problemAt(route({ autoscale: on }), 'spec.resources.workers')).toMatch(/got 1, expected 2 to 4/);
    expect(scaleOf({ autoscale: { min: 9 } })).toMatchObject({ min: 9, max: 9 });
    expect(problemAt(route({ autoscale: { min: 5, max: 3 } }), 'spec.autoscale.min')).toMatch(
      /got 5, expected at most max, 3/,
    );
    expect(problemAt(route({ autoscale: { drainTime: '1s' } }), 'spec.autoscale.drainTime')).toMatch(/at least 10s/);
  });

  test.each([
    [{}, 'spec.to[0].warehouse.table', /required field/],
    [{ table: 'No-Such' }, 'spec.to[0].warehouse.table', /lower-case letters, digits and single underscores/],
    [{ table: 't', roll: { size: '5' } }, 'spec.to[0].warehouse.roll.size', /expected a number and a unit/],
    [{ table: 't', roll: { size: '1KiB' } }, 'spec.to[0].warehouse.roll.size', /got 1KiB, expected 1MiB to 1GiB/],
    [{ table: 't', roll: { every: '2d' } }, 'spec.to[0].warehouse.roll.every', /got 2d, expected 1s to 24h/],
    [{ table: 't', partitionBy: ['ts'] }, 'spec.to[0].warehouse.partitionBy[0]', /expected one column in braces/],
    [{ table: 't', compression: 'gzip' }, 'spec.to[0].warehouse.compression', /expected/],
    [{ table: 't', format: 'orc' }, 'spec.to[0].warehouse.format', /unknown|not a field|expected/],
  ])('cannot have the table %j', (warehouse, path, message) => {
    expect(problemAt(route({ to: [{ name: 'lake', warehouse }] }), path)).toMatch(message);
  });

  test.each([
    [{ memory: '5 apples' }, 'spec.resources.memory', /got "5 apples", expected a number and a unit/],
    [{ memory: '64MiB' }, 'spec.resources.memory', /expected 256MiB/],
    [{ workers: 0 }, 'spec.resources.workers', /got 0, expected at least 1/],
    [{ workers: '2' }, 'spec.resources.workers', /got "2", expected number/],
  ])('cannot have resources %j', (resources, path, message) => {
    expect(problemAt(route({ resources }), path)).toMatch(message);
  });
});

describe('hostile input', () => {
  test.each(['__proto__', 'constructor', 'prototype'])('is refused for a key %s anywhere [fault 15]', (key) => {
    const json = JSON.parse(
      `{"apiVersion":"millrace/v1","kind":"Stream","metadata":{"name":"a","owner":"b"},"spec":{"schema":{"fields":{"x":{"${key}":"text"}}}}}`,
    );
    expect(refused(json)[0]!.message).toMatch(/refused everywhere/);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('is refused when nested too deep or too wide, and neither takes long [fault 14]', () => {
    let deep: unknown = 'text';
    for (let level = 0; level < 10_000; level++) deep = { x: deep };
    expect(problemAt(stream({ schema: { fields: { x: `text${'[]'.repeat(9_000)}` } } }), 'spec.schema.fields.x')).toBe(
      'nested deeper than 64 levels',
    );
    expect(refused(stream({ schema: { fields: deep as object } }))[0]!.message).toMatch(/nested deeper than 64/);
    const wide = Object.fromEntries(
      Array.from({ length: limits.documentKeysMax + 1 }, (_, index) => [`f${index}`, 'text']),
    );
    expect(refused(stream({ schema: { fields: wide } }))[0]!.message).toMatch(/more than 10000 keys/);
  });

  test('of any JSON whatsoever is accepted or refused with a path and a message, never thrown at', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('Stream', 'Route', 'Strem', 7), (spec, kind) => {
        const parsed = parseDocument({ apiVersion: 'millrace/v1', kind, metadata: { name: 'a', owner: 'b' }, spec });
        return (
          parsed.ok || parsed.problem.every((problem) => typeof problem.path === 'string' && problem.message !== '')
        );
      }),
    );
  });
});
