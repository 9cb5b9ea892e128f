// `millrace freeze` and what meets a freeze: a job is named as everywhere else, and nobody waits for what only a person can let go on.
import { afterEach, describe, expect, test } from '@jest/globals';
import { jobFlows, waitForAll } from '#cli/jobs/wait-for-jobs.ts';
import { runCli } from './run-cli.ts';
import { type Answer, type Seen, startTinyApi, type TinyApi } from './tiny-api.ts';

let api: TinyApi;
afterEach(() => api?.close());
const run = (...args: string[]) => runCli(args, { api: api.url });

const frozen = (scope: string, name: string) => ({
  scope,
  name,
  author: 'ann',
  reason: 'big evening',
  at: '2026-01-01T00:00:00Z',
});
const route = { kind: 'Route', name: 'plays', status: { jobs: [{ name: 'plays.out' }] } };
const status = {
  phase: 'Running',
  conditions: [],
  runningRevision: 1,
  observedRevision: 2,
  message: 'as before',
  workers: [],
};
const job = { kind: 'Job', name: 'plays.out', owner: 'playback', paused: false, status };

const withRoute =
  (freezes: readonly object[] = []) =>
  ({ method, path }: Seen): Answer | null => {
    if (path === '/v1/freezes') return { json: { items: freezes } };
    if (path === '/v1/routes/plays') return { json: route };
    if (path === '/v1/jobs/plays.out') return { json: job };
    if (method === 'DELETE') return { status: 204, text: '' };
    return path.startsWith('/v1/freezes/') ? { json: frozen('job', path.split('/').at(-1)!) } : null;
  };

describe('a job that is frozen', () => {
  test('may be named by its route', async () => {
    api = await startTinyApi(withRoute());
    expect(await run('freeze', 'job', 'plays')).toMatchObject({ code: 0, stdout: 'job plays.out: frozen by ann\n' });
    expect(api.seen.filter(({ method }) => method === 'PUT').map(({ path }) => path)).toEqual([
      '/v1/freezes/job/plays.out',
    ]);
  });

  test('is let go by its route too, also where that is declared no more', async () => {
    api = await startTinyApi((seen) =>
      seen.path.startsWith('/v1/routes') ? null : withRoute([frozen('job', 'plays.out')])(seen),
    );
    expect(await run('unfreeze', 'job', 'plays')).toMatchObject({ code: 0, stdout: 'job plays.out: lifted\n' });
    expect(api.seen.filter(({ method }) => method === 'DELETE').map(({ path }) => path)).toEqual([
      '/v1/freezes/job/plays.out',
    ]);
  });
});

describe('whoever waits for a job', () => {
  const waiting = async (freezes: readonly object[], others: Parameters<typeof waitForAll>[0] = []) => {
    api = await startTinyApi(withRoute(freezes));
    const { connect } = await import('#cli/connect.ts');
    const client = await connect({ api: api.url });
    return await waitForAll([jobFlows(client, 'plays.out', 2), ...others], 600).catch((error: unknown) => error);
  };

  test.each([
    [frozen('fleet', ''), 'the fleet', 'millrace unfreeze fleet'],
    [frozen('team', 'playback'), 'team playback', 'millrace unfreeze team playback'],
    [frozen('job', 'plays.out'), 'job plays.out', 'millrace unfreeze job plays.out'],
  ])('is told at once that a freeze keeps it (%j)', async (freeze, title, fix) => {
    expect(await waiting([freeze])).toMatchObject({
      ...{ exitCode: 5, message: 'it is declared, and waits for a freeze to be lifted', fix },
      details: [`  job plays.out: ann has frozen ${title}: big evening`],
    });
  });

  test('waits where the freeze is of others', async () => {
    const error = await waiting([frozen('team', 'ads'), frozen('job', 'plays.copy')]);
    expect(error).toMatchObject({ exitCode: 4, details: ['  job plays.out: revision 1 still runs'] });
  });

  test('waits as long as something else may still come', async () => {
    const other = { title: 'stream a', lacks: async () => 'not there yet' };
    expect(await waiting([frozen('fleet', '')], [other])).toMatchObject({ exitCode: 4 });
  });
});

test('an error class that there is none of is refused, with those that there are', async () => {
  api = await startTinyApi(withRoute());
  const ran = await run('dlq', 'show', 'plays', '--class', 'nosuch');
  expect([ran.code, ran.stdout, api.seen]).toEqual([2, '', []]);
  expect(ran.stderr).toContain('Allowed choices are poison, schema, too-large, rejected, retryable, throttled');
});

const ending = {
  job: 'plays.out',
  owner: 'playback',
  state: 'held',
  since: '2026-01-01T00:00:00Z',
  message: 'too many',
};

test.each(['plays.out', 'plays'])(
  'whoever asks about %s, which is deleted and not gone yet, is told so',
  async (name) => {
    api = await startTinyApi(({ path }) => (path === '/v1/endings' ? { json: { items: [ending] } } : null));
    const ran = await run('why', name);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toBe('error: job plays.out is deleted (held): too many\n  fix: millrace endings\n');
  },
);

test('jobs that end are a table, and nothing where there are none', async () => {
  api = await startTinyApi(() => ({ json: { items: api.seen.length > 1 ? [] : [ending] } }));
  const ran = await run('endings');
  expect(ran.stdout).toMatch(/plays\.out +held +\S+ .*playback +too many/);
  expect(await run('endings')).toMatchObject({ code: 0, stdout: '', stderr: 'no job is ending\n' });
});
