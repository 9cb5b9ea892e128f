// A worker's credentials over the hours: asked for anew before they expire, once for all who need them, and again after a failure.
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jobCredentials } from '#adapters/lambda/job-credentials.ts';

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

const ask = () => jobCredentials({ region: 'us-east-1', functionName: 'credentials', identity: 'signed', endpoint });
const keysFor = (minutes: number, accessKeyId: string) => ({
  ...{ accessKeyId, secretAccessKey: 's', sessionToken: 't' },
  expiresAt: Date.now() + minutes * 60_000,
});

describe('credentials of a job [fault 119]', () => {
  test('are used while they last, and asked for anew minutes before they expire, once for all who need them', async () => {
    answers = [keysFor(60, 'first'), keysFor(60, 'never')];
    const lasting = ask();
    for (let turn = 0; turn < 5; turn++) expect((await lasting()).accessKeyId).toBe('first');
    expect(calls).toBe(1);
    calls = 0;
    answers = [keysFor(4, 'old'), keysFor(60, 'new')];
    const expiring = ask();
    expect((await expiring()).accessKeyId).toBe('old');
    const together = await Promise.all(Array.from({ length: 10 }, () => expiring()));
    expect(together.map(({ accessKeyId }) => accessKeyId)).toEqual(Array.from({ length: 10 }, () => 'new'));
    expect(calls).toBe(2);
  });

  test('that could not be had are asked for again by the next request; a refusal says why and that repeating does not help', async () => {
    answers = [{ errorMessage: 'KMS is away' }, keysFor(60, 'k'), { refused: 'the job is gone' }];
    const credentials = ask();
    await expect(credentials()).rejects.toMatchObject({ code: 'credentials-unavailable', retry: 'retry' });
    expect((await credentials()).accessKeyId).toBe('k');
    const refused = ask();
    await expect(refused()).rejects.toMatchObject({ code: 'credentials-refused', retry: 'no-retry' });
  });
});
