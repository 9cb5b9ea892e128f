// Whom a sink connects to: addresses are looked at once, all of them, and nothing else is connected to; certificates are checked.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseNetworks } from '#core/network/address.ts';
import type { Resolve } from '#core/network/pinned-lookup.ts';
import { retryAfterMs, retryAfterMsMax } from '#core/network/retry-after.ts';
import { type Receiver, startReceiver } from '#test/support/receiver.ts';
import { type Answer, Endpoint, type NoAnswer } from '#workers/sinks/remote/endpoint.ts';
import { systemResolve } from '#workers/sinks/remote/system-resolve.ts';

const loopback = parseNetworks('loopback')!;
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function receiverOf(...options: Parameters<typeof startReceiver>): Promise<Receiver> {
  const receiver = await startReceiver(...options);
  ends.push(() => receiver.close());
  return receiver;
}

function endpointTo(url: string, resolve: Resolve = systemResolve, networks = loopback): Endpoint {
  const endpoint = new Endpoint({
    ...{ url, networks, resolve, connectionsMax: 2, exchangeMs: 5_000, answerBytesMax: 1_024, now: () => Date.now() },
  });
  ends.push(() => endpoint.close());
  return endpoint;
}

const get = (endpoint: Endpoint): Promise<Answer | NoAnswer> =>
  endpoint.exchange({ method: 'GET', path: '/', headers: {}, body: null }, null);
const at = (...addresses: string[]) => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

describe('a name', () => {
  test('leads where its addresses say, where all of them may be connected to', async () => {
    const receiver = await receiverOf();
    const endpoint = endpointTo(`http://search.test:${receiver.port}`, async () => at('127.0.0.1'));
    expect(await get(endpoint)).toMatchObject({ kind: 'answer', status: 200 });
    expect(receiver.requests[0]!.headers['host']).toBe(`search.test:${receiver.port}`);
  });

  test.each([
    ['loopback', at('127.0.0.1')],
    ['a metadata service', at('169.254.169.254')],
    ['one good and one bad address', at('8.8.8.8', '127.0.0.1')],
    ['a bad address in disguise', at('::ffff:127.0.0.1')],
    ['nothing', at()],
  ])('that leads to %s is not connected to', async (_what, addresses) => {
    const receiver = await receiverOf();
    const endpoint = endpointTo(`http://evil.test:${receiver.port}`, async () => addresses, []);
    await expect(endpoint.find()).rejects.toThrow('evil.test');
    expect(await get(endpoint)).toMatchObject({ kind: 'no-answer' });
    expect(receiver.requests).toEqual([]);
  });

  test('that does not resolve for a while, or to nothing, is asked for again each time: no answer is kept [fault 116]', async () => {
    const receiver = await receiverOf();
    const answers = [null, null, at(), at('127.0.0.1')];
    const endpoint = endpointTo(`http://away.test:${receiver.port}`, async () => {
      const addresses = answers.shift();
      if (!addresses) throw Object.assign(new Error('getaddrinfo ENOTFOUND away.test'), { code: 'ENOTFOUND' });
      return addresses;
    });
    for (let turn = 0; turn < 3; turn++) expect(await get(endpoint)).toMatchObject({ kind: 'no-answer' });
    expect(await get(endpoint)).toMatchObject({ kind: 'answer', status: 200 });
  });

  test('that changes its mind between the check and the connection reaches nothing: it is asked once for each', async () => {
    const receiver = await receiverOf();
    let asked = 0;
    const rebinding: Resolve = async () => (asked++ === 0 ? at('93.184.216.34') : at('127.0.0.1'));
    const endpoint = endpointTo(`http://rebind.test:${receiver.port}`, rebinding, []);
    await endpoint.find();
    expect(await get(endpoint)).toMatchObject({ kind: 'no-answer', code: 'sink-address-refused' });
    expect(receiver.requests).toEqual([]);
    expect(asked).toBe(2);
  });
});

test('an address in the URL is looked at as well, at each exchange', async () => {
  const receiver = await receiverOf();
  const endpoint = endpointTo(receiver.url, systemResolve, []);
  await expect(endpoint.find()).rejects.toThrow('loopback');
  expect(await get(endpoint)).toMatchObject({ kind: 'no-answer', code: 'sink-address-refused' });
  expect(receiver.requests).toEqual([]);
});

test('a certificate that nobody vouches for ends the exchange before anything is sent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const store = join(folder, 'key.p12');
  const passphrase = 'test-only';
  const keytool = ['-genkeypair', '-alias', 'a', '-keyalg', 'EC', '-dname', 'CN=localhost', '-storetype', 'PKCS12'];
  execFileSync('keytool', [...keytool, '-keystore', store, '-storepass', passphrase], { stdio: 'ignore' });
  const receiver = await receiverOf({ tls: { pfx: readFileSync(store), passphrase } });
  const answer = await get(endpointTo(receiver.url));
  expect(answer).toMatchObject({ kind: 'no-answer', code: 'sink-unavailable' });
  expect((answer as NoAnswer).message).toMatch(/certificate/);
  expect(receiver.requests).toEqual([]);
}, 60_000);

test('a connection that the other side closed while it was idle is no failure', async () => {
  const receiver = await receiverOf();
  const endpoint = endpointTo(receiver.url);
  expect(await get(endpoint)).toMatchObject({ status: 200 });
  receiver.behave((_request, index) => (index === 1 ? 'cut' : { status: 204 }));
  expect(await get(endpoint)).toMatchObject({ kind: 'answer', status: 204 });
});

test('an answer in another protocol, which was not asked for, is no answer: nothing waits for more of it', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const answer = await get(endpointTo(`http://127.0.0.1:${port}`));
  expect(answer).toMatchObject({ kind: 'no-answer', code: 'sink-unavailable' });
  expect((answer as NoAnswer).message).toMatch(/101 Switching Protocols/);
});

test('an answer is read as far as it may be, and said to be cut', async () => {
  const receiver = await receiverOf();
  receiver.behave({ status: 200, body: 'x'.repeat(100_000) });
  const answer = (await get(endpointTo(receiver.url))) as Answer;
  expect([answer.body.length, answer.isCut]).toEqual([1_024, true]);
});

test.each([
  ['2', 2_000],
  ['0', 0],
  ['Wed, 01 Apr 2026 00:00:10 GMT', 10_000],
  ['Wed, 01 Apr 2026 00:00:00 GMT', 0],
  ['Wed, 01 Apr 2020 00:00:00 GMT', 0],
  ['999999', retryAfterMsMax],
  ['soon', null],
  ['', null],
  [undefined, null],
])('Retry-After %j is %j ms', (value, expected) => {
  expect(retryAfterMs(value, Date.UTC(2026, 3, 1))).toBe(expected);
});
