// Layers of configuration: which of them holds, what a job is compiled to under them, and how it is explained.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { explainConfig } from '#core/config/explain.ts';
import { configLayers, resolveSettings, type Setting } from '#core/config/layers.ts';
import { formatValue, type ParameterKey, parameters, parseValue } from '#core/config/parameters.ts';
import { readConfigSource } from '#core/config/read-source.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { localSettings, type PlatformSettings } from '#core/graph/platform-settings.ts';
import { liveHash } from '#core/job/live-settings.ts';
import type { ConfigEntry, GoalRevision } from '#core/ports/goal-store.ts';
import { aRevision, aRoute, aSnapshot, aStream } from '#test/support/documents.ts';

beforeAll(loadParser);

const key = 'source.fetchBytesMax';
const KiB = 1024;

const route = (spec: object = {}) => aRevision(aRoute('plays', 'in', 'plays', spec));
const stored = (changes: Partial<ConfigEntry>): ConfigEntry =>
  ({
    ...{ tenant: 'default', scope: 'team', subject: 'playback', key, value: '2MiB' },
    ...{ author: 'ann', reason: 'a test', at: 1_000, expiresAt: null, ...changes },
  }) as ConfigEntry;
const ofJob = { scope: 'job', subject: 'plays.out', uid: 'u-plays' } as const;

interface World {
  readonly spec?: object;
  readonly entries?: readonly ConfigEntry[];
  readonly settings?: Partial<PlatformSettings['config']>;
}

function compile({ spec = {}, entries = [], settings = {} }: World): JobEntry {
  const config = { files: [], environment: [], ...settings };
  const snapshot = aSnapshot([aRevision(aStream('in')), route(spec)], [], entries);
  return compilePlatform(snapshot, { ...localSettings, config }, planRoute).jobs[0]!;
}

const source = (bytes: number) => [{ from: 'there', values: { [key]: bytes } }];

describe('of several layers', () => {
  test('the strongest that says something holds, in whatever order they are given', () => {
    const setting = fc.record({
      ...{ key: fc.constantFrom<ParameterKey>(key, 'worker.drain'), layer: fc.constantFrom(...configLayers) },
      ...{ value: fc.nat(), from: fc.constant('somewhere') },
    });
    fc.assert(
      fc.property(fc.array(setting, { maxLength: 20 }), (settings: readonly Setting[]) => {
        const effective = resolveSettings(settings);
        for (const { key, layer } of settings)
          expect(configLayers.indexOf(effective.get(key)!.layer)).toBeGreaterThanOrEqual(configLayers.indexOf(layer));
        expect(new Set(effective.keys())).toEqual(new Set(settings.map((one) => one.key)));
      }),
    );
  });

  test('platform < files < team < job < environment < override', () => {
    const worlds: readonly World[] = [
      {},
      { settings: { files: source(100 * KiB) } },
      { settings: { files: source(100 * KiB) }, entries: [stored({ value: '200KiB' })] },
      { entries: [stored({ value: '200KiB' })], spec: { config: { [key]: '300KiB' } } },
      { spec: { config: { [key]: '300KiB' } }, settings: { environment: source(400 * KiB) } },
      { settings: { environment: source(400 * KiB) }, entries: [stored({ ...ofJob, value: '500KiB' })] },
    ];
    const bytes = worlds.map((world) => compile(world).goal.settings.fetchBytesMax);
    expect(bytes).toEqual([localSettings.worker.fetchBytesMax, ...[100, 200, 300, 400, 500].map((n) => n * KiB)]);
  });

  test('another team’s, another job’s and an earlier life’s do not count, nor what this version would refuse', () => {
    const strangers = [
      stored({ subject: 'search' }),
      stored({ ...ofJob, subject: 'plays.other' }),
      stored({ ...ofJob, uid: 'u-before' }),
      stored({ tenant: 'other' }),
      stored({ ...ofJob, value: '1TiB' }),
      stored({ ...ofJob, key: 'warp.factor', value: 9 }),
    ];
    expect(compile({ entries: strangers }).goal).toEqual(compile({}).goal);
  });

  test('a field that a route has for a parameter is of the layer job, and an override goes before it', () => {
    const spec = { throttle: { recordsPerSecond: 10 } };
    const throttled = (value: number | string) => stored({ ...ofJob, key: 'throttle.recordsPerSecond', value });
    expect(compile({ spec, entries: [stored({ key: 'throttle.recordsPerSecond', value: 5 })] }).goal.throttle).toBe(10);
    expect(compile({ spec, entries: [throttled(700)] }).goal.throttle).toBe(700);
    expect(compile({ spec, entries: [throttled('none')] }).goal.throttle).toBeNull();
    const http = { url: 'https://example.com/', batch: { maxRecords: 7 } };
    const hook = { to: [{ name: 'out', http }] };
    const batch = (entries: readonly ConfigEntry[]) => {
      const { sink } = compile({ spec: hook, entries }).goal;
      return sink.kind === 'http' ? sink.batch : null;
    };
    const team = [
      stored({ key: 'sink.batch.maxRecords', value: 50 }),
      stored({ key: 'sink.batch.maxWait', value: '1s' }),
    ];
    expect(batch(team)).toEqual({ maxRecords: 7, maxBytes: 1024 * KiB, maxWaitMs: 1_000 });
    expect(batch([stored({ ...ofJob, key: 'sink.batch.maxRecords', value: 9 })])?.maxRecords).toBe(9);
  });
});

