// The exit codes and words of the `millrace` command, run as a process against prepared answers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PlannedChange } from '#core/api/wire.ts';
import { runCli } from './run-cli.ts';
import { type Seen, startTinyApi, type TinyApi } from './tiny-api.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
const file = join(folder, 'plays.yaml');
writeFileSync(
  file,
  `apiVersion: millrace/v1
kind: Route
metadata: { name: plays, owner: me }
spec:
  from: events
  where: contry = 'us'
  to: [{ name: out, stream: plays }]
`,
);

const change = (more: Partial<PlannedChange>): PlannedChange => ({
  kind: 'Route',
  name: 'plays',
  outcome: 'create',
  class: 'none',
  fields: [],
  effects: ['starts job plays.out'],
  jobs: ['plays.out'],
  jobChanges: [],
  expectedPauseMs: 0,
  expectedDuplicates: '',
  cost: { before: 0, after: 0 },
  problems: [],
  tests: [],
  ...more,
});
const plan = (one: PlannedChange) => ({
  json: {
    ...{ hash: 'h', changes: [one], wouldChange: one.outcome !== 'unchanged', refused: one.outcome === 'refused' },
    cost: { before: 0, after: 0, currency: 'USD', pricesAsOf: '2025-06-01' },
  },
});
const problem = (status: number, detail: string, more: object = {}) => ({
  status,
  json: { type: 'about:blank', title: detail, status, detail, code: 'x', ...more },
});

/** What the tiny API says next; each test sets what it needs. */
let answers: Readonly<
  Record<string, (request: Seen) => { status?: number; json?: unknown; text?: string; hangUp?: boolean }>
> = {};
let api: TinyApi;
beforeAll(async () => {
  api = await startTinyApi((request) => answers[`${request.method} ${request.path}`]?.(request) ?? null);
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});
const run = (...args: string[]) => runCli(args, { api: api.url, cwd: folder });

