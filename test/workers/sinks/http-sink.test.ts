// What the HTTP sink sends, and what it makes of every answer a receiver may give.
import { queryObjects } from 'node:v8';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { HttpSinkGoal } from '#core/job/sink-goal.ts';
import { limits } from '#core/limits.ts';
import type { ErrorPolicy } from '#core/spec/error-policy.ts';
import { type Receiver, startReceiver } from '#test/support/receiver.ts';
import { testSigner } from '#test/support/signature-verifier.ts';
import { until } from '#test/support/until.ts';
import { httpSink } from '#workers/sinks/http-sink.ts';
import { systemResolve } from '#workers/sinks/remote/system-resolve.ts';
import type { Sink } from '#workers/sinks/sink.ts';
import { SinkRig } from './sink-rig.ts';

let receiver: Receiver;
let rig: SinkRig;
const secrets = new Map<string, string>();
const opened: Sink[] = [];

beforeEach(async () => {
  receiver = await startReceiver();
  rig = new SinkRig();
});
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close();
  await receiver.close();
});

const defaults: Omit<HttpSinkGoal, 'url'> = {
  kind: 'http',
  keyed: false,
  networks: ['loopback'],
  method: 'POST',
  format: 'array',
  envelope: false,
  headers: {},
  batch: { maxRecords: 100, maxBytes: 1024 * 1024, maxWaitMs: 20 },
  timeoutMs: 5_000,
  auth: null,
};

async function sinkWith(goal: Partial<HttpSinkGoal> = {}, of: SinkRig = rig): Promise<Sink> {
  const sink = httpSink(
    { ...defaults, url: `${receiver.url}/hook?from=test`, ...goal },
    {
      ...{ jobName: 'plays.hook', uid: '0123456789abcdef', tenant: 'default', hooks: of.hooks },
      ordering: 'per-key',
      ...{ resolve: systemResolve, now: () => Date.now() },
      secrets: { read: async (_tenant, name) => secrets.get(name) ?? null },
      signer: testSigner,
    },
  );
  opened.push(sink);
  await sink.open();
  return sink;
}

const batch = (maxRecords: number): Pick<HttpSinkGoal, 'batch'> => ({ batch: { ...defaults.batch, maxRecords } });
const reached = (position: number, partition = 0): Promise<true> =>
  until(() => (rig.position(partition) >= position ? true : null), `position ${position}`);
const events = (body: string): number[] => (JSON.parse(body) as { n: number }[]).map(({ n }) => n);
const takeMany = (sink: Sink, count: number, partition = 0): void => {
  for (let n = 0; n < count; n++) rig.take(sink, { n }, { partition });
  sink.nudge();
};

describe('a split that was handed on while a request for it was under way', () => {
  test.each([
    ['not now', { status: 503 }],
    ['of many that one of them is bad', { status: 422 }],
  ])('is not sent again where the answer is: %s', async (_answer, reply) => {
    const answered = Promise.withResolvers<void>();
    receiver.behave(async (_request, index) => {
      if (index > 0) return { status: 204 };
      await answered.promise;
      return reply;
    });
    const sink = await sinkWith(batch(2));
    takeMany(sink, 3);
    takeMany(sink, 3, 1);
    await until(() => (receiver.requests.length > 0 ? true : null), 'the request');
    rig.split().rewind();
    sink.forget!(rig.split());
    answered.resolve();
    sink.flush();
    await reached(3, 1);
    await until(() => (sink.isRefused ? null : true), 'nothing to be held');
    const splits = receiver.requests.map(({ headers }) => headers['millrace-split']);
    expect(splits.filter((name) => name === 'plays/0')).toHaveLength(1);
    expect(rig.aside).toEqual([]);
  });

  test('alone in a request that is refused for good is not set aside: that is its owner’s to say', async () => {
    const answered = Promise.withResolvers<void>();
    receiver.behave(async () => {
      await answered.promise;
      return { status: 422 };
    });
    const sink = await sinkWith(batch(1));
    takeMany(sink, 1);
    await until(() => (receiver.requests.length > 0 ? true : null), 'the request');
    rig.split().rewind();
    sink.forget!(rig.split());
    answered.resolve();
    await until(() => (sink.isRefused ? null : true), 'nothing to be held');
    expect(rig.aside).toEqual([]);
  });
});

