// Commands that read: they show all that was asked for, or say what is missing and why.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { runCli } from './run-cli.ts';
import { type Answer, type Seen, startTinyApi, type TinyApi } from './tiny-api.ts';

let api: TinyApi;
afterEach(() => api?.close());
const run = (...args: string[]) => runCli(args, { api: api.url });

describe('events', () => {
  const status = { phase: 'Running', message: '', conditions: [], workers: [] };
  const event = (index: number) => ({
    at: '2026-01-01T00:00:00Z',
    severity: 'info',
    reason: 'R',
    message: `m${index}`,
  });
  /** A thousand events, newest first, in pages as large as asked for. */
  const pages = ({ path, query }: Seen): Answer => {
    if (!path.endsWith('/events')) return { json: { name: 'a.out', status } };
    const from = Number(query['cursor'] ?? 0);
    const to = Math.min(1_000, from + Number(query['limit']));
    const items = Array.from({ length: to - from }, (_, index) => event(from + index));
    return { json: to < 1_000 ? { items, cursor: String(to) } : { items } };
  };

  test.each(['events', 'why'])('%s shows as many as asked for, of as many pages as that takes', async (command) => {
    api = await startTinyApi(pages);
    const ran = await run(command, 'a.out', '--limit', '450');
    const shown = [...ran.stdout.matchAll(/R: (m\d+)$/gm)].map(([, message]) => message);
    expect(shown).toEqual(Array.from({ length: 450 }, (_, index) => `m${449 - index}`));
    const asked = api.seen.filter(({ path }) => path.endsWith('/events')).map(({ query }) => query['limit']);
    expect(asked).toEqual(['200', '200', '50']);
  });

  test('a list that has no end is told', async () => {
    api = await startTinyApi(() => ({ json: { items: [], cursor: '1' } }));
    const ran = await run('get', 'jobs');
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('expected a list that ends');
  });
});

describe('diff between two points', () => {
  const revision = (number: number, more: object = {}) => ({
    ...{ revision: number, at: `2026-0${number}-01T00:00:00Z`, author: 'ann', reason: '', deleted: false, changes: [] },
    ...{ labels: {}, spec: { from: 'events' }, ...more },
  });
  const items = [
    revision(4, { deleted: true, spec: null }),
    revision(3),
    revision(2, { labels: { tier: '2' } }),
    revision(1, { labels: { tier: '1' } }),
  ];
  const diff = async (...args: string[]) => {
    api = await startTinyApi(() => ({ json: { items } }));
    return await run('diff', 'plays', ...args);
  };

  test('of which one is missing is refused', async () => {
    const ran = await diff('--to', '2');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('got --to without --from, expected both');
  });

  test('takes times, and no places in a stream', async () => {
    const ran = await diff('--from', 'latest');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('Expected a time such as');
  });

  test.each([
    ['2025-01-01', '2026-01-15', 'Route plays: created (revision none → 1)\n'],
    ['2025-01-01', '2026-05-01', 'no difference\n'],
    ['1', '2', 'Route plays: changed (revision 1 → 2)\n    ~ metadata.labels.tier: 1 → 2  (live)\n'],
    ['3', '3', 'no difference\n'],
    ['3', '4', 'Route plays: deleted (revision 3 → 4)\n'],
  ])('from %s to %s', async (from, to, stdout) => {
    expect(await diff('--from', from, '--to', to)).toMatchObject({ code: 0, stdout, stderr: '' });
  });

  test('that are alike is `unchanged` for a program', async () => {
    const ran = await diff('--from', '3', '--to', '3', '-o', 'json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ outcome: 'unchanged', fields: [], revisions: { from: 3, to: 3 } });
  });
});

describe('an answer that breaks off', () => {
  test('is asked for again where that is harmless', async () => {
    api = await startTinyApi(() =>
      api.seen.length === 1 ? { text: '{"items":[', breakOff: true } : { json: { items: [] } },
    );
    expect(await run('get', 'jobs', '-o', 'json')).toMatchObject({ code: 0, stdout: '{\n  "items": []\n}\n' });
    expect(api.seen.length).toBe(2);
  });

  test('and does so again and again is told, as no fault of the command', async () => {
    api = await startTinyApi(() => ({ text: '{"items":[', breakOff: true }));
    const ran = await run('get', 'jobs');
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(
      /^error: the answer of the API at http:\S+ broke off: [^\n]*\n {2}fix: millrace status[^\n]*\n$/,
    );
  });
});

describe('a file that cannot be read is a fault of usage', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-reading-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'f', 'x.yaml'), { recursive: true });
  const bomb = Array.from({ length: 9 }, (_, index) => {
    const before = index === 0 ? 'x' : `*a${index - 1}`;
    return `a${index}: &a${index} [${Array(9).fill(before).join(', ')}]`;
  });
  writeFileSync(join(folder, 'bomb.yaml'), bomb.join('\n'));
  const runThere = (...args: string[]) => runCli(args, { api: 'http://127.0.0.1:9', cwd: folder });

  test('a folder with the name of a file', async () => {
    const ran = await runThere('validate', '-f', 'f');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(
      /^error: -f f\/x\.yaml: EISDIR[^\n]*\n {2}fix: name a file, a folder, or - for stdin\n$/,
    );
  });

  test('rows that are not there', async () => {
    const ran = await runThere('sql', 'a', '--row', '@missing.ndjson');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(
      /^error: --row @missing\.ndjson: ENOENT[^\n]*\n {2}fix: name a readable file, or - for stdin\n$/,
    );
  });

  test('too many aliases are told with what to do', async () => {
    const ran = await runThere('validate', '-f', 'bomb.yaml');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^error: bomb\.yaml: [^\n]*\n {2}fix: write it out without so many aliases\n$/);
  });
});
