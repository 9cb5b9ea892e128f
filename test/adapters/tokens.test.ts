// Tokens that AWS services take for passwords: signed requests, made without a call; read here as the service would read them.
import { beforeAll, expect, test } from '@jest/globals';
import { mskTokens } from '#adapters/kafka/msk-token.ts';
import { iamPassword } from '#adapters/postgres/iam-password.ts';

beforeAll(() => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' });
});

const scopeOf = (url: URL): string => (url.searchParams.get('X-Amz-Credential') ?? '').split('/').slice(2).join('/');

test('a password for Aurora is a request to connect as this user to this host, good for 15 minutes', async () => {
  const password = iamPassword(
    'postgres://millrace_api@goals.cluster-x.eu-west-1.rds.amazonaws.com:5432/millrace',
    'eu-west-1',
  );
  const url = new URL(`https://${await password()}`);
  expect(url.host).toBe('goals.cluster-x.eu-west-1.rds.amazonaws.com:5432');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    ...{ Action: 'connect', DBUser: 'millrace_api', 'X-Amz-Expires': '900' },
    'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(scopeOf(url)).toBe('eu-west-1/rds-db/aws4_request');
});

test('a token for MSK is a request to connect, signed with the job’s credentials, good for 15 minutes', async () => {
  const credentials = { accessKeyId: 'ASIAJOB', secretAccessKey: 'of-the-job', sessionToken: 'session' };
  const before = Date.now();
  const { token, expiresAt } = await mskTokens('eu-west-1', async () => credentials)();
  const url = new URL(Buffer.from(token, 'base64url').toString());
  expect(url.host).toBe('kafka.eu-west-1.amazonaws.com');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    ...{ Action: 'kafka-cluster:Connect', 'X-Amz-Expires': '900', 'X-Amz-Security-Token': 'session' },
  });
  expect(url.searchParams.get('X-Amz-Credential')).toMatch(/^ASIAJOB\//);
  expect(scopeOf(url)).toBe('eu-west-1/kafka-cluster/aws4_request');
  expect(Math.abs(expiresAt - before - 900_000)).toBeLessThan(60_000);
});
