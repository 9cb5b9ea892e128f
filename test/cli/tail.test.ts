// `millrace tail`: lines as the API sends them, whole or followed, and when it ends.
import { afterEach, describe, expect, test } from '@jest/globals';
import { runCli } from './run-cli.ts';
import { startTinyApi, type TinyApi } from './tiny-api.ts';

let api: TinyApi;
afterEach(() => api?.close());
const tail = (...args: string[]) => runCli(['tail', 'plays', ...args], { api: api.url });

const lines = '{"n":1}\n{"n":2}\n{"n":3}\n';
const events = 'retry: 1000\n\n: open\n\nid: 0-0\ndata: {"n":1}\n\nid: 0-1\ndata: {"n":2}\n\n';

describe('tail', () => {
  test('prints the stream’s events to its end, from the earliest', async () => {
    api = await startTinyApi(() => ({ text: lines, type: 'application/x-ndjson' }));
    expect(await tail()).toMatchObject({ code: 0, stdout: lines });
    expect(api.seen[0]!.query).toEqual({ from: 'earliest' });
  });

  test('passes on what is asked for; a span back becomes a time', async () => {
    api = await startTinyApi(() => ({ text: '', type: 'application/x-ndjson' }));
    const ran = await tail('--where', "country = 'us'", '--from', '15m', '--with-metadata');
    expect(ran).toMatchObject({ code: 0, stdout: '', stderr: 'no events\n' });
    const { from, ...query } = api.seen[0]!.query;
    expect(query).toEqual({ where: "country = 'us'", metadata: 'true' });
    expect(Math.abs(Date.now() - 15 * 60_000 - Date.parse(from!))).toBeLessThan(30_000);
  });

  test('with --limit it follows, and ends as soon as it has them', async () => {
    api = await startTinyApi(() => ({ text: events, type: 'text/event-stream', keepOpen: true }));
    expect(await tail('--limit', '2', '--timeout', '30s')).toMatchObject({
      code: 0,
      stdout: '{"n":1}\n{"n":2}\n',
      stderr: '',
    });
    expect(api.seen[0]!.query).toEqual({ from: 'earliest', follow: 'true', limit: '2' });
  });

  test('when the time is over it ends with what there was, and says so', async () => {
    api = await startTinyApi(() => ({ text: events, type: 'text/event-stream', keepOpen: true }));
    expect(await tail('--limit', '5', '--timeout', '3s')).toMatchObject({
      code: 0,
      stdout: '{"n":1}\n{"n":2}\n',
      stderr: '2 events within 3.0 s (--limit 5)\n',
    });
  });

  test('a wait that no timer can keep is refused, and not over at once', async () => {
    api = await startTinyApi(() => ({ text: events, type: 'text/event-stream', keepOpen: true }));
    const ran = await tail('--timeout', '30d');
    expect(ran.stderr).toContain('Expected at most 24d.');
    expect([ran.code, ran.stdout]).toEqual([2, '']);
  });

  test('an event is printed up to the size that a decoded value may have', async () => {
    const large = `{"x":"${'y'.repeat(17 * 1024 * 1024)}"}\n`;
    api = await startTinyApi(() => ({ text: `{"n":1}\n${large}{"n":2}\n`, type: 'application/x-ndjson' }));
    const ran = await tail();
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout.length).toBe(large.length + 16);
  });

  test('an event that is too large to be shown is told and counted; exit code 1', async () => {
    const large = `{"x":"${'y'.repeat(25 * 1024 * 1024)}"}\n`;
    api = await startTinyApi(() => ({ text: `{"n":1}\n${large}{"n":2}\n`, type: 'application/x-ndjson' }));
    const ran = await tail();
    expect(ran).toMatchObject({ code: 1, stdout: '{"n":1}\n{"n":2}\n' });
    expect(ran.stderr).toContain('an event of 25.0 MiB is left out');
    expect(ran.stderr).toContain('error: 1 event left out, 2 printed\n');
  });

  test('an answer that breaks off is told as such, behind what there was', async () => {
    api = await startTinyApi(() => ({ text: lines, type: 'application/x-ndjson', breakOff: true }));
    const ran = await tail();
    expect(ran).toMatchObject({ code: 1, stdout: lines });
    expect(ran.stderr).toMatch(
      /^error: the answer of the API at http:\S+ broke off: [^\n]*\n {2}fix: millrace status[^\n]*\n$/,
    );
  });

  test('a reader that has seen enough (| head) is no error', async () => {
    api = await startTinyApi(() => ({ text: lines.repeat(100_000), type: 'application/x-ndjson' }));
    const ran = await runCli(['tail', 'plays'], { api: api.url, closeOutputEarly: true });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
  });

  test('a refused --where is shown with a caret', async () => {
    const problems = [{ path: 'where', message: 'column "contry" does not exist', line: 1, column: 8 }];
    api = await startTinyApi(() => ({
      status: 400,
      json: {
        type: 'about:blank',
        title: 'Bad',
        status: 400,
        detail: 'where is refused',
        code: 'expression',
        problems,
      },
    }));
    const ran = await tail('--where', "a = 1 AND contry = 'us'");
    expect(ran.stderr).toContain("    1 | a = 1 AND contry = 'us'\n      |        ^\n");
    expect(ran.code).toBe(1);
  });
});