describe('what is sent', () => {
  test('a batch is a JSON array, with headers that say whose it is and from where', async () => {
    const sink = await sinkWith({ headers: { 'x-team': 'playback' } });
    takeMany(sink, 3);
    await reached(3);
    const [request] = receiver.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/hook?from=test', body: '[{"n":0},{"n":1},{"n":2}]' });
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      'x-team': 'playback',
      'millrace-job': 'plays.hook',
      'millrace-split': 'plays/0',
      'millrace-offsets': '0-2',
      'millrace-records': '3',
      'millrace-epoch': '7',
    });
    expect(request!.headers['idempotency-key']).toMatch(/^plays\.hook:01234567:plays:5f0c7a1e:0:0-2:[0-9a-f]{16}$/);
  });

  test('NDJSON keeps each event on one line, whatever stands between its tokens', async () => {
    const sink = await sinkWith({ format: 'ndjson' });
    rig.take(sink, '{\n  "n":\r 1\n}');
    rig.take(sink, { n: 2 });
    sink.nudge();
    await reached(2);
    expect(receiver.requests[0]!.body).toBe('{   "n":  1 }\n{"n":2}\n');
    expect(receiver.requests[0]!.headers['content-type']).toBe('application/x-ndjson');
  });

  test('single sends the event itself, under a key of its own', async () => {
    const sink = await sinkWith({ format: 'single', method: 'PUT', ...batch(1) });
    takeMany(sink, 2);
    await reached(2);
    expect(receiver.requests.map(({ method, body }) => `${method} ${body}`)).toEqual(['PUT {"n":0}', 'PUT {"n":1}']);
    expect(receiver.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([
      'plays.hook:01234567:plays:5f0c7a1e:0:0',
      'plays.hook:01234567:plays:5f0c7a1e:0:1',
    ]);
  });

  test('in an envelope each event has its key, offset and time, the same whichever worker sends it in whichever batch [fault 55]', async () => {
    const sink = await sinkWith({ envelope: true });
    takeMany(sink, 2);
    await reached(2);
    const after = new SinkRig();
    const replacement = await sinkWith({ envelope: true, ...batch(1) }, after);
    for (const n of [0, 1]) after.take(replacement, { n });
    replacement.nudge();
    await until(() => (after.position() === 2 ? true : null), 'the replay');
    const [whole, ...parts] = receiver.requests.map(({ body }) => JSON.parse(body) as unknown[]);
    expect(parts.flat()).toEqual(whole);
    expect(whole![1]).toEqual({
      ...{ key: 'plays.hook:01234567:plays:5f0c7a1e:0:1', offset: 1, timestamp: 1_770_000_000_000 },
      event: { n: 1 },
    });
  });

  test('elements of one record have keys of their own', async () => {
    const sink = await sinkWith({ format: 'single', ...batch(1) });
    rig.take(sink, { n: 0 }, { elements: 3 });
    rig.take(sink, { n: 1 });
    sink.nudge();
    await reached(2);
    const places = receiver.requests.map(({ headers }) => headers['idempotency-key']!.replace(/^.*5f0c7a1e:/, ''));
    expect(places).toEqual(['0:0:0', '0:0:1', '0:0:2', '0:1']);
  });

  test('a dead letter that is replayed has the key of its record where nobody knows what became of it, else another', async () => {
    const sink = await sinkWith({ format: 'single', ...batch(1) });
    const place = { topic: 'events', topicId: 'abcdef0123', partition: 3, offset: 9, replays: 1 };
    for (const errorClass of ['retryable', 'throttled', 'rejected'])
      rig.take(sink, { n: 0 }, { origin: { ...place, errorClass } });
    rig.take(sink, { n: 0 }, { origin: { ...place, topicId: '', errorClass: 'retryable' } });
    sink.nudge();
    await reached(4);
    const keys = receiver.requests.map(({ headers }) =>
      headers['idempotency-key']!.replace(/^plays.hook:01234567:/, ''),
    );
    expect(keys).toEqual(['events:abcdef01:3:9', 'events:abcdef01:3:9', 'plays:5f0c7a1e:0:2', 'plays:5f0c7a1e:0:3']);
  });

  test('batches are bounded by count and by bytes, and stay in the order of their split', async () => {
    const sink = await sinkWith({ batch: { maxRecords: 4, maxBytes: 1024, maxWaitMs: 20 } });
    takeMany(sink, 10);
    rig.take(sink, { n: 10, pad: 'x'.repeat(900) });
    rig.take(sink, { n: 11, pad: 'x'.repeat(900) });
    sink.nudge();
    await reached(12);
    const sent = receiver.requests.map(({ body }) => events(body));
    expect(sent).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10], [11]]);
  });

  test('an event that is larger than a batch is refused at once, as is a record without a value', async () => {
    const sink = await sinkWith({ batch: { maxRecords: 4, maxBytes: 1024, maxWaitMs: 20 } });
    expect(rig.take(sink, { pad: 'x'.repeat(2_000) }).refusal).toMatchObject({ errorClass: 'too-large' });
    expect(rig.take(sink, null).refusal).toMatchObject({ errorClass: 'rejected', code: 'sink-no-event' });
  });

  test('splits do not wait for each other, one request of each is under way at a time', async () => {
    let underWay = 0;
    let most = 0;
    receiver.behave(async () => {
      most = Math.max(most, ++underWay);
      await until(() => (receiver.requests.length >= 3 ? true : null), 'all three splits');
      underWay--;
      return { status: 200 };
    });
    const sink = await sinkWith(batch(2));
    for (const partition of [0, 1, 2]) takeMany(sink, 4, partition);
    await Promise.all([0, 1, 2].map((partition) => reached(4, partition)));
    expect(most).toBe(3);
  });
});

