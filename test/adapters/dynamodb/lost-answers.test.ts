// What a write says when it was carried out and its answer was lost, and what a call says when nobody answers.
import { createServer, request, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createDynamo, type Dynamo } from '#adapters/dynamodb/client.ts';
import { createControlStore } from '#adapters/dynamodb/control-store.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { noRecords } from '#core/job/accounting.ts';
import { type LosingProxy, losingProxy } from '#test/support/losing-proxy.ts';
import { testAccessKey } from '#test/support/own-parts.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

let jobCount = 0;
const newJob = (): string => `lost-answers-${process.pid}-${Date.now()}-${++jobCount}`;
const aSplit = { split: 'plays/0', owner: null, epoch: 0, position: '0', topicId: 't', accounting: noRecords };

describe('an answer that was lost on its way', () => {
  let proxy: LosingProxy;
  let dynamo: Dynamo;
  beforeAll(async () => {
    const endpoint = process.env[testEnvironment.dynamodb] ?? '';
    const direct = createDynamo({ region: 'us-east-1', endpoint, credentials: testAccessKey });
    await createTables(direct);
    direct.close();
    proxy = await losingProxy(endpoint);
    dynamo = createDynamo({ region: 'us-east-1', endpoint: proxy.url, credentials: testAccessKey });
  });
  beforeEach(() => proxy.loseAnswers(0));
  afterAll(() => {
    dynamo.close();
    proxy.close();
  });

  test('does not make a worker believe that its claim was lost, nor that it was fenced', async () => {
    const store = createSplitStore(dynamo);
    const job = newJob();
    proxy.loseAnswers(1);
    const seen = await store.create(job, aSplit);
    expect(seen).toEqual(aSplit);
    proxy.loseAnswers(1);
    expect(await store.claim(job, seen, 'w1')).toMatchObject({ kind: 'claimed', record: { owner: 'w1', epoch: 1 } });
    const held = { split: seen.split, worker: 'w1', epoch: 1 };
    proxy.loseAnswers(1);
    expect(await store.commit(job, held, { position: '5', topicId: 't', accounting: noRecords })).toBe('committed');
    proxy.loseAnswers(1);
    expect(await store.release(job, held)).toBe('committed');
    expect(await store.list(job)).toEqual([{ ...aSplit, epoch: 1, position: '5' }]);
  });

  test('does not cost a leader its lease, nor a worker its life', async () => {
    const store = createWorkerStore(dynamo);
    const job = newJob();
    proxy.loseAnswers(1);
    const held = (await store.lead(job, 'w1', null))!;
    expect(held).toMatchObject({ worker: 'w1', epoch: 1 });
    proxy.loseAnswers(1);
    expect(await store.lead(job, 'w1', held)).toMatchObject({ worker: 'w1', epoch: 1 });
    proxy.loseAnswers(1);
    expect(await store.assign(job, held, { 'plays/0': 'w1' })).toBe('assigned');
    const seen = (await store.view(job)).leader;
    proxy.loseAnswers(1);
    expect(await store.lead(job, 'w2', seen)).toMatchObject({ worker: 'w2', epoch: 2 });
    proxy.loseAnswers(1);
    await store.fence(job, 'w2');
    expect(await store.view(job)).toMatchObject({ leader: null, fenced: ['w2'] });
  });

  test('does not make the reconciler take its own write for that of another', async () => {
    const store = createControlStore(dynamo);
    const record = {
      job: newJob(),
      uid: 'u',
      version: 1,
      incarnationLast: 0,
      revisionActed: 0,
      slots: {},
      announced: {},
      tasks: [],
      restartSequence: 0,
    };
    proxy.loseAnswers(1);
    expect(await store.write(record)).toBe('written');
    proxy.loseAnswers(1);
    expect(await store.write({ ...record, version: 2 })).toBe('written');
    proxy.loseAnswers(1);
    expect(await store.remove(record.job, 2)).toBe('removed');
  });

  test('is an unavailable store when it happens again and again', async () => {
    proxy.loseAnswers(10);
    const unavailable = { code: 'dynamodb-unavailable', fault: 'external', retry: 'retry' };
    await expect(createSplitStore(dynamo).list(newJob())).rejects.toMatchObject(unavailable);
  });
});

