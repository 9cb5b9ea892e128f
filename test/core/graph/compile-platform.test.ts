// From the goal store's snapshot to topics that must exist and jobs that must run.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { awsSettings, localSettings } from '#core/graph/platform-settings.ts';
import type { GoalSnapshot, Operation } from '#core/ports/goal-store.ts';
import { aRevision, aRoute, aSnapshot, aStream, playbackEvents } from '#test/support/documents.ts';

beforeAll(loadParser);

const compile = (snapshot: GoalSnapshot) => compilePlatform(snapshot, localSettings, planRoute);
const plays = aRoute('plays', 'playback-events', 'plays', { where: "type = 'play'", select: 'id, country' });
const operation = (kind: Operation['kind'], sequence: number, uid = 'u-plays'): Operation => ({
  id: `op-${sequence}`,
  tenant: 'default',
  job: 'plays.out',
  uid,
  kind,
  sequence,
  state: 'succeeded',
  author: 'ann',
  reason: '',
  requestedAt: 0,
});

describe('a platform goal', () => {
  test('has a topic for each declared stream, for each stream that a route implies, and for each job’s dead letters', () => {
    const goal = compile(aSnapshot([aRevision(playbackEvents), aRevision(plays)]));
    expect(goal.topics.map((topic) => [topic.topic, topic.partitions])).toEqual([
      ['playback-events', 3],
      ['plays', 3],
      ['__dlq.plays.out', 1],
    ]);
    expect(goal.topics[0]!.config).toMatchObject({ 'retention.ms': '172800000', 'cleanup.policy': 'delete' });
  });

  test('has one job for each sink of a route, with an id of the route’s life', () => {
    const both = aRoute('plays', 'playback-events', 'plays', {
      to: [
        { name: 'a', stream: 'x' },
        { name: 'b', stream: 'y' },
      ],
    });
    const goal = compile(aSnapshot([aRevision(playbackEvents), aRevision(both)]));
    expect(goal.jobs.map((entry) => entry.goal.id)).toEqual(['default/plays.a@u-plays', 'default/plays.b@u-plays']);
  });

  test('survives being stored as JSON: the worker runs what the reconciler compiled', () => {
    const [entry] = compile(aSnapshot([aRevision(playbackEvents), aRevision(plays)])).jobs;
    expect(JSON.parse(JSON.stringify(entry!.goal))).toEqual(entry!.goal);
  });

  test('keeps a job’s render when a new revision means the same, and changes it when a worker would do otherwise', () => {
    const render = (document: typeof plays, revision: number): string =>
      compile(aSnapshot([aRevision(playbackEvents), aRevision(document, { revision })])).jobs[0]!.render;
    expect(render(plays, 2)).toBe(render(plays, 1));
    expect(
      render(aRoute('plays', 'playback-events', 'plays', { where: "type = 'stop'", select: 'id, country' }), 2),
    ).not.toBe(render(plays, 1));
  });

  test('pauses a job by the newest of pause and resume, and never by an operation of an earlier life', () => {
    const paused = (operations: readonly Operation[]): boolean =>
      compile(aSnapshot([aRevision(playbackEvents), aRevision(plays)], operations)).jobs[0]!.paused;
    expect(paused([operation('pause', 1)])).toBe(true);
    expect(paused([operation('resume', 2), operation('pause', 1)])).toBe(false);
    expect(paused([operation('pause', 3, 'u-earlier')])).toBe(false);
  });

  test('writes to a stream that is available so that its leader alone acknowledges, and asks its topic for no more', () => {
    const available = aStream('plays', { durability: 'available' });
    const tolerant = aRoute('plays', 'playback-events', 'plays', {
      delivery: { guarantee: 'loss-tolerant', lossBudget: '1%' },
    });
    const snapshot = aSnapshot([playbackEvents, available, tolerant].map((each) => aRevision(each)));
    const { jobs, topics } = compilePlatform(snapshot, awsSettings, planRoute);
    expect(jobs[0]!.goal.sink).toMatchObject({ topic: 'plays', acks: 'leader' });
    const replicas = topics.map(({ topic, config }) => [topic, config['min.insync.replicas']]);
    expect(Object.fromEntries(replicas)).toMatchObject({ plays: '1', 'playback-events': '2', '__dlq.plays.out': '2' });
    const durable = compile(aSnapshot([aRevision(playbackEvents), aRevision(plays)])).jobs[0]!.goal.sink;
    expect(durable).not.toHaveProperty('acks');
  });

  test('renders a job anew for a restart', () => {
    const render = (operations: readonly Operation[]): string =>
      compile(aSnapshot([aRevision(playbackEvents), aRevision(plays)], operations)).jobs[0]!.render;
    expect(render([operation('restart', 4)])).not.toBe(render([]));
    expect(render([operation('restart', 4), operation('restart', 3)])).toBe(render([operation('restart', 4)]));
  });

  test('deletes the topic of a deleted stream, unless a route still writes to it', () => {
    const deleted = aRevision(aStream('plays'), { declared: null, revision: 2 });
    expect(compile(aSnapshot([deleted])).removedTopics.map((topic) => topic.topic)).toEqual(['plays']);
    expect(compile(aSnapshot([aRevision(playbackEvents), aRevision(plays), deleted])).removedTopics).toEqual([]);
  });

  test('names what this version cannot carry out, and makes no job of it', () => {
    const newer = aRevision(plays, {
      declared: { from: 'playback-events', to: [{ name: 'out', stream: 'plays' }], teleport: true },
    });
    const goal = compile(aSnapshot([aRevision(playbackEvents), newer]));
    expect(goal.jobs).toEqual([]);
    expect(goal.unsupported.map(({ revision }) => revision.name)).toEqual(['plays']);
  });

  test('leaves the topic of a stream that this version does not understand, and what writes to it or reads it, as they are', () => {
    const newer = aRevision(aStream('plays'), { declared: { retention: '30d', teleport: true } });
    const reader = aRoute('often', 'plays', 'often-played');
    const other = aRoute('others', 'playback-events', 'others');
    const goal = compile(
      aSnapshot([playbackEvents, plays, reader, other].map((each) => aRevision(each)).concat(newer)),
    );
    expect(goal.topics.map(({ topic }) => topic)).not.toContain('plays');
    expect(goal.jobs.map(({ goal }) => goal.name)).toEqual(['others.out']);
    expect(goal.unsupported.map(({ revision }) => `${revision.kind}/${revision.name}`)).toEqual([
      ...['Stream/plays', 'Route/plays', 'Route/often'],
    ]);
  });

  test('keeps the topic of a deleted stream while a route that it does not understand may write to it', () => {
    const newer = aRevision(plays, { declared: { from: 'playback-events', teleport: true } });
    const deleted = aRevision(aStream('plays'), { declared: null, revision: 2, purge: true });
    const { removedTopics } = compile(aSnapshot([aRevision(playbackEvents), newer, deleted]));
    expect(removedTopics).toMatchObject([{ topic: 'plays', keptUntil: Number.POSITIVE_INFINITY }]);
  });

  test('leaves alone what one tenant runs whose declarations break it, and keeps up the others', () => {
    const mine = [aRevision(playbackEvents), aRevision(plays), aRevision(aStream('old'), { declared: null })];
    const others = [...mine.slice(0, 1), aRevision(aRoute('plays', 'playback-events', 'plays', { where: 'deep' }))]
      .concat(mine.slice(2))
      .map((revision) => ({ ...revision, tenant: 'other' }));
    const breaksForOther: typeof planRoute = (route, ...rest) => {
      if (route.where === 'deep') throw new RangeError('Maximum call stack size exceeded');
      return planRoute(route, ...rest);
    };
    const goal = compilePlatform(aSnapshot([...mine, ...others]), localSettings, breaksForOther);
    expect(goal.jobs.map(({ goal }) => goal.id.split('/')[0])).toEqual(['default']);
    expect(goal.unsupported.map(({ revision }) => `${revision.tenant}/${revision.name}`)).toEqual([
      ...['other/playback-events', 'other/plays'],
    ]);
    expect(goal.unsupported[0]!.problems[0]!.message).toMatch(/a fault of Millrace: Maximum call stack/);
    expect(goal.removedTopics.map(({ tenant, keptUntil }) => `${tenant} ${Number.isFinite(keptUntil)}`)).toEqual([
      ...['default true', 'other false'],
    ]);
  });

  test('takes a sink for which the platform lacks its cluster for no wish to end what runs of it', () => {
    const both = aRoute('plays', 'playback-events', 'plays', {
      to: [
        { name: 'out', stream: 'plays' },
        { name: 'search', opensearch: { index: 'plays' } },
      ],
    });
    const snapshot = aSnapshot([aRevision(playbackEvents), aRevision(both)]);
    const openSearchUrl = 'http://127.0.0.1:9200';
    const sinks = { ...localSettings.sinks, openSearchUrl };
    const namesOf = (goal: ReturnType<typeof compile>) => [
      goal.jobs.map(({ goal }) => goal.name),
      goal.unsupported.map(({ revision }) => revision.name),
    ];
    expect(namesOf(compilePlatform(snapshot, { ...localSettings, sinks }, planRoute))).toEqual([
      ['plays.out', 'plays.search'],
      [],
    ]);
    expect(namesOf(compile(snapshot))).toEqual([['plays.out'], ['plays']]);
  });
});