describe('what an answer means', () => {
  test('429 with Retry-After is obeyed: nothing is sent before, nothing is dropped [fault 106]', async () => {
    const asked: number[] = [];
    receiver.behave((_request, index) => {
      asked.push(performance.now());
      return index === 0 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 200 };
    });
    const sink = await sinkWith();
    takeMany(sink, 1);
    takeMany(sink, 1, 1);
    await Promise.all([reached(1), reached(1, 1)]);
    expect(asked.slice(1).every((at) => at - asked[0]! > 950 || at - asked[0]! < 500)).toBe(true);
    expect(asked.at(-1)! - asked[0]!).toBeGreaterThan(950);
    expect(rig.troubleCodes).toContain('sink-throttled');
    expect(rig.troubles[0]!.pauseMs).toBeGreaterThan(900);
    expect(rig.aside).toEqual([]);
  });

  test.each([401, 403, 404, 405, 409, 410, 429, 500, 502, 503])(
    '%i is tried again until it is taken, under the same key; nothing is set aside',
    async (status) => {
      receiver.behave((_request, index) => ({ status: index === 0 ? status : 204 }));
      const sink = await sinkWith();
      takeMany(sink, 2);
      expect(rig.position()).toBe(0);
      await reached(2);
      const keys = receiver.requests.map(({ headers }) => headers['idempotency-key']);
      expect(new Set(keys).size).toBe(1);
      expect(receiver.requests[0]!.body).toBe(receiver.requests[1]!.body);
      expect(rig.aside).toEqual([]);
    },
  );

  test('a batch that is refused is divided until it is known which event is meant; that one is set aside with the answer [fault 107] [fault 108]', async () => {
    receiver.behave(({ body }) =>
      events(body).includes(37) ? { status: 422, body: `event 37 is not ours ${'é'.repeat(5_000)}` } : { status: 200 },
    );
    const sink = await sinkWith(batch(64));
    takeMany(sink, 64);
    await reached(64);
    expect(rig.aside).toHaveLength(1);
    expect(rig.aside[0]!.value).toBe('{"n":37}');
    expect(rig.aside[0]!.refusal).toMatchObject({ errorClass: 'rejected', code: 'sink-422' });
    expect(rig.aside[0]!.refusal.message).toContain('answered 422: event 37 is not ours');
    expect(Buffer.byteLength(rig.aside[0]!.refusal.message)).toBeLessThan(1_200);
    const taken = receiver.requests
      .filter(({ body }) => !events(body).includes(37))
      .flatMap(({ body }) => events(body));
    expect(taken.sort((a, b) => a - b)).toEqual([...Array(64).keys()].filter((n) => n !== 37));
    expect(receiver.requests.length).toBeLessThan(16);
  });

  test('413 divides the batch; a single event that is too large for the receiver is set aside as such', async () => {
    receiver.behave(({ body }) => (body.length > 40 ? { status: 413 } : { status: 200 }));
    const sink = await sinkWith();
    takeMany(sink, 8);
    rig.take(sink, { n: 8, pad: 'x'.repeat(100) });
    sink.nudge();
    await reached(9);
    expect(rig.aside.map(({ refusal }) => refusal.errorClass)).toEqual(['too-large']);
  });

  test('a redirect is not followed', async () => {
    receiver.behave((request) =>
      request.path === '/elsewhere' ? { status: 200 } : { status: 307, headers: { location: '/elsewhere' } },
    );
    const sink = await sinkWith();
    takeMany(sink, 1);
    await until(() => (rig.troubleCodes.has('sink-redirects') ? true : null), 'the trouble to be told');
    expect(receiver.requests.every(({ path }) => path !== '/elsewhere')).toBe(true);
    expect(rig.position()).toBe(0);
  });

  test('a connection that is cut after the effect is tried again under the same key [fault 109]', async () => {
    receiver.behave((_request, index) => (index === 0 ? 'cut' : { status: 200 }));
    const sink = await sinkWith();
    takeMany(sink, 3);
    await reached(3);
    expect(new Set(receiver.requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(receiver.requests.length).toBeGreaterThan(1);
  });

  test('a receiver that never answers costs the timeout, then the same is tried again', async () => {
    receiver.behave((_request, index) => (index === 0 ? 'hang' : { status: 200 }));
    const sink = await sinkWith({ timeoutMs: 300 });
    takeMany(sink, 1);
    await reached(1);
    expect(rig.troubles[0]!.message).toContain('no answer within 300 ms');
  });

  test('an endless answer is read no further than its bound', async () => {
    receiver.behave({ status: 200, body: 'x'.repeat(10 * 1024 * 1024) });
    const sink = await sinkWith();
    takeMany(sink, 1);
    await reached(1);
  });
});

describe('a sink that takes nothing [fault 110]', () => {
  test('room closes at the bound and opens again; isRefused says whose fault it is', async () => {
    receiver.behave({ status: 503 });
    const sink = await sinkWith();
    const pad = 'x'.repeat(100_000);
    let count = 0;
    while (sink.room() === null && count < 1_000) {
      rig.take(sink, { n: count++, pad });
      sink.nudge();
    }
    expect(count * 200_000).toBeLessThan(limits.sinkPendingBytesMax * 1.1);
    expect(sink.isRefused).toBe(true);
    const room = sink.room();
    receiver.behave({ status: 200 });
    await room;
    await reached(count);
    expect(sink.isRefused).toBe(false);
  });

  const fill = (sink: Sink): number => {
    const pad = 'x'.repeat(100_000);
    let count = 0;
    for (; sink.hasRoom && count < 1_000; count++) rig.take(sink, { n: count, pad });
    return count;
  };

  test('keeps nothing of being asked for room, as it is for each record that is dropped', async () => {
    receiver.behave({ status: 503 });
    const sink = await sinkWith();
    fill(sink);
    const before = queryObjects(Promise, { format: 'count' });
    for (let asked = 0; asked < 100_000; asked++) expect(sink.hasRoom).toBe(false);
    expect(queryObjects(Promise, { format: 'count' }) - before).toBeLessThan(1_000);
  });

  test('sends at once what waits for company when it is full, although nobody waits for room', async () => {
    const sink = await sinkWith({ batch: { maxRecords: 10_000, maxBytes: 64 * 1024 * 1024, maxWaitMs: 60_000 } });
    const count = fill(sink);
    expect(sink.hasRoom).toBe(false);
    await reached(count);
    expect(sink.hasRoom).toBe(true);
  });
});

describe('a receiver that refuses for longer than the route waits', () => {
  const giveUp = (giveUpAfterMs: number, endsIn: ErrorPolicy['retryable']['endsIn']): void => {
    rig.policy = { ...rig.policy, retryable: { giveUpAfterMs, endsIn } };
  };

  test('is given up: its events are set aside in their order, each after one try more, and the position moves on', async () => {
    receiver.behave({ status: 503, body: 'closed for today' });
    giveUp(300, 'dead-letter');
    const sink = await sinkWith(batch(2));
    takeMany(sink, 5);
    await reached(5);
    expect(rig.aside.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4].map((n) => JSON.stringify({ n })));
    expect(rig.aside[0]!.refusal).toMatchObject({ errorClass: 'retryable', code: 'sink-refused' });
    expect(rig.aside[0]!.refusal.message).toContain('closed for today; given up after');
    // What comes later is not waited for either, also when nothing was under way meanwhile.
    const before = receiver.requests.length;
    takeMany(sink, 2);
    await reached(7);
    expect(receiver.requests).toHaveLength(before + 1);
  });

  test('that takes something again is given all of its time anew', async () => {
    receiver.behave({ status: 503 });
    giveUp(300, 'drop');
    const sink = await sinkWith();
    takeMany(sink, 1);
    await reached(1);
    receiver.behave({ status: 200 });
    takeMany(sink, 1);
    await reached(2);
    giveUp(3_600_000, 'drop');
    receiver.behave((_request, index) => ({ status: index % 2 === 0 ? 503 : 200 }));
    takeMany(sink, 3);
    await reached(5);
    expect(rig.aside).toHaveLength(1);
  });

  test('is tried on where the route stops: nothing is lost, and the trouble says for how long', async () => {
    receiver.behave((_request, index) => ({ status: index < 3 ? 503 : 200 }));
    giveUp(0, 'stop');
    const sink = await sinkWith();
    takeMany(sink, 2);
    await reached(2);
    expect(rig.aside).toEqual([]);
    expect(rig.troubles).toHaveLength(3);
    expect(rig.troubles.at(-1)!.failingForMs).toBeGreaterThan(50);
  });

  test('for want of permission or because of a quota is no such receiver', async () => {
    receiver.behave((_request, index) => ({ status: [401, 429][index] ?? 200 }));
    giveUp(0, 'drop');
    const sink = await sinkWith();
    takeMany(sink, 2);
    await reached(2);
    expect(rig.aside).toEqual([]);
  });
});