describe('usage: exit code 2, with what was meant', () => {
  test.each([
    [['aply'], /unknown command 'aply'[\s\S]*Did you mean apply\?/],
    [['get', 'jobs', '--outptu', 'json'], /unknown option '--outptu'[\s\S]*--output/],
    [['get', 'steams'], /Expected streams, routes or jobs \(did you mean "streams"/],
    [['apply'], /required option '-f, --file <path>' not specified/],
    [['get', 'jobs', '-o', 'xml'], /Allowed choices are table, json, yaml, name/],
    [['apply', '-f', 'x', '--timeout', '5 parsecs'], /got "5 parsecs", expected a number and a unit/],
    [['apply', '-f', 'nowhere.yaml'], /-f nowhere\.yaml: .*no such file/i],
    [['get', 'jobs', '--api', 'localhost:80'], /--api: got "localhost:80", expected a URL/],
  ])('%j', async (args, words) => {
    const ran = await run(...args);
    expect(ran.stderr).toMatch(words);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('--help and --version are no errors and go to stdout', async () => {
    const [help, version] = await Promise.all([run('--help'), run('--version')]);
    expect([help.code, version.code]).toEqual([0, 0]);
    expect(help.stdout).toContain('apply');
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('where no API answers', () => {
  test('a folder without a platform is told, with how to start one', async () => {
    const ran = await runCli(['get', 'jobs'], { cwd: folder });
    expect(ran.stderr).toMatch(/no platform has been started in .*\.millrace\n {2}fix: millrace up/);
    expect(ran.code).toBe(1);
  });

  test('an address where nobody listens is told at once', async () => {
    const ran = await runCli(['get', 'jobs'], { api: 'http://127.0.0.1:9', cwd: folder });
    expect(ran.stderr).toMatch(/API at http:\/\/127\.0\.0\.1:9 \(from MILLRACE_API\) cannot be reached/);
    expect(ran.code).toBe(1);
  });

  test('something else at that address is told as such', async () => {
    answers = { 'GET /v1/jobs': () => ({ text: '<html>' }) };
    const ran = await run('get', 'jobs');
    expect(ran.stderr).toContain('expected JSON');
    expect(ran.code).toBe(1);
  });
});

describe('outcomes', () => {
  test('plan: 0 where nothing would change, 3 where something would', async () => {
    answers = { 'POST /v1/plan': () => plan(change({ outcome: 'unchanged' })) };
    expect(await run('plan', '-f', file)).toMatchObject({
      code: 0,
      stdout: '  Route plays: unchanged\nPlan: 1 unchanged.\nPlan hash: h\n',
    });
    answers = { 'POST /v1/plan': () => plan(change({})) };
    expect(await run('plan', '-f', file)).toMatchObject({
      code: 3,
      stdout: '+ Route plays: create\n    → starts job plays.out\nPlan: 1 to create.\nPlan hash: h\n',
    });
  });

  test('a refused document: 1, nothing is put, and the fault is shown in its line', async () => {
    const problems = [{ path: 'spec.where', message: 'no field "contry"', line: 1, column: 1, fix: 'use country' }];
    answers = { 'POST /v1/plan': () => plan(change({ outcome: 'refused', problems })) };
    const before = api.seen.length;
    const ran = await run('apply', '-f', file);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toBe(
      [
        'error: 1 of 1 document refused, so nothing is applied',
        `  ${file}:6:10 Route plays spec.where`,
        '    no field "contry"',
        "    6 |   where: contry = 'us'",
        '      |          ^',
        '    fix: use country',
        '',
      ].join('\n'),
    );
    expect(api.seen.slice(before).map((one) => one.method)).toEqual(['POST']);
  });

  test('a change goes on to its end, though nobody reads what it says (| head)', async () => {
    const names = ['first', 'second', 'third'];
    const all = join(folder, 'three.yaml');
    const document = (name: string) =>
      `apiVersion: millrace/v1\nkind: Stream\nmetadata: { name: ${name}, owner: ann }\nspec: {}\n`;
    writeFileSync(all, names.map(document).join('---\n'));
    const changes = names.map((name) => ({ kind: 'Stream', name, outcome: 'created', problems: [] }));
    answers = {
      'POST /v1/plan': () => ({ json: { hash: 'h', changes } }),
      ...Object.fromEntries(
        names.map((name) => [
          `PUT /v1/streams/${name}`,
          () => ({ json: { outcome: 'created', resource: { revision: 1 } } }),
        ]),
      ),
    };
    const before = api.seen.length;
    const ran = await runCli(['apply', '-f', all], { api: api.url, cwd: folder, closeOutputEarly: true });
    expect(ran.code).toBe(0);
    expect(api.seen.slice(before).filter(({ method }) => method === 'PUT')).toHaveLength(3);
  });

  test('apply --plan: all at once, and 5 where the plan does not hold any more', async () => {
    const moved = problem(412, 'the plan h does not tell any more what would happen', { fix: 'plan again' });
    answers = { 'POST /v1/plan': () => plan(change({})), 'POST /v1/apply': () => moved };
    const ran = await run('apply', '-f', file, '--plan', 'h');
    expect([ran.code, ran.stderr]).toEqual([5, expect.stringContaining('does not tell any more')]);
    const item = { kind: 'Route', name: 'plays', outcome: 'created', revision: 1 };
    answers = {
      ...answers,
      'POST /v1/apply': () => ({ json: { ...plan(change({})).json, items: [item] } }),
      'GET /v1/routes/plays': () => ({ json: { revision: 1 } }),
    };
    expect(await run('apply', '-f', file, '--plan', 'h')).toMatchObject({
      ...{ code: 0, stdout: 'Route plays: created (revision 1)\n' },
    });
  });

  test('apply --try: 1 and nothing applied where an event that is there makes the route fail', async () => {
    const tried = { read: 3, passed: 1, filtered: 1, failed: 1, mismatches: 0, records: [] };
    answers = { 'POST /v1/plan': () => plan(change({})), 'POST /v1/try': () => ({ json: tried }) };
    const before = api.seen.length;
    const ran = await run('apply', '-f', file, '--try');
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('nothing is applied')]);
    expect(api.seen.slice(before).map(({ path }) => path.split('?')[0])).toEqual(['/v1/plan', '/v1/try']);
  });

  test('a conflict: 5, in the API’s words', async () => {
    answers = {
      'POST /v1/plan': () => plan(change({})),
      'PUT /v1/routes/plays': () => problem(412, 'revision 3 is newer', { fix: 'look at it again' }),
    };
    const ran = await run('apply', '-f', file);
    expect(ran.stderr).toContain('error: revision 3 is newer\n  fix: look at it again\n');
    expect(ran.code).toBe(5);
  });

  test('apply --wait: 0 once events flow, 4 with the reason when time runs out', async () => {
    let running = true;
    const job = () => ({
      json: {
        kind: 'Job',
        name: 'plays.out',
        paused: false,
        status: {
          phase: running ? 'Running' : 'Degraded',
          message: running ? '' : 'kafka is away',
          observedRevision: 1,
          runningRevision: 1,
          conditions: [{ type: 'Progressing', status: 'true', reason: 'CaughtUp', message: '' }],
        },
      },
    });
    answers = {
      'POST /v1/plan': () => plan(change({})),
      'PUT /v1/routes/plays': () => ({ json: { outcome: 'created', resource: { revision: 1 } } }),
      'GET /v1/jobs/plays.out': job,
    };
    const ready = await run('apply', '-f', file, '--wait');
    expect(ready).toMatchObject({ code: 0, stdout: 'Route plays: created (revision 1)\n' });
    running = false;
    const late = await run('apply', '-f', file, '--wait', '--timeout', '300ms');
    expect(late.stderr).toContain(
      'error: not ready within 300 ms\n  job plays.out: Degraded: kafka is away\n  fix: millrace why plays.out',
    );
    expect(late.code).toBe(4);
  });

  test('an apply whose answer is lost is sent again with the same key', async () => {
    let calls = 0;
    answers = {
      'POST /v1/plan': () => plan(change({})),
      'PUT /v1/routes/plays': () =>
        ++calls === 1 ? { hangUp: true } : { json: { outcome: 'created', resource: { revision: 1 } } },
    };
    const ran = await run('apply', '-f', file);
    const keys = api.seen
      .filter((one) => one.method === 'PUT')
      .slice(-2)
      .map((one) => one.headers['idempotency-key']);
    expect(ran.code).toBe(0);
    expect(keys[0]).toBeDefined();
    expect(keys[0]).toBe(keys[1]);
  });

  test('Ctrl-C ends a command that waits: 130, without waiting on', async () => {
    answers = {
      'POST /v1/plan': () => plan(change({})),
      'PUT /v1/routes/plays': () => ({ json: { outcome: 'created', resource: { revision: 1 } } }),
    };
    const ran = await runCli(['apply', '-f', file, '--wait', '--timeout', '1h'], {
      api: api.url,
      onOutput: (text, kill) => {
        if (text.includes('waiting for')) kill('SIGINT');
      },
    });
    expect(ran.code).toBe(130);
  });
});

describe('lists', () => {
  const job = (name: string) => ({
    kind: 'Job',
    name,
    from: 'events',
    to: 'plays',
    status: {
      phase: 'Running',
      message: 'bell\u0007',
      workers: [],
      lag: { records: 1_200, freshnessMs: null },
      inPerSecond: 0,
      outPerSecond: 0,
    },
  });

  test('all pages are read; json keeps everything, a table hides control characters', async () => {
    answers = {
      'GET /v1/jobs': ({ query }) =>
        query['cursor'] === undefined
          ? { json: { items: [job('a.out')], cursor: 'next' } }
          : { json: { items: [job('b.out')] } },
    };
    const [json, table, names] = await Promise.all([
      run('get', 'jobs', '-o', 'json'),
      run('get', 'job'),
      run('get', 'jobs', '-o', 'name'),
    ]);
    expect(JSON.parse(json.stdout).items.map((one: { name: string }) => one.name)).toEqual(['a.out', 'b.out']);
    expect(table.stdout).toMatch(/^NAME +PHASE +WORKERS +LAG .*\na\.out +Running +0 +1,200 .*bell\ufffd\n/);
    expect(names.stdout).toBe('job/a.out\njob/b.out\n');
  });

  test('a job may be named by its route; a wrong name brings the nearest', async () => {
    answers = {
      'GET /v1/routes/plays': () => ({ json: { kind: 'Route', status: { jobs: [{ name: 'plays.out' }] } } }),
      'GET /v1/jobs': () => ({ json: { items: [job('plays.out')] } }),
      'GET /v1/jobs/plays.out': () => ({
        json: { ...job('plays.out'), status: { ...job('x').status, conditions: [] } },
      }),
      'GET /v1/jobs/plays.out/events': () => ({
        json: { items: [{ at: '2026-01-01T00:00:00Z', severity: 'info', reason: 'Started', message: 'worker 1' }] },
      }),
    };
    expect(await run('events', 'plays')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Started: worker 1'),
    });
    const wrong = await run('why', 'plays.oot');
    expect(wrong.stderr).toContain('there is no job "plays.oot" (did you mean "plays.out"?)');
    expect(wrong.code).toBe(1);
  });
});
