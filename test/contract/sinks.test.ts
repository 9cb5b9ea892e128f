// All kinds of sinks under one contract, and what OpenSearch alone does: ids, indices by time, answers document by document.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import type { OpenSearchSinkGoal } from '#core/job/sink-goal.ts';
import { documentsIn } from '#test/support/opensearch-part.ts';

import { type Receiver, type Reply, startReceiver } from '#test/support/receiver.ts';
import { anOpenSearch } from '#test/support/start-parts.ts';
import { until } from '#test/support/until.ts';
import { SinkRig } from '#test/workers/sinks/sink-rig.ts';
import { openSearchSink } from '#workers/sinks/opensearch-sink.ts';
import type { RemoteParts } from '#workers/sinks/remote/remote-sink.ts';
import type { Sink } from '#workers/sinks/sink.ts';
import { sinkContract } from './sink.contract.ts';
import { httpUnderTest, openSearchGoal, openSearchUnderTest, partsOf, streamUnderTest } from './sinks-under-test.ts';

let node: Awaited<ReturnType<typeof anOpenSearch>>;
beforeAll(async () => {
  [node] = await Promise.all([anOpenSearch(), loadParser()]);
}, 300_000);
afterAll(async () => await node?.[Symbol.asyncDispose]());

sinkContract('stream', streamUnderTest);
sinkContract('http', httpUnderTest);
sinkContract('opensearch', () => openSearchUnderTest(() => node.address));

