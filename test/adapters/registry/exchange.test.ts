// Whom a schema registry's address may lead to, and what of its answer is taken.
import { Agent } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { exchange } from '#adapters/registry/exchange.ts';
import { type Network, parseNetworks } from '#core/network/address.ts';
import { AddressRefused } from '#core/network/pinned-lookup.ts';
import { type Receiver, startReceiver } from '#test/support/receiver.ts';

const receivers: Receiver[] = [];
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});

async function aReceiver(): Promise<Receiver> {
  const receiver = await startReceiver();
  receivers.push(receiver);
  return receiver;
}

const loopback = parseNetworks('loopback')!;
const ask = (url: string, networks: readonly Network[] = loopback) =>
  exchange(
    { method: 'GET', url: new URL(url), headers: {}, body: null },
    { agent: new Agent(), networks, exchangeMs: 5_000, answerBytesMax: 1_024 },
  );

describe('a registry', () => {
  test('is asked where its network is open, by address and by name', async () => {
    const { port } = await aReceiver();
    expect(await ask(`http://127.0.0.1:${port}/subjects`)).toMatchObject({ status: 200 });
    expect(await ask(`http://localhost:${port}/subjects`)).toMatchObject({ status: 200 });
  });

  test('whose address is inside is not connected to where that is not open, by address or by name', async () => {
    const receiver = await aReceiver();
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]'])
      await expect(ask(`http://${host}:${receiver.port}/subjects`, [])).rejects.toThrow();
    await expect(ask(`http://127.0.0.1:${receiver.port}/`, [])).rejects.toBeInstanceOf(AddressRefused);
    expect(receiver.requests).toHaveLength(0);
  });

  test('that leads on to another address is not followed', async () => {
    const [first, second] = [await aReceiver(), await aReceiver()];
    first.behave({ status: 302, headers: { location: second.url } });
    expect(await ask(first.url)).toMatchObject({ status: 302 });
    expect(second.requests).toHaveLength(0);
  });

  test('that answers without end is cut off', async () => {
    const receiver = await aReceiver();
    receiver.behave({ status: 200, body: 'x'.repeat(2_000) });
    await expect(ask(receiver.url)).rejects.toThrow('more than 1024 bytes');
  });
});
