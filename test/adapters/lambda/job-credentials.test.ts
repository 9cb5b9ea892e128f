// A worker's credentials over the hours: asked for anew before they expire, once for all who need them, and again after a failure.
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { jobCredentials } from '#adapters/lambda/job-credentials.ts';
import { until } from '#test/support/until.ts';

/** Speaks Lambda's Invoke; each call gets the next answer, the last one for ever. */
let server: Server;
let endpoint: string;
let answers: object[];
let calls: number;
let before: Record<string, string | undefined>;

const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

beforeEach(async () => {
  calls = 0;
  before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  for (const name of names) process.env[name] = 'MILLRACETEST';
  server = createServer((request, response) => {
    const answer = answers[Math.min(calls++, answers.length - 1)];
    request.resume().on('end', () => response.writeHead(200).end(JSON.stringify(answer)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  endpoint = `http://127.0.0.1:${port}`;
});
afterEach(() => {
  for (const name of names)
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  server.closeAllConnections();
  server.close();
});

const at = (endpointOf: string) => ({
  ...{ region: 'us-east-1', functionName: 'credentials', identity: 'signed', endpoint: endpointOf },
});

/** A clock that the test sets, and what is to be done later by it. */
function rig(random = () => 0) {
  // Behind the real one, by which AWS's clients see these credentials near their end.
  let now = Date.now() - 3_600_000;
  const waiting: { readonly at: number; readonly run: () => void }[] = [];
  const failures: { readonly goodForMs: number }[] = [];
  const credentials = jobCredentials({
    ...at(endpoint),
    ...{ random, now: () => now },
    later: (delayMs, run) => void waiting.push({ at: now + delayMs, run }),
    onFailedRenewal: (_, goodUntil) => void failures.push({ goodForMs: goodUntil.getTime() - now }),
  });
  const startedAt = now;
  return {
    ...{ credentials, waiting, failures },
    keysFor: (minutes: number, accessKeyId: string) => ({
      ...{ accessKeyId, secretAccessKey: 's', sessionToken: 't', expiresAt: now + minutes * 60_000 },
    }),
    /** Until it is so late, and what was to be done by then is begun. */
    pass: (minutes: number) => {
      now = startedAt + minutes * 60_000;
      for (const due of waiting.filter((each) => each.at <= now)) {
        waiting.splice(waiting.indexOf(due), 1);
        due.run();
      }
    },
    dueInMinutes: () => waiting.map((each) => (each.at - now) / 60_000),
  };
}

describe('credentials of a job [fault 119]', () => {
  test('are used while they last, and renewed beside their use ten to twenty minutes before they end', async () => {
    let random = 0;
    const { credentials, keysFor, pass, dueInMinutes } = rig(() => random);
    answers = [keysFor(60, 'first'), keysFor(110, 'second')];
    for (let turn = 0; turn < 5; turn++) expect((await credentials()).accessKeyId).toBe('first');
    expect([calls, dueInMinutes()]).toEqual([1, [50]]);
    random = 1;
    pass(50);
    expect((await credentials()).accessKeyId).toBe('first');
    await until(async () => ((await credentials()).accessKeyId === 'second' ? true : null), 'the renewed ones');
    expect([calls, dueInMinutes()]).toEqual([2, [40]]);
  });

  test('that last for minutes only are renewed in the middle of them', async () => {
    const { credentials, keysFor, dueInMinutes } = rig();
    answers = [keysFor(4, 'short')];
    await credentials();
    expect(dueInMinutes()).toEqual([2]);
  });

  test('are asked for once for all who need them', async () => {
    const { credentials, keysFor, pass } = rig();
    answers = [keysFor(60, 'old'), keysFor(120, 'new')];
    const all = () => Promise.all(Array.from({ length: 10 }, async () => (await credentials()).accessKeyId));
    expect(new Set(await all())).toEqual(new Set(['old']));
    pass(60);
    expect(new Set(await all())).toEqual(new Set(['new']));
    expect(calls).toBe(2);
  });

  test('that cannot be renewed are good to their end, with AWS’s clients as well, and a renewal is tried again and again', async () => {
    const { credentials, keysFor, pass, failures, dueInMinutes } = rig();
    answers = [keysFor(60, 'old'), { errorMessage: 'throttled' }];
    const tables = await anyTable();
    const dynamo = createDynamo({ ...at(tables.url), credentials });
    await dynamo.query('t', 'k');
    for (const [count, minutes] of [50, 55, 59].entries()) {
      pass(minutes);
      await until(() => (failures.length > count ? true : null), 'a failed renewal');
      expect(await dynamo.query('t', 'k')).toEqual([]);
      expect([failures.at(-1), dueInMinutes()]).toEqual([{ goodForMs: (60 - minutes) * 60_000 }, [0.5]]);
    }
    expect(new Set(tables.keys)).toEqual(new Set(['old']));
    pass(60);
    await expect(dynamo.query('t', 'k')).rejects.toMatchObject({ code: 'dynamodb-unavailable' });
    answers = [keysFor(60, 'new')];
    await dynamo.query('t', 'k');
    expect([tables.keys.at(-1), dueInMinutes()]).toEqual(['new', [50]]);
    dynamo.close();
    tables.close();
  });

  test('that could not be had are asked for again by the next request; a refusal says why and that repeating does not help', async () => {
    const { credentials, keysFor } = rig();
    answers = [{ errorMessage: 'KMS is away' }, keysFor(60, 'k'), { refused: 'the job is gone' }];
    await expect(credentials()).rejects.toMatchObject({ code: 'credentials-unavailable', retry: 'retry' });
    expect((await credentials()).accessKeyId).toBe('k');
    const refused = rig().credentials;
    await expect(refused()).rejects.toMatchObject({ code: 'credentials-refused', retry: 'no-retry' });
  });
});

/** Answers every query with nothing, and keeps by whose key it was signed. */
async function anyTable() {
  const keys: string[] = [];
  const tables = createServer((request, response) => {
    keys.push(/Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '');
    const head = { 'content-type': 'application/x-amz-json-1.0' };
    request.resume().on('end', () => response.writeHead(200, head).end('{"Items":[]}'));
  });
  await new Promise<void>((resolve) => tables.listen(0, '127.0.0.1', resolve));
  const { port } = tables.address() as { port: number };
  return { keys, url: `http://127.0.0.1:${port}`, close: () => tables.close() };
}
