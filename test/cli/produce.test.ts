// `millrace produce`: every line is acknowledged or named, with bounded memory.
import type { Writable } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readLines } from '#cli/input/lines.ts';
import { runCli } from './run-cli.ts';
import { type Answer, type Seen, startTinyApi, type TinyApi } from './tiny-api.ts';

let api: TinyApi;
afterEach(() => api?.close());

/** Refuses lines that are no JSON objects, as the API does. */
function append({ body }: Seen): Answer {
  const results = body
    .trimEnd()
    .split('\n')
    .map((line, index) => {
      if (line.startsWith('{')) return { line: index + 1, ok: true, partition: 0, offset: '0' };
      return { line: index + 1, ok: false, code: 'malformed', message: 'no JSON object' };
    });
  const acknowledged = results.filter((one) => one.ok).length;
  return { json: { acknowledged, refused: results.length - acknowledged, results } };
}

const produce = (input: string, ...args: string[]) => runCli(['produce', 'events', ...args], { api: api.url, input });

describe('produce', () => {
  test('prints how many were acknowledged, blank lines left out, the last line end optional', async () => {
    api = await startTinyApi(append);
    expect(await produce('{"a":1}\r\n\n  \n{"a":2}')).toMatchObject({ code: 0, stdout: '2 events acknowledged\n' });
    expect(api.seen.map((one) => one.body)).toEqual(['{"a":1}\n{"a":2}\n']);
  });

  test('nothing is 0 events', async () => {
    api = await startTinyApi(append);
    expect(await produce('')).toMatchObject({ code: 0, stdout: '0 events acknowledged\n' });
  });

  test('a bad line is named by its number in the input, the others are sent; exit code 1', async () => {
    api = await startTinyApi(append);
    const lines = Array.from({ length: 2_500 }, (_, index) => `{"n":${index + 1}}`);
    lines[4] = '';
    lines[1_999] = 'oops';
    const ran = await produce(`${lines.join('\n')}\n`);
    expect(ran).toMatchObject({ code: 1, stdout: '2,498 events acknowledged\n' });
    expect(ran.stderr).toContain('error: 1 line refused, 2,498 acknowledged\n  line 2000: malformed: no JSON object\n');
    expect(api.seen.length).toBeGreaterThan(1);
  });

  test('batches arrive one after the other, so that order is kept', async () => {
    api = await startTinyApi(append);
    await produce(Array.from({ length: 5_000 }, (_, index) => `{"n":${index}}\n`).join(''));
    const numbers = api.seen.flatMap((one) =>
      one.body
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { n: number }).n),
    );
    expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, index) => index));
  });

  test('a line over the limit is refused without being gathered', async () => {
    api = await startTinyApi(append);
    const ran = await produce(`{"a":1}\n${'x'.repeat(5 * 1024 * 1024)}\n{"a":2}\n`);
    expect(ran).toMatchObject({ code: 1, stdout: '2 events acknowledged\n' });
    expect(ran.stderr).toContain('line 2: too-large: got 5242880 bytes, expected at most 4194304');
  });

  test('where the answer is lost, the lines in doubt are named and nothing is sent again by itself', async () => {
    let calls = 0;
    api = await startTinyApi((request) => (++calls === 2 ? { hangUp: true } : append(request)));
    const ran = await produce(Array.from({ length: 3_000 }, (_, index) => `{"n":${index}}\n`).join(''), '-o', 'json');
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({ acknowledged: 1_000, unknown: { fromLine: 1_001, toLine: 2_000 } });
    expect(ran.stderr).toContain('send again from line 1001');
    expect(calls).toBe(2);
  });

  test('a stream that is not there is told in the API’s words', async () => {
    api = await startTinyApi(() => null);
    const ran = await produce('{"a":1}\n');
    expect(ran.stderr).toContain('error: no /v1/streams/events/records');
    expect(ran.code).toBe(1);
  });

  /** A pipe whose writer lives on: it writes one line a request, and never ends. */
  const trickle = async (answer: (request: Seen) => Answer | null, more: string[] = []) => {
    let stdin: Writable | undefined;
    let written = 0;
    const writeOne = (): unknown => stdin?.write(`{"n":${++written}}\n`);
    api = await startTinyApi((request) => {
      setImmediate(writeOne);
      return answer(request);
    });
    const feed = (pipe: Writable): void => {
      stdin = pipe;
      writeOne();
    };
    return await runCli(['produce', 'events', ...more], { api: api.url, feed });
  };

  test('what is refused at the first line of a pipe that trickles ends it at once, in the API’s words', async () => {
    const ran = await trickle(() => null);
    expect(ran.stderr).toContain('error: no /v1/streams/events/records');
    expect([ran.code, ran.stdout, api.seen.length]).toEqual([1, '', 1]);
  });

  test('a failure ends a command whose input stays open, and names the lines in doubt', async () => {
    const ran = await trickle((request) => (api.seen.length === 3 ? { hangUp: true } : append(request)));
    expect(ran).toMatchObject({ code: 1, stdout: '2 events acknowledged\n' });
    expect(ran.stderr).toContain('error: stopped at line 3: ');
    expect(ran.stderr).toContain('lines 3 to 3 may then arrive twice');
    expect(api.seen.length).toBe(3);
  });

  test('a failure while more has been read than was sent ends it too', async () => {
    api = await startTinyApi(() => ({ hangUp: true }));
    const lines = Array.from({ length: 2_500 }, (_, index) => `{"n":${index}}\n`).join('');
    const ran = await runCli(['produce', 'events', '-o', 'json'], {
      api: api.url,
      feed: (stdin) => stdin.write(lines),
    });
    expect(JSON.parse(ran.stdout)).toMatchObject({ acknowledged: 0, unknown: { fromLine: 1, toLine: 1_000 } });
    expect(ran.stderr).toMatch(/error: stopped at line 1: [^\n]*\n {2}fix: send again from line 1: [^\n]*\n[^\n]*\n$/);
    expect([ran.code, api.seen.length]).toEqual([1, 1]);
  });

  test('a refusal behind lines that were acknowledged is told with the line it stopped at', async () => {
    const busy = { type: 'about:blank', title: 'Too many', status: 429, detail: 'too many requests', code: 'busy' };
    const ran = await trickle((request) => (api.seen.length === 2 ? { status: 429, json: busy } : append(request)));
    expect(ran).toMatchObject({ code: 1, stdout: '1 event acknowledged\n' });
    expect(ran.stderr).toContain('error: stopped at line 2: too many requests');
  });

  test('with several requests at once, every line that may arrive twice is within the range told', async () => {
    const others = Promise.withResolvers<void>();
    let calls = 0;
    api = await startTinyApi(async (request) => {
      if (++calls === 3) others.resolve();
      if (!request.body.startsWith('{"n":1}')) return append(request);
      await others.promise;
      return { hangUp: true };
    });
    const input = Array.from({ length: 3_000 }, (_, index) => `{"n":${index + 1}}\n`).join('');
    const ran = await produce(input, '--in-flight', '4', '-o', 'json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ acknowledged: 2_000, unknown: { fromLine: 1, toLine: 3_000 } });
    expect(ran.stderr).toContain('lines 1 to 3000 may then arrive twice');
  });

  test('a file that cannot be read is a fault of usage', async () => {
    api = await startTinyApi(append);
    const ran = await produce('', '-f', 'nowhere.ndjson');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/error: -f nowhere\.ndjson: .*no such file.*\n {2}fix: name a readable file/);
  });
});

describe('lines of bytes', () => {
  const chunks = async function* (texts: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const text of texts) yield Buffer.from(text);
  };
  const read = async (texts: readonly string[], max = 100): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const group of readLines(chunks(texts), max))
      for (const line of group)
        found.push(
          `${line.number}:${line.bytes === null ? `(${line.sizeBytes})` : Buffer.from(line.bytes).toString()}`,
        );
    return found;
  };

  test('are the same however the bytes are cut', async () => {
    const text = 'ab\ncé\r\n\nlast';
    for (let at = 0; at <= text.length; at++)
      expect(await read([text.slice(0, at), text.slice(at)])).toEqual(['1:ab', '2:cé', '3:', '4:last']);
    expect(await read(['a', 'b\nc', 'é\r', '\n', '\nla', 'st'])).toEqual(['1:ab', '2:cé', '3:', '4:last']);
  });

  test('that are too long are counted and skipped, and the next one is whole', async () => {
    expect(await read(['1234', '5678', '\nok\n', '12345678'], 5)).toEqual(['1:(8)', '2:ok', '3:(8)']);
  });
});
