// `millrace rollback` and `restore`: what was shown is what is done, or nothing is.
import { afterEach, describe, expect, test } from '@jest/globals';
import { runCli } from './run-cli.ts';
import { type Answer, startTinyApi, type TinyApi } from './tiny-api.ts';

let api: TinyApi;
afterEach(() => api?.close());

const hash = '0123456789abcdef0123456789abcdef';
const cost = { before: 0, after: 0, currency: 'USD', pricesAsOf: '2025-06-01' };
const plan = { hash, changes: [], cost, wouldChange: true, refused: false };
const revisions = { from: 7, to: 6 };
const restored = {
  ...{ to: '2026-01-31T00:00:00.000Z', effects: [], hash },
  items: [{ kind: 'Route', name: 'plays', outcome: 'changed', fields: [], revisions }],
};
const moved: Answer = {
  status: 412,
  json: {
    ...{ type: 'about:blank', title: 'Moved', status: 412, code: 'plan-moved', fix: 'plan again' },
    detail: `the plan ${hash} does not tell any more what would happen`,
  },
};

describe('a rollback', () => {
  test('names the plan that was shown', async () => {
    const items = [{ kind: 'Route', name: 'plays', outcome: 'changed', revision: 8 }];
    api = await startTinyApi(({ query }) => ({ json: query['dryRun'] ? plan : { plan, items } }));
    const ran = await runCli(['rollback', 'plays', '--reason', 'worse'], { api: api.url });
    expect(ran).toMatchObject({ code: 0, stdout: 'route plays: changed (revision 8)\n' });
    expect(api.seen.map(({ query }) => query)).toEqual([{ dryRun: 'true' }, { reason: 'worse', plan: hash }]);
  });

  test('is a conflict where somebody has changed the route since', async () => {
    api = await startTinyApi(({ query }) => (query['dryRun'] ? { json: plan } : moved));
    const ran = await runCli(['rollback', 'plays', '-y'], { api: api.url });
    expect(ran).toMatchObject({ code: 5, stdout: '' });
    expect(ran.stderr).toContain(
      `error: the plan ${hash} does not tell any more what would happen\n  fix: plan again\n`,
    );
  });
});

describe('a restore', () => {
  const restore = (to: string) => runCli(['restore', '--to', to, '-y'], { api: api.url });

  test('names the plan that was shown', async () => {
    api = await startTinyApi(() => ({ json: restored }));
    const ran = await restore('2026-01-31');
    expect(ran).toMatchObject({ code: 0, stdout: 'Route plays: changed (revision 7 → 6)\n' });
    expect(api.seen.map(({ query, body }) => [query, JSON.parse(body)])).toEqual([
      [{ dryRun: 'true' }, { to: '2026-01-31T00:00:00.000Z' }],
      [{ plan: hash }, { to: '2026-01-31T00:00:00.000Z' }],
    ]);
  });

  test('is a conflict where something was declared since', async () => {
    api = await startTinyApi(({ query }) => (query['dryRun'] ? { json: restored } : moved));
    expect(await restore('2026-01-31')).toMatchObject({ code: 5, stdout: '' });
  });

  test.each(['2026-02-30', '2026-02-29T12:00:00Z', '2026-13-01', 'latest'])(
    'to %s, which is no time, is refused before anything is asked',
    async (to) => {
      api = await startTinyApi(() => ({ json: restored }));
      const ran = await restore(to);
      expect(ran.stderr).toContain('Expected a time such as 2026-01-31T12:00:00Z, or a span back such as 15m.');
      expect([ran.code, api.seen]).toEqual([2, []]);
    },
  );
});