describe('secrets', () => {
  const auth = { secret: 'hook-token', scheme: 'bearer' } as const;

  test('are sent in the header that is asked for, and read anew when the receiver does not know them', async () => {
    secrets.set('hook-token', 'old-token');
    receiver.behave(({ headers }) => ({ status: headers['authorization'] === 'Bearer new-token' ? 200 : 401 }));
    const sink = await sinkWith({ auth });
    takeMany(sink, 1);
    await until(() => (rig.troubleCodes.has('sink-unauthorized') ? true : null), 'to be refused');
    secrets.set('hook-token', 'new-token\n');
    await reached(1);
    expect(receiver.requests.at(-1)!.headers['authorization']).toBe('Bearer new-token');
  });

  test.each([
    [
      { secret: 'login', scheme: 'basic' } as const,
      'authorization',
      `Basic ${Buffer.from('ann:pa:ss').toString('base64')}`,
    ],
    [{ secret: 'login', scheme: 'api-key' } as const, 'authorization', 'ApiKey ann:pa:ss'],
    [{ secret: 'login', scheme: 'header', header: 'x-api-key' } as const, 'x-api-key', 'ann:pa:ss'],
  ])('%j', async (wish, header, value) => {
    secrets.set('login', 'ann:pa:ss');
    takeMany(await sinkWith({ auth: wish }), 1);
    await reached(1);
    expect(receiver.requests[0]!.headers[header]).toBe(value);
  });

  test('never show in a trouble or a dead letter, even where the receiver repeats them', async () => {
    secrets.set('hook-token', 'canary-7f3a');
    receiver.behave(({ headers }, index) => ({
      status: index === 0 ? 500 : 400,
      body: `you sent ${headers['authorization']}`,
    }));
    takeMany(await sinkWith({ auth }), 1);
    await reached(1);
    expect(JSON.stringify([rig.troubles, rig.aside])).not.toContain('canary');
    expect(rig.aside[0]!.refusal.message).toContain('you sent ***');
  });

  test.each([
    ['where what is shown of the answer is cut', (sent: string) => `${'x'.repeat(1_010)} ${sent}`],
    ['as JSON writes them', (sent: string) => JSON.stringify({ authorization: sent })],
    ['as an address writes them', (sent: string) => `/hook?authorization=${encodeURIComponent(sent)}`],
  ])('never show, %s', async (_where, answer) => {
    secrets.set('hook-token', 'canary-"7f3a"\\/with more of it');
    receiver.behave(({ headers }, index) => ({
      status: index === 0 ? 500 : 400,
      body: answer(headers['authorization']!),
    }));
    takeMany(await sinkWith({ auth }), 1);
    await reached(1);
    expect(JSON.stringify([rig.troubles, rig.aside])).not.toContain('canary');
  });

  test('that are not there keep the sink from opening, with what to do', async () => {
    await expect(sinkWith({ auth: { secret: 'none', scheme: 'bearer' } })).rejects.toThrow('millrace secret set none');
    secrets.set('none', 'two\nlines');
    await expect(sinkWith({ auth: { secret: 'none', scheme: 'bearer' } })).rejects.toThrow(
      'one line of printable ASCII',
    );
    expect(receiver.requests).toEqual([]);
  });
});
