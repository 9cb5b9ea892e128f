// What people ask of the API in sequences: declarations that fit, that do not, and that mean harm; deletions, overrides, freezes, time.
import fc from 'fast-check';

export type Step =
  /** Such as `PUT /v1/routes/plays`. */
  { readonly ask: string; readonly body?: string } | { readonly passes: number } | { readonly hours: number };

const streams = ['events', 'clicks', 'constructor'] as const;
const routes = ['plays', 'copies', 'constructor'] as const;
const sinks = ['out', 'copy', 'hook', 'constructor'] as const;
const parameters = {
  'sink.compression': ['none', 'lz4'],
  'source.fetchBytesMax': ['128KiB', '2MiB'],
  'sink.linger': ['0ms', '50ms'],
  'worker.commitEvery': ['500ms', '2s'],
  'worker.drain': ['5s', '20s'],
  'throttle.recordsPerSecond': [100, 'none'],
} as const;

/** Present now and then. */
const maybe = <Value>(name: string, values: fc.Arbitrary<Value>): fc.Arbitrary<object> =>
  fc.option(values, { freq: 2 }).map((value) => (value === null ? {} : { [name]: value }));

/** Now and then what has to be refused. */
const mostly = <Value>(good: readonly Value[], bad: readonly Value[]): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 15, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...bad) });

const together = (...parts: readonly fc.Arbitrary<object>[]): fc.Arbitrary<object> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all));

const streamSpec = together(
  maybe('partitions', fc.integer({ min: 1, max: 4 })),
  maybe('retention', fc.constantFrom('24h', '72h')),
  maybe('durability', fc.constantFrom('durable', 'available')),
  maybe('key', fc.constant('id')),
  maybe('description', fc.constantFrom('what happened', "'; DROP TABLE revisions; --", '\u{1F4A5}\u0000\u202E')),
  maybe(
    'schema',
    fc.constantFrom(
      { fields: { id: 'text', x: 'bigint' } },
      { fields: { id: 'text', x: 'text' }, compatibility: 'none' },
      { fields: { id: 'text' }, onInvalid: 'dead-letter', compatibility: 'none' },
    ),
  ),
);

const sink = fc.oneof(
  fc.record({ name: fc.constantFrom(...sinks), stream: fc.constantFrom('left', 'right', 'clicks') }),
  fc.record({
    name: fc.constantFrom(...sinks),
    http: together(
      fc.constant({ url: 'http://127.0.0.1:8080/' }),
      maybe('batch', fc.constantFrom({ maxRecords: 10 }, { maxRecords: 20 })),
    ),
  }),
);

const overrides = fc
  .constantFrom(...Object.entries(parameters))
  .chain(([key, values]) => fc.constantFrom(...values).map((value) => ({ key, value })));

const delivery = mostly<object>(
  [
    { onRedeploy: 'lower-latency' },
    { onRedeploy: 'canary' },
    { guarantee: 'loss-tolerant', lossBudget: '1%' },
    { guarantee: 'exactly-once' },
  ],
  [{ guarantee: 'loss-tolerant' }, { guarantee: 'exactly-once', onRedeploy: 'lower-latency' }],
);

const routeSpec = together(
  fc.record({
    from: mostly(['events', 'events', 'events', 'clicks'], ['constructor', 'left', 'nowhere']),
    to: fc.uniqueArray(sink, { minLength: 1, maxLength: 2, selector: ({ name }) => name }),
  }),
  maybe('where', mostly(["id > 'a'", "id = 'a'"], ['x > (', "id = '1'; SELECT pg_sleep(9)", 'no_such(x)'])),
  maybe('select', mostly(['id', '*, upper(id) AS up'], ['nothing.like.it.at.all('])),
  maybe('delivery', delivery),
  maybe('errors', fc.constantFrom({ poison: 'drop' }, { poison: 'stop' })),
  maybe('throttle', mostly([{ recordsPerSecond: 50 }], [{ recordsPerSecond: 0 }])),
  maybe('resources', fc.constantFrom({ workers: 1 }, { workers: 2 }, { workers: 3, memory: '1GiB' })),
  maybe('alerts', fc.constantFrom({ lag: { above: '5m' } }, { deadLetterRate: { above: '1%' } })),
  maybe(
    'config',
    overrides.map(({ key, value }) => ({ [key]: value })),
  ),
  maybe('paused', fc.boolean()),
);

const declared = (kind: 'Stream' | 'Route', names: readonly string[], spec: fc.Arbitrary<object>) =>
  fc.record({
    apiVersion: fc.constant('millrace/v1'),
    kind: fc.constant(kind),
    metadata: together(
      fc.record({ name: fc.constantFrom(...names), owner: mostly(['playback'], ['ads']) }),
      maybe('labels', fc.constantFrom({ tier: '1' }, { toString: 'x' })),
    ) as fc.Arbitrary<{ readonly name: string }>,
    spec,
  });

const document = fc.oneof(
  { weight: 2, arbitrary: declared('Stream', streams, streamSpec) },
  { weight: 4, arbitrary: declared('Route', routes, routeSpec) },
);

const pathOf = (kind: string, name: string): string =>
  `/v1/${kind === 'Stream' ? 'streams' : 'routes'}/${encodeURIComponent(name)}`;

const put = document.map((one): Step => ({ ask: `PUT ${pathOf(one.kind, one.metadata.name)}`, body: json(one) }));
const apply = fc
  .array(document, { minLength: 1, maxLength: 3 })
  .map((documents): Step => ({ ask: 'POST /v1/apply', body: json({ documents }) }));

const json = (value: unknown): string => JSON.stringify(value);