describe('the OpenSearch sink on a real OpenSearch', () => {
  let proxy: Receiver;
  let rig: SinkRig;
  let index: string;
  const opened: Sink[] = [];

  beforeEach(async () => {
    proxy = await startReceiver({ before: node.address });
    rig = new SinkRig();
    index = `t${randomUUID().slice(0, 8)}`;
  });
  afterEach(async () => {
    for (const sink of opened.splice(0)) await sink.close();
    await proxy.close();
  });

  async function sinkWith(
    more: Partial<OpenSearchSinkGoal> = {},
    of: SinkRig = rig,
    parts: Partial<RemoteParts> = {},
  ): Promise<Sink> {
    const sink = openSearchSink(openSearchGoal(proxy.url, { index, ...more }), { ...partsOf(of), ...parts });
    opened.push(sink);
    await sink.open();
    return sink;
  }
  const reached = (position: number, of = rig): Promise<true> =>
    until(() => (of.position() >= position ? true : null), `position ${position}`);
  const bulks = (): number => proxy.requests.filter(({ path }) => path.startsWith('/_bulk')).length;
  /** The next bulk's answer is changed; all after it are as they are. */
  const changeOnce = (change: (answer: Reply) => Reply): void => {
    const before = bulks();
    proxy.behave(() => (bulks() === before + 1 ? { change } : 'forward'));
  };
  const itemsOf = (answer: Reply): { errors: boolean; items: { index: { status: number } }[] } =>
    JSON.parse(answer.body ?? '') as { errors: boolean; items: { index: { status: number } }[] };

  test('a document’s id is its place in the stream, so what is written twice is there once', async () => {
    const sink = await sinkWith();
    for (let n = 0; n < 5; n++) rig.take(sink, { n });
    sink.nudge();
    await reached(5);
    const replay = new SinkRig();
    const replacement = await sinkWith({}, replay);
    for (let n = 0; n < 5; n++) replay.take(replacement, { n });
    replacement.nudge();
    await reached(5, replay);
    expect([...(await documentsIn(node.address, index)).keys()].sort()).toEqual(
      [0, 1, 2, 3, 4].map((offset) => `plays-0-${offset}-5f0c7a1e`),
    );
  });

  test('elements of one record are documents of their own', async () => {
    const sink = await sinkWith();
    rig.take(sink, { n: 0 }, { elements: 3 });
    sink.nudge();
    await reached(1);
    expect([...(await documentsIn(node.address, index)).keys()].sort()).toEqual(
      [0, 1, 2].map((element) => `plays-0-0-5f0c7a1e-${element}`),
    );
  });

  test('an id of one’s own keeps the newest event of each, and a NULL one is refused', async () => {
    const sink = await sinkWith({ keyed: true, batch: { maxRecords: 3, maxBytes: 100_000, maxWaitMs: 10 } });
    for (let n = 0; n < 200; n++) rig.take(sink, { n }, { key: `user ${n % 10}` });
    expect(rig.take(sink, { n: 200 }, { key: null }).refusal).toMatchObject({ code: 'sink-no-id' });
    sink.nudge();
    await reached(201);
    const found = await documentsIn(node.address, index);
    expect([...found].map(([id, { source }]) => [id, (source as { n: number }).n]).sort()).toEqual(
      Array.from({ length: 10 }, (_, user) => [`user ${user}`, 190 + user]),
    );
  });

  test('where a partition’s order is asked for, its documents come in it, one request after the other', async () => {
    const batch = { maxRecords: 5, maxBytes: 100_000, maxWaitMs: 10 };
    const sink = await sinkWith({ keyed: true, batch }, rig, { ordering: 'per-partition' });
    for (let n = 0; n < 60; n++) rig.take(sink, { n }, { key: `user ${n}` });
    sink.nudge();
    await reached(60);
    const sent = proxy.requests.flatMap(({ body }) =>
      [...body.matchAll(/"n":(\d+)/g)].map((match) => Number(match[1])),
    );
    expect(sent).toEqual(Array.from({ length: 60 }, (_, n) => n));
  });

  test('the index bears the event’s date; an event without a time is refused', async () => {
    const planned = planRoute({ select: '"ts" AS at' }, [
      { name: 'ts', type: { kind: 'scalar', type: 'timestamptz' } },
    ]);
    if (!planned.ok) throw new Error('the plan is refused');
    const sink = await sinkWith({ index: `${index}-{ts:yyyy.MM}`, indexTime: planned.value });
    const times = ['2026-01-31T23:30:00-01:00', '2026-01-31T23:30:00Z', Date.UTC(2025, 11, 1), '2026-02-01T00:00:00Z'];
    for (const ts of times) rig.take(sink, { ts });
    for (const ts of [null, '20260-01-01', '0001-01-01T00:00:00Z'])
      expect(rig.take(sink, { ts }).refusal).toMatchObject({ errorClass: 'rejected', code: 'sink-no-index' });
    sink.nudge();
    await reached(7);
    const found = await documentsIn(node.address, `${index}-*`);
    expect([...found.values()].map((document) => document.index.slice(index.length)).sort()).toEqual([
      '-2025.12',
      '-2026.01',
      '-2026.02',
      '-2026.02',
    ]);
  });

  test('documents that do not fit are set aside with the cluster’s reason, each alone [fault 107] [fault 108]', async () => {
    const sink = await sinkWith();
    for (let n = 0; n < 10; n++) rig.take(sink, n === 3 || n === 7 ? { size: `not ${n}` } : { size: n });
    rig.take(sink, 'no JSON\n{"delete":{"_id":"x"}}');
    sink.nudge();
    await reached(11);
    expect(rig.aside.map(({ value }) => value)).toEqual([
      '{"size":"not 3"}',
      '{"size":"not 7"}',
      expect.stringContaining('no JSON'),
    ]);
    expect(rig.aside[0]!.refusal).toMatchObject({ errorClass: 'rejected', code: 'sink-400' });
    expect(rig.aside[0]!.refusal.message).toMatch(
      /answered 400 .*mapper_parsing_exception: failed to parse field \[size\]/,
    );
    expect((await documentsIn(node.address, index)).size).toBe(8);
  });

  test('a document that is throttled is written again, and later ones of its id behind it [fault 106] [fault 111]', async () => {
    const sink = await sinkWith({ keyed: true });
    changeOnce((answer) => {
      const told = itemsOf(answer);
      told.items[0]!.index.status = 429;
      return { ...answer, body: JSON.stringify({ ...told, errors: true }) };
    });
    for (const [n, key] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'a'],
    ] as const)
      rig.take(sink, { n }, { key });
    sink.nudge();
    await reached(3);
    expect(bulks()).toBe(2);
    expect([...(await documentsIn(node.address, index)).values()]).toEqual([{ index, source: { n: 3 } }]);
  });

  test.each([
    ['no JSON', (answer: Reply): Reply => ({ ...answer, body: '<html>' })],
    [
      'fewer items',
      (answer: Reply): Reply => ({
        ...answer,
        body: JSON.stringify({ errors: false, items: itemsOf(answer).items.slice(1) }),
      }),
    ],
    [
      'items in another order',
      (answer: Reply): Reply => ({
        ...answer,
        body: JSON.stringify({ errors: false, items: itemsOf(answer).items.reverse() }),
      }),
    ],
    ['no items at all', (answer: Reply): Reply => ({ ...answer, body: '{"errors":false}' })],
  ])('an answer that does not account for each document (%s) acknowledges none', async (_what, change) => {
    const sink = await sinkWith();
    changeOnce(change);
    for (let n = 0; n < 3; n++) rig.take(sink, { n });
    sink.nudge();
    await reached(3);
    expect(rig.troubleCodes).toEqual(new Set(['sink-answer-malformed']));
    expect(bulks()).toBe(2);
    expect((await documentsIn(node.address, index)).size).toBe(3);
  });

  test('an answer that is lost after the effect doubles nothing [fault 109]', async () => {
    const sink = await sinkWith();
    proxy.behave(() => (bulks() <= 2 && bulks() > 0 ? 'lose' : 'forward'));
    for (let n = 0; n < 50; n++) rig.take(sink, { n, pad: 'x'.repeat(100) });
    sink.nudge();
    await reached(50);
    expect(rig.troubleCodes).toContain('sink-unavailable');
    expect((await documentsIn(node.address, index)).size).toBe(50);
    const bulk = proxy.requests.find(({ path }) => path.startsWith('/_bulk'))!;
    expect(bulk.headers['content-encoding']).toBe('gzip');
  });

  test('does not open while the cluster is away or does not know us', async () => {
    proxy.behave({ status: 503 });
    await expect(sinkWith()).rejects.toThrow('the cluster answers 503');
    proxy.behave({ status: 401 });
    await expect(sinkWith()).rejects.toThrow('does not know us (401)');
    proxy.behave('cut');
    await expect(sinkWith()).rejects.toThrow(/127\.0\.0\.1/);
    proxy.behave({ status: 403 });
    await sinkWith();
  });
});
