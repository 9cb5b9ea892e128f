// Requests that are signed by the worker's role: the other side works the signature out for itself.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createRequestSigner } from '#adapters/sigv4/request-signer.ts';
import type { HttpSinkGoal } from '#core/job/sink-goal.ts';
import { openSearchGoal, partsOf } from '#test/contract/sinks-under-test.ts';
import { type Receiver, startReceiver } from '#test/support/receiver.ts';
import { testKeys, verifySignature } from '#test/support/signature-verifier.ts';
import { until } from '#test/support/until.ts';
import { httpSink } from '#workers/sinks/http-sink.ts';
import { openSearchSink } from '#workers/sinks/opensearch-sink.ts';
import type { RemoteParts } from '#workers/sinks/remote/remote-sink.ts';
import type { Sink } from '#workers/sinks/sink.ts';
import { SinkRig } from './sink-rig.ts';

let receiver: Receiver;
let rig: SinkRig;
const opened: Sink[] = [];
beforeEach(async () => {
  receiver = await startReceiver();
  rig = new SinkRig();
});
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close();
  await receiver.close();
});

const reached = (position: number): Promise<true> =>
  until(() => (rig.position() >= position ? true : null), `position ${position}`);
const verify = (index: number, secret: string = testKeys.secretAccessKey) =>
  verifySignature(receiver.requests[index]!, secret);

async function open(sink: Sink): Promise<Sink> {
  opened.push(sink);
  await sink.open();
  return sink;
}

const hook = (more: Partial<HttpSinkGoal> = {}): HttpSinkGoal => ({
  ...{ kind: 'http', keyed: false, url: `${receiver.url}/a b/plays?z=1&a=x%2Fy+z&a=*`, networks: ['loopback'] },
  ...{ method: 'POST', format: 'array', envelope: false, headers: { 'x-team': 'two  spaces' }, timeoutMs: 5_000 },
  ...{ auth: { scheme: 'aws', service: 'execute-api', region: 'eu-west-1' }, compression: 'none' },
  batch: { maxRecords: 100, maxBytes: 1024 * 1024, maxWaitMs: 20 },
  ...more,
});

describe('a signed request', () => {
  test('verifies with the key it was made with, for its service and region, and with no other', async () => {
    const sink = await open(httpSink(hook(), partsOf(rig)));
    rig.take(sink, { n: 0 });
    sink.nudge();
    await reached(1);
    expect(verify(0)).toEqual({ service: 'execute-api', region: 'eu-west-1' });
    expect(() => verify(0, 'another')).toThrow('the signature is');
    const [request] = receiver.requests;
    for (const changed of [
      { bytes: Buffer.from('[{"n":1}]') },
      { path: request!.path.replace('z=1', 'z=2') },
      { method: 'PUT' },
      { headers: { ...request!.headers, 'idempotency-key': 'another' } },
    ])
      expect(() => verifySignature({ ...request!, ...changed }, testKeys.secretAccessKey)).toThrow();
  });

  test('of a zipped body is over the bytes that are sent', async () => {
    const sink = await open(httpSink(hook({ compression: 'gzip' }), partsOf(rig)));
    rig.take(sink, { n: 0, pad: 'x'.repeat(5_000) });
    sink.nudge();
    await reached(1);
    expect(receiver.requests[0]!.headers['content-encoding']).toBe('gzip');
    expect(receiver.requests[0]!.bytes.length).toBeLessThan(1_000);
    expect(verify(0)).toEqual({ service: 'execute-api', region: 'eu-west-1' });
  });

  test('to an OpenSearch domain covers the look at it and the bulk request, in the worker’s own region', async () => {
    receiver.behave(({ body, path }) => {
      if (!path.startsWith('/_bulk')) return { status: 200, body: '{}' };
      const ids = [...body.matchAll(/"_id":"([^"]+)"/g)].map(([, id]) => ({ index: { _id: id, status: 201 } }));
      return { status: 200, body: JSON.stringify({ errors: false, items: ids }) };
    });
    const goal = openSearchGoal(receiver.url, { auth: { scheme: 'aws', service: 'es', region: null } });
    const sink = await open(openSearchSink(goal, partsOf(rig)));
    for (let n = 0; n < 50; n++) rig.take(sink, { n, pad: 'x'.repeat(100) });
    sink.nudge();
    await reached(50);
    expect(receiver.requests.length).toBeGreaterThan(1);
    for (const index of receiver.requests.keys()) expect(verify(index)).toEqual({ service: 'es', region: 'us-east-1' });
  });
});

describe('credentials', () => {
  const partsWith = (signer: RemoteParts['signer']): RemoteParts => ({ ...partsOf(rig), signer });

  test('that a role is given for a while bring their token along; renewed, the new ones sign; nobody else sees the token', async () => {
    let turn = 0;
    const credentials = async () => ({ ...testKeys, sessionToken: `token-${++turn}` });
    const signer = createRequestSigner({ region: 'us-east-1', credentials, now: Date.now });
    receiver.behave(({ headers }, index) =>
      index < 2 ? { status: 403, body: `you sent ${headers['x-amz-security-token']}` } : { status: 200 },
    );
    const sink = await open(httpSink(hook(), partsWith(signer)));
    rig.take(sink, { n: 0 });
    sink.nudge();
    await reached(1);
    const tokens = receiver.requests.map(({ headers }) => headers['x-amz-security-token']!);
    expect(new Set(tokens).size).toBe(3);
    for (const index of tokens.keys()) verify(index);
    const said = rig.troubles.map(({ message }) => message).join();
    expect(said).toContain('you sent ***');
    expect(said).not.toContain('token-');
  });

  test('that are missing are told, nothing is sent, and nothing is lost', async () => {
    const signer = createRequestSigner({ region: 'us-east-1', credentials: undefined, now: Date.now });
    const sink = await open(httpSink(hook(), partsWith(signer)));
    rig.take(sink, { n: 0 });
    sink.nudge();
    await until(() => (rig.troubles.length > 0 ? true : null), 'the sink to say so');
    expect(rig.troubles[0]!.message).toContain('no AWS credentials');
    expect(receiver.requests).toEqual([]);
    expect(rig.position()).toBe(0);
  });
});

test('the verifier knows a signature that AWS has published', () => {
  // "get-vanilla" of the test suite for Signature Version 4.
  const request = {
    ...{ method: 'GET', path: '/', bytes: new Uint8Array(0) },
    headers: {
      host: 'example.amazonaws.com',
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    },
  };
  expect(verifySignature(request, testKeys.secretAccessKey)).toEqual({ service: 'service', region: 'us-east-1' });
});