/** Ways to spoil a declaration's text. None of them may be taken, and none may leave a trace. */
const spoilt: readonly ((text: string) => string)[] = [
  (text) => text.slice(0, -1),
  (text) => text.replace('"spec":{', '"spec":{"__proto__":{"paused":true},'),
  (text) => text.replace('"spec":{', '"spec":{"constructor":{"prototype":{"polluted":1}},'),
  (text) => text.replace('"spec":{', '"spec":{"sharding":{"of":"the future"},'),
  (text) => text.replace('"spec":{', `"spec":{"partitions":-1,"resources":{"workers":1e9},`),
  (text) => text.replace('"spec":{', `"spec":{"description":${'['.repeat(3_000)}${']'.repeat(3_000)},`),
  (text) => text.replace('"spec":{', `"spec":{"description":"${'x'.repeat(300_000)}",`),
  (text) => text.replace('"owner":"playback"', '"owner":"../playback"'),
  (text) => text.replace('millrace/v1', 'millrace/v9'),
  (text) => text.replace('"kind":"Route"', '"kind":"constructor"'),
];
const spoiltPut = fc
  .tuple(document, fc.constantFrom(...spoilt))
  .map(([one, spoil]): Step => ({ ask: `PUT ${pathOf(one.kind, one.metadata.name)}`, body: spoil(json(one)) }));

const hostileNames = ['__proto__', '..', 'UPPER', 'a'.repeat(41), 'plays.out', 'plays%00', 'é', '-', "x' OR '1'='1"];
const hostilePut = fc.tuple(document, fc.constantFrom(...hostileNames)).map(
  ([one, name]): Step => ({
    ask: `PUT ${pathOf(one.kind, name)}`,
    body: json({ ...one, metadata: { ...one.metadata, name } }),
  }),
);

const job = fc
  .tuple(fc.constantFrom('plays', 'plays', ...routes), fc.constantFrom('out', 'out', ...sinks))
  .map(([route, name]) => `${route}.${name}`);
const named = fc.oneof(
  fc.constantFrom(...streams, 'left').map((name) => pathOf('Stream', name)),
  fc.constantFrom('plays', ...routes).map((name) => pathOf('Route', name)),
);
const remove = fc.tuple(named, fc.boolean()).map(
  ([path, purge]): Step => ({
    ask: `DELETE ${path}${purge ? '?purge=true' : ''}`,
  }),
);
const undelete = named.map((path): Step => ({ ask: `POST ${path}/undelete` }));
const rollback = fc.constantFrom('plays', ...routes).map(
  (name): Step => ({
    ask: `POST ${pathOf('Route', name)}/rollback`,
    body: '{}',
  }),
);
const operate = fc
  .tuple(job, fc.constantFrom('pause', 'resume', 'restart', 'explode'))
  .map(([name, kind]): Step => ({ ask: `POST /v1/jobs/${name}/operations`, body: json({ kind }) }));

const override = fc.tuple(job, overrides, fc.constantFrom('20m', '30d', '9999d')).map(
  ([name, { key, value }, expiresIn]): Step => ({
    ask: `PUT /v1/jobs/${name}/config/${key}`,
    body: json({ value, reason: 'a trial', expiresIn }),
  }),
);
const ofTeam = overrides.map(
  ({ key, value }): Step => ({
    ask: `PUT /v1/teams/playback/config/${key}`,
    body: json({ value, reason: 'for all of us' }),
  }),
);
const clear = fc
  .tuple(
    fc.oneof(
      job.map((name) => `jobs/${name}`),
      fc.constant('teams/playback'),
    ),
    overrides,
  )
  .map(([of, { key }]): Step => ({ ask: `DELETE /v1/${of}/config/${key}` }));

const frozen = fc.oneof(
  fc.constantFrom('fleet', 'team/playback', 'team/ads'),
  job.map((name) => `job/${name}`),
);
const freeze = fc
  .tuple(fc.constantFrom('PUT', 'DELETE'), frozen)
  .map(([method, of]): Step => ({ ask: `${method} /v1/freezes/${of}` }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: put },
  { weight: 3, arbitrary: apply },
  { weight: 2, arbitrary: spoiltPut },
  { weight: 1, arbitrary: hostilePut },
  { weight: 3, arbitrary: remove },
  { weight: 2, arbitrary: undelete },
  { weight: 1, arbitrary: rollback },
  { weight: 2, arbitrary: operate },
  { weight: 2, arbitrary: fc.oneof(override, ofTeam, clear) },
  { weight: 1, arbitrary: freeze },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 6 }).map((passes) => ({ passes })) },
  { weight: 1, arbitrary: fc.constant({ hours: 2 }) },
);

/** Deleted, and wanted again after a while. */
const comeback: fc.Arbitrary<readonly Step[]> = fc
  .tuple(fc.constantFrom('plays', ...routes), fc.nat({ max: 4 }), fc.boolean())
  .map(([name, passes, isStream]) => {
    const path = isStream ? '/v1/streams/clicks' : pathOf('Route', name);
    return [{ ask: `DELETE ${path}` }, { passes }, { ask: `POST ${path}/undelete` }];
  });

/** Begins with something to change, so that few sequences are nothing but refusals. */
export const sequences: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    declared('Stream', ['events'], streamSpec),
    declared('Route', ['plays'], fc.constant({ from: 'events', to: [{ name: 'out', stream: 'left' }] })),
    fc.array(fc.oneof({ weight: 9, arbitrary: step.map((one) => [one]) }, { weight: 1, arbitrary: comeback }), {
      ...{ minLength: 2, maxLength: 14 },
    }),
  )
  .map(([stream, route, rest]) => [
    { ask: 'PUT /v1/streams/events', body: json(stream) },
    { ask: 'PUT /v1/routes/plays', body: json(route) },
    ...rest.flat(),
  ]);
