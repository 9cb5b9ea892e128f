// The platform as a newcomer meets it: each command by hand, on one whole running platform.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { JobView } from '#core/api/wire.ts';
import { runCli, type TestPlatform } from '#test/support/test-platform.ts';

const example = (path: string): string => join(import.meta.dirname, '../../examples', path);

export function commandSuite(given: () => TestPlatform): void {
  let platform: TestPlatform;
  let folder: string;
  beforeAll(() => {
    platform = given();
    folder = mkdtempSync(join(tmpdir(), 'millrace-command-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');
  const route = (where: string): string =>
    [
      'apiVersion: millrace/v1',
      'kind: Route',
      'metadata: { name: nginx-slow, owner: edge }',
      'spec:',
      '  from: nginx-status',
      `  where: ${where}`,
      '  to: [{ name: out, stream: nginx-slow }]',
      '',
    ].join('\n');

  test('up a second time on the same folder says who is there, and ends with 5', async () => {
    const again = await runCli(['up', '--detach', '--data', platform.dataDir]);
    expect([again.code, again.stderr]).toEqual([5, expect.stringMatching(/already|running/i)]);
  });

  test('doctor and status find a healthy platform', async () => {
    const { code, stdout } = await platform.cli(['doctor']);
    // With what it found, for whoever reads of a failure.
    expect(`${stdout}exit ${code}`).toMatch(/exit 0$/);
    expect(await platform.run(['status', '-o', 'json'])).toContain('"ready"');
  });

  test('plan tells what an apply would change and ends with 3; apply --wait returns when events flow; then plan ends with 0', async () => {
    const before = await platform.cli(['plan', '-f', example('nginx-status')]);
    expect([before.code, before.stdout + before.stderr]).toEqual([3, expect.stringMatching(/nginx-errors/)]);
    await platform.run(['apply', '-f', example('nginx-status'), '--wait', '--yes']);
    expect((await platform.cli(['plan', '-f', example('nginx-status')])).code).toBe(0);
    expect((await platform.job('nginx-errors.out')).status.phase).toBe('Running');
  });

  test('500 real, nested reports without a schema go through the route of the example: 284 arrive', async () => {
    const produced = await platform.run(['produce', 'nginx-status', '-f', example('nginx-status/nginx-status.ndjson')]);
    expect(produced).toMatch(/500/);
    const tail = await platform.run([
      'tail',
      'nginx-errors',
      '--from',
      'earliest',
      '--limit',
      '284',
      '--timeout',
      '20s',
    ]);
    const arrived = lines(tail).map((line) => JSON.parse(line) as { serverErrors: number });
    expect(arrived).toHaveLength(284);
    expect(arrived.every(({ serverErrors }) => serverErrors > 1895)).toBe(true);
  });

  test('tail filters with the same expressions, and shows where a record stands when asked', async () => {
    const where = '"serverErrors" > 1896';
    const tail = await platform.run([
      'tail',
      'nginx-errors',
      '--from',
      'earliest',
      '--where',
      where,
      '--timeout',
      '3s',
    ]);
    const found = lines(tail).map((line) => JSON.parse(line) as { serverErrors: number });
    expect(found.length).toBeLessThan(284);
    expect(found.every(({ serverErrors }) => serverErrors > 1896)).toBe(true);
    const [first] = lines(
      await platform.run(['tail', 'nginx-errors', '--from', 'earliest', '--limit', '1', '--with-metadata']),
    );
    expect(JSON.parse(first!)).toMatchObject({
      partition: expect.any(Number),
      offset: expect.any(String),
      key: '206.251.255.64',
    });
  });

  test('try runs a route over real events and changes nothing', async () => {
    const path = file('slow.yaml', route('connections.active > 25'));
    const tried = JSON.parse(await platform.run(['try', '-f', path, '--limit', '50', '-o', 'json'])) as Record<
      string,
      number
    >;
    expect(tried).toMatchObject({ read: 50, failed: 0 });
    expect(tried['passed']! + tried['filtered']!).toBe(50);
    expect((await platform.cli(['get', 'routes', 'nginx-slow'])).code).toBe(1);
  });

  test('a declaration that is wrong is refused with line, column and what to do, and nothing of it is applied', async () => {
    const path = file('wrong.yaml', route('connections.active >'));
    const refused = await platform.cli(['apply', '-f', path, '--yes']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/wrong\.yaml.*\n?.*syntax error/s)]);
    expect((await platform.cli(['validate', '-f', path])).code).toBe(1);
    const unknown = file('unknown.yaml', `${route('connections.active > 1')}  autoscaling: { mode: advise }\n`);
    const refusedUnknown = await platform.cli(['validate', '-f', unknown]);
    expect(`${refusedUnknown.stderr}${refusedUnknown.stdout}`).toMatch(/did you mean "?autoscale/);
    expect((await platform.cli(['get', 'routes', 'nginx-slow'])).code).toBe(1);
  });

  test('pause stops the workers and keeps the place; resume goes on from it; restart replaces them', async () => {
    const pid = await platform.workerPid('nginx-errors.out');
    await platform.run(['pause', 'nginx-errors.out', '--wait']);
    const paused = JSON.parse(await platform.run(['get', 'jobs', 'nginx-errors.out', '-o', 'json'])) as JobView;
    expect([paused.status.phase, paused.status.workers]).toEqual(['Paused', []]);
    await platform.run(['resume', 'nginx-errors.out', '--wait']);
    const resumed = await platform.workerPid('nginx-errors.out');
    expect(resumed).not.toBe(pid);
    await platform.run(['restart', 'nginx-errors.out', '--wait']);
    expect(await platform.workerPid('nginx-errors.out')).not.toBe(resumed);
    await platform.phase('nginx-errors.out', 'Running');
    expect((await platform.job('nginx-errors.out')).status.accounting).toMatchObject({
      in: 500,
      out: 284,
      filtered: 216,
    });
  });

  test('why and events tell what was done and for what reason; logs shows what the worker says', async () => {
    expect(await platform.run(['events', 'nginx-errors.out'])).toMatch(/WorkerStarted/);
    expect((await platform.cli(['why', 'nginx-errors.out'])).stdout).toMatch(/Running/);
    expect(await platform.run(['logs', 'nginx-errors.out', '--tail', '50'])).toMatch(/took a split/);
    expect(await platform.run(['describe', 'job', 'nginx-errors.out'])).toMatch(/Balanced/);
  });

  test('sql gives what PostgreSQL gives, without a platform', async () => {
    const result = await runCli(['sql', "upper(a) || ' ' || b / 3", '--row', '{"a":"x","b":10}']);
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining('X 3.3333333333333333')]);
  });

  test('produce says how many were acknowledged, and which line was bad', async () => {
    const result = await platform.cli(['produce', 'nginx-status'], { input: '{"a":1}\n{"a":\n{"a":3}\n' });
    expect(result.code).toBe(1);
    expect(result.stdout + result.stderr).toMatch(/2 events acknowledged/);
    expect(result.stderr).toMatch(/line 2/);
  });

  test('delete refuses a stream that is read, and takes a route with its workers', async () => {
    expect((await platform.cli(['delete', 'stream', 'nginx-status', '--yes'])).stderr).toMatch(/nginx-errors/);
    await platform.run(['delete', 'route', 'nginx-errors', '--yes']);
    expect((await platform.cli(['get', 'jobs', 'nginx-errors.out'])).code).toBe(1);
  });

  test('a typing mistake is met with what was probably meant, and ends with 2', async () => {
    const result = await runCli(['aply']);
    expect([result.code, result.stderr]).toEqual([2, expect.stringMatching(/apply/)]);
  });
}
