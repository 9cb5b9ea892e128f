// How the command line shows a gateway who asks.
import { expect, test } from '@jest/globals';
import { proveIdentity } from '#cli/prove-identity.ts';

const gateway = 'https://a1b2.execute-api.eu-west-1.amazonaws.com';
const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
const asking = (url: string, body?: string) => ({
  ...{ method: body === undefined ? 'GET' : 'PUT', url, body },
  headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
});

test('a token goes over TLS or stays on this machine', async () => {
  const env = { MILLRACE_TOKEN: 't0k3n', ...keys };
  for (const url of [`${gateway}/v1/jobs`, 'http://127.0.0.1:8080/v1/jobs', 'http://localhost:1/v1/jobs'])
    expect(await proveIdentity(env, asking(url))).toEqual({ authorization: 'Bearer t0k3n' });
  await expect(proveIdentity(env, asking('http://api.example.com/v1/jobs'))).rejects.toThrow(/without TLS/);
});

test('an API Gateway is asked with a signature for its region, over the body, and with a session’s token', async () => {
  const env = { ...keys, AWS_SESSION_TOKEN: 'session' };
  const signed = await proveIdentity(env, asking(`${gateway}/v1/streams/a%20b?reason=x`, '{}'));
  expect(signed).toMatchObject({
    authorization: expect.stringMatching(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/execute-api\/aws4_request, /,
    ),
    'x-amz-security-token': 'session',
  });
  const headers = 'content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token';
  expect(signed['authorization']).toContain(`SignedHeaders=${headers}, `);
});

test('no other address is signed for, and nothing is signed without keys', async () => {
  expect(await proveIdentity(keys, asking('https://millrace.example.com/v1/jobs'))).toEqual({});
  expect(await proveIdentity(keys, asking('https://execute-api.eu-west-1.amazonaws.com.evil.example/v1'))).toEqual({});
  expect(await proveIdentity({}, asking(`${gateway}/v1/jobs`))).toEqual({});
});