describe('a change of a parameter', () => {
  test('that is live leaves the workers as they are; any other renders them anew', () => {
    const plain = compile({});
    for (const parameter of parameters) {
      const { key, form } = parameter;
      const value = form.kind === 'word' ? form.words[1]! : formatValue(parameter, form.min);
      const changed = compile({ entries: [stored({ ...ofJob, key, value })] });
      const isOfThisSink = !key.startsWith('sink.batch.');
      expect([key, changed.render === plain.render]).toEqual([key, parameter.live]);
      expect([key, liveHash(changed.goal) !== liveHash(plain.goal)]).toEqual([key, parameter.live && isOfThisSink]);
    }
  });
});

describe('a value', () => {
  test('is shown as it may be given', () => {
    for (const parameter of parameters)
      for (const bound of parameter.form.kind === 'word'
        ? parameter.form.words
        : [parameter.form.min, parameter.form.max])
        expect(parseValue(parameter, formatValue(parameter, bound))).toEqual({ ok: true, value: bound });
  });

  test('in a file or variable has to be understood, all of it', () => {
    expect(readConfigSource('here', '{"worker.drain": "5s"}')).toEqual({
      ...{ ok: true, value: { from: 'here', values: { 'worker.drain': 5_000 } } },
    });
    const problem = (text: string) => {
      const read = readConfigSource('here', text);
      return read.ok ? null : read.problem;
    };
    expect(problem('{"worker.drian": "5s"}')).toMatch(
      /^here: there is no parameter "worker.drian" \(did you mean "worker.drain"/,
    );
    expect(problem('{"worker.drain": 5}')).toMatch(/^here: worker.drain: got 5, expected 1s to 100s/);
    expect(problem('[]')).toMatch(/expected a JSON object/);
    expect(problem('{')).toMatch(/^here: got no valid JSON/);
  });
});

describe('an explanation', () => {
  test('shows of each parameter what holds, what it stands in front of, and what was said before', () => {
    const until = Date.parse('2026-02-01T00:00:00Z');
    const override = stored({ ...ofJob, value: '500KiB', expiresAt: until, reason: 'spike', at: 5_000 });
    const spec = { config: { [key]: '300KiB' } };
    const { config } = compile({ spec, settings: { files: source(100 * KiB) }, entries: [override, stored({})] });
    const revisions: readonly GoalRevision[] = [
      { ...route(spec), revision: 3, at: 4_000, author: 'bob' },
      { ...route({ ...spec, paused: true }), revision: 2, at: 3_000 },
      { ...route(), revision: 1, at: 2_000 },
    ];
    const { parameters: explained } = explainConfig(config!, { entries: [override, stored({})], revisions });
    const one = explained.find((parameter) => parameter.key === key)!;
    expect(one).toMatchObject({ value: '500KiB', layer: 'override', live: true });
    expect(one.settings.map(({ layer, value }) => `${layer} ${value}`)).toEqual([
      ...['platform 8MiB', 'files 100KiB', 'team 2MiB', 'job 300KiB', 'override 500KiB'],
    ]);
    expect(one.settings.at(-1)).toMatchObject({
      author: 'ann',
      reason: 'spike',
      expiresAt: '2026-02-01T00:00:00.000Z',
    });
    expect(one.history.map(({ layer, value, from }) => [layer, value, from])).toEqual([
      ['override', '500KiB', 'the API'],
      ['job', '300KiB', 'revision 2 of the route'],
      ['team', '2MiB', 'team playback'],
    ]);
    expect(explained.find((parameter) => parameter.key === 'sink.batch.maxWait')).toBeUndefined();
  });
});
