// What the API tells of jobs that are to be no more is what the passes do with them; and freezes of what is there, or still is.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { DeclaredWorld } from './declared-world.ts';

beforeAll(loadParser);

let world: DeclaredWorld;
beforeEach(async () => {
  world = new DeclaredWorld();
  await put('stream', 'events', { partitions: 1 });
});

const put = (kind: 'stream' | 'route', name: string, spec: object) =>
  world.ask(
    `PUT /v1/${kind}s/${name}`,
    JSON.stringify({
      ...{ apiVersion: 'millrace/v1', kind: kind === 'stream' ? 'Stream' : 'Route' },
      ...{ metadata: { name, owner: 'playback' }, spec },
    }),
  );
const route = (name: string, ...sinks: readonly string[]) =>
  put('route', name, { from: 'events', to: sinks.map((sink) => ({ name: sink, stream: `${name}-${sink}` })) });
const endings = async () => (await world.ask('GET /v1/endings')).json.items;
const running = () => world.tasks.tasks('running').length;

describe('a job whose route is deleted', () => {
  test('is told while its workers drain, while it can be taken back, and no more once it is gone', async () => {
    await route('plays', 'out');
    await world.settle();
    expect(await endings()).toEqual([]);
    await world.ask('DELETE /v1/routes/plays');
    const since = new Date(world.now).toISOString();
    expect(await endings()).toMatchObject([{ job: 'plays.out', owner: 'playback', state: 'ending', since }]);
    await world.settle();
    const [kept] = await endings();
    expect(kept.state).toBe('ended');
    const [, until] = /^kept until (\S+): millrace undelete route plays$/.exec(kept.message)!;
    world.now = Date.parse(until!) - 1_000;
    await world.settle();
    expect(await endings()).toEqual([kept]);
    world.now = Date.parse(until!) + localSettings.listingGraceMs;
    await world.settle();
    expect([await endings(), await world.controls.list()]).toEqual([[], []]);
  });

  test('runs on under a freeze, and the freeze is told', async () => {
    await route('plays', 'out');
    await world.settle();
    await world.ask('PUT /v1/freezes/fleet?reason=tonight');
    await world.ask('DELETE /v1/routes/plays');
    await world.settle();
    const message = 'local has frozen the fleet: tonight';
    expect([running(), await endings()]).toMatchObject([1, [{ job: 'plays.out', state: 'frozen', message }]]);
    await world.ask('DELETE /v1/freezes/fleet');
    await world.settle();
    expect([running(), await endings()]).toMatchObject([0, [{ state: 'ended' }]]);
  });

  test('with too many others waits for somebody to agree, and is told as held', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of names) await route(name, 'out');
    await world.settle();
    for (const name of names) await world.ask(`DELETE /v1/routes/${name}`);
    await world.settle();
    const held = await endings();
    expect([running(), held.map(({ job }: { job: string }) => job)]).toEqual([6, names.map((name) => `${name}.out`)]);
    expect(new Set(held.map(({ state }: { state: string }) => state))).toEqual(new Set(['held']));
  });

  test('and is declared anew meanwhile is told beside its successor, as what cannot be taken back', async () => {
    await route('plays', 'out');
    await world.settle();
    await world.ask('DELETE /v1/routes/plays');
    await route('plays', 'out');
    await world.pass();
    expect(await endings()).toMatchObject([{ job: 'plays.out', state: 'ending' }]);
    await world.settleListed();
    expect([running(), await endings()]).toEqual([1, []]);
  });
});

test('a sink that is taken out of its route is told with how it comes back', async () => {
  await route('plays', 'out', 'copy');
  await world.settle();
  await route('plays', 'out');
  await world.settle();
  const message = expect.stringMatching(/^kept until \S+: declare the sink again$/);
  expect(await endings()).toMatchObject([{ job: 'plays.copy', state: 'ended', message }]);
});

test('a deletion that is taken back is no ending', async () => {
  await route('plays', 'out');
  await world.settle();
  await world.ask('DELETE /v1/routes/plays');
  await world.settle();
  await world.ask('POST /v1/routes/plays/undelete');
  expect(await endings()).toEqual([]);
});

describe('a freeze', () => {
  test('of a team that owns nothing is refused: by a slip, it would pass for one of somebody', async () => {
    const { status, json } = await world.ask('PUT /v1/freezes/team/playbakc');
    expect([status, json.code, json.fix]).toEqual([404, 'team-missing', 'did you mean playback?']);
    expect((await world.ask('PUT /v1/freezes/team/playback')).status).toBe(200);
  });

  test.each(['job/plays.out', 'team/playback'])(
    'of %s keeps a deleted job from its end while that has not come',
    async (place) => {
      await route('plays', 'out');
      await world.settle();
      await world.ask('DELETE /v1/routes/plays');
      expect((await world.ask(`PUT /v1/freezes/${place}`)).status).toBe(200);
      await world.settle();
      expect([running(), await endings()]).toMatchObject([1, [{ state: 'frozen' }]]);
    },
  );

  test('of a job that is neither declared nor ends is refused', async () => {
    expect((await world.ask('PUT /v1/freezes/job/plays.out')).status).toBe(404);
  });
});
