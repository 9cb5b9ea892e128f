// The policy by which docs/operate/secrets.md cuts off one worker, held to the sessions that workers really get.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createJobRole } from '#adapters/sts/job-role.ts';
import { environment, jobId, sessionTags, workerName } from '#core/names.ts';
import { isAllowed, type Statement } from '#test/support/policy-evaluator.ts';

const uid = '0b9c1a52-3c7e-4d7f-9a55-0d6f3b1f2a10';
const job = jobId('default', 'plays.out', uid);
const page = readFileSync(join(import.meta.dirname, '../../docs/operate/secrets.md'), 'utf8');
const [, policy] = /```json\n(.*?)```/s.exec(page) ?? [];
const cutOff = JSON.parse(policy!.replace('JOB-UID', uid)) as { readonly Statement: readonly Statement[] };

/** Stands for STS: it gives nothing, and keeps what the session was to be named. */
const asked: URLSearchParams[] = [];
const sts = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => {
    body += part;
  });
  request.on('end', () => {
    asked.push(new URLSearchParams(body));
    response.writeHead(403, { 'content-type': 'text/xml' });
    response.end('<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>');
  });
});

beforeAll(async () => {
  process.env[environment.accessKeyId] = 'a';
  process.env[environment.secretAccessKey] = 'b';
  await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
});
afterAll(() => void sts.close());

/** Whether a worker whose role may do everything may still do something, by the policy. */
async function mayAct(ofJob: string, incarnation: number, slot: number): Promise<boolean> {
  const endpoint = `http://127.0.0.1:${(sts.address() as AddressInfo).port}`;
  const assume = createJobRole({ region: 'us-east-1', roleArn: 'arn:aws:iam::111122223333:role/r', endpoint });
  const worker = workerName(ofJob, incarnation, slot);
  await expect(assume(worker, { [sessionTags.job]: ofJob })).rejects.toThrow();
  const name = asked.at(-1)!.get('RoleSessionName')!;
  const context = { 'aws:userid': `AROAEXAMPLE:${name}`, [`aws:principaltag/${sessionTags.job}`]: ofJob };
  const granted = { Effect: 'Allow', Action: '*', Resource: '*' } as const;
  return isAllowed([granted, ...cutOff.Statement], { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k', context });
}

test('the worker is denied everything, whenever its credentials were given', async () => {
  expect(await mayAct(job, 3, 0)).toBe(false);
});

test('its successor, the workers beside it and workers of other jobs go on', async () => {
  expect(await mayAct(job, 4, 0)).toBe(true);
  expect(await mayAct(job, 3, 1)).toBe(true);
  expect(await mayAct(job, 13, 0)).toBe(true);
  expect(await mayAct(jobId('default', 'plays.other', uid), 3, 0)).toBe(true);
  expect(await mayAct(jobId('acme', 'plays.out', uid), 3, 0)).toBe(true);
});

test('a name that is too long for a session keeps what the policy goes by', async () => {
  const long = jobId('a-tenant-with-quite-a-long-name', `${'r'.repeat(40)}.${'s'.repeat(40)}`, uid);
  await mayAct(long, 3, 0);
  expect(asked.at(-1)!.get('RoleSessionName')).toMatch(new RegExp(`^.*@${uid}-00000003-0$`));
});