describe('a table that is throttled [fault 81]', () => {
  let throttledCount = 0;
  let server: Server;
  let dynamo: Dynamo;
  beforeAll(async () => {
    server = await throttling(process.env[testEnvironment.dynamodb] ?? '', () => throttledCount-- > 0);
    const { port } = server.address() as { port: number };
    dynamo = createDynamo({ region: 'us-east-1', endpoint: `http://127.0.0.1:${port}`, credentials: testAccessKey });
  });
  afterAll(() => {
    dynamo.close();
    server.closeAllConnections();
    server.close();
  });

  test('is asked again, and the write counts once', async () => {
    const store = createSplitStore(dynamo);
    const job = newJob();
    const seen = await store.create(job, aSplit);
    throttledCount = 2;
    expect(await store.claim(job, seen, 'w1')).toMatchObject({ kind: 'claimed', record: { owner: 'w1', epoch: 1 } });
    throttledCount = 2;
    expect(await store.list(job)).toMatchObject([{ owner: 'w1', epoch: 1 }]);
  });

  test('for long is unavailable for now: nobody is taken for fenced', async () => {
    throttledCount = 1_000;
    const held = { split: aSplit.split, worker: 'w1', epoch: 1 };
    const commit = createSplitStore(dynamo).commit(newJob(), held, {
      position: '5',
      topicId: 't',
      accounting: noRecords,
    });
    await expect(commit).rejects.toMatchObject({ code: 'dynamodb-unavailable', retry: 'retry' });
    throttledCount = 0;
  });
});

/** Passes requests on, but for those that it refuses as a table does whose capacity is used up. */
async function throttling(target: string, refuses: () => boolean): Promise<Server> {
  const exceeded = 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException';
  const server = createServer((asked, answer) => {
    if (refuses()) {
      asked.resume();
      answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
      answer.end(JSON.stringify({ __type: exceeded, message: 'throttled' }));
      return;
    }
    const { method, url, headers } = asked;
    const passed = request(new URL(url ?? '/', target), { method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('a store that does not answer', () => {
  const credentials = testAccessKey;
  const unavailable = { code: 'dynamodb-unavailable', fault: 'external', retry: 'retry' };

  test('is unavailable after its attempts, and no later [fault 132]', async () => {
    const proxy = await losingProxy(process.env[testEnvironment.dynamodb] ?? '');
    proxy.silence();
    const dynamo = createDynamo({ region: 'us-east-1', endpoint: proxy.url, credentials, requestMs: 300, attempts: 2 });
    const began = performance.now();
    await expect(createSplitStore(dynamo).list('any')).rejects.toMatchObject(unavailable);
    expect(performance.now() - began).toBeLessThan(3_000);
    dynamo.close();
    proxy.close();
  });

  test('and one whose answer does not come after its headers, however long its connection stays', async () => {
    const proxy = await losingProxy(process.env[testEnvironment.dynamodb] ?? '');
    const dynamo = createDynamo({ region: 'us-east-1', endpoint: proxy.url, credentials, requestMs: 300, attempts: 2 });
    const splits = createSplitStore(dynamo);
    proxy.stallBodies();
    const began = performance.now();
    await expect(splits.list('any')).rejects.toMatchObject(unavailable);
    expect(performance.now() - began).toBeLessThan(3_000);
    dynamo.close();
    proxy.close();
  });

  test('is unavailable where nobody listens', async () => {
    const dynamo = createDynamo({ region: 'us-east-1', endpoint: 'http://127.0.0.1:1', credentials });
    await expect(createWorkerStore(dynamo).view('any')).rejects.toMatchObject(unavailable);
    dynamo.close();
  });
});
