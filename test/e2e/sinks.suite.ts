// Sinks over HTTP on a whole running platform: declared by the command, under load, their workers killed; and secrets nowhere to be seen.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { environmentOfRunning } from '#adapters/local/platform-environment.ts';
import { placesIn } from '#adapters/local/platform-file.ts';
import { environment } from '#core/names.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { documentsIn } from '#test/support/opensearch-part.ts';
import { startLoad } from '#test/support/oracle-load.ts';

import { type Receiver, startReceiver } from '#test/support/receiver.ts';
import { anOpenSearch } from '#test/support/start-parts.ts';
import type { TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';

const canary = 'canary-4b1d-token';
const refusedNumber = 10;

let platform: TestPlatform;
let node: Awaited<ReturnType<typeof anOpenSearch>>;
let receiver: Receiver;
/** By the record's key: how often it came, and what it was. */
const received = new Map<string, { n: number; count: number }>();

interface Envelope {
  readonly key: string;
  readonly event: { readonly n: number };
}

const route = (): object =>
  aDeclaration('Route', 'plays', {
    from: 'playback',
    where: "parity = 'even'",
    select: "n, text, timestamptz '2026-02-03 04:05:06Z' AS ts",
    to: [
      { name: 'search', opensearch: { url: node.address, index: 'e2e-{ts:yyyy.MM}', batch: { maxRecords: 100 } } },
      {
        name: 'hook',
        http: {
          url: `${receiver.url}/plays`,
          envelope: true,
          batch: { maxRecords: 50 },
          auth: { secret: 'hook-token' },
        },
      },
    ],
  });

export function sinksSuite(given: () => TestPlatform): void {
  beforeAll(async () => {
    platform = given();
    [node, receiver] = await Promise.all([anOpenSearch(), startReceiver()]);
    receiver.behave(({ headers, body }) => {
      if (headers['authorization'] !== `Bearer ${canary}`) return { status: 401 };
      const events = JSON.parse(body) as Envelope[];
      if (events.some(({ event }) => event.n === refusedNumber))
        return { status: 422, body: `not ${refusedNumber}; you sent ${headers['authorization']}` };
      for (const { key, event } of events)
        received.set(key, { n: event.n, count: (received.get(key)?.count ?? 0) + 1 });
      return { status: 200 };
    });
  }, 300_000);
  afterAll(async () => {
    await Promise.all([node?.[Symbol.asyncDispose](), receiver?.close()]);
  }, 120_000);

  test('under load and kill -9 of their workers nothing is lost, and OpenSearch has nothing twice', async () => {
    await platform.run(['secret', 'set', 'hook-token'], { input: `${canary}\n` });
    expect(await platform.run(['secret', 'ls'])).toBe('hook-token\n');
    await platform.apply([aDeclaration('Stream', 'playback', { partitions: 4 }), route()]);
    const broker = environmentOfRunning(platform.dataDir)![environment.kafkaBrokers]!;
    const load = startLoad(broker, 'playback', 800);
    await load.more(1_000);
    for (const job of ['plays.search', 'plays.hook']) process.kill(await platform.workerPid(job), 'SIGKILL');
    await load.more(1_500);
    for (const job of ['plays.search', 'plays.hook']) process.kill(await platform.workerPid(job), 'SIGKILL');
    await load.more(1_000);
    const even = [...(await load.stop())].filter((n) => n % 2 === 0).sort((a, b) => a - b);
    const missing = (found: Iterable<number>): number[] => {
      const set = new Set(found);
      return even.filter((n) => !set.has(n));
    };
    const documents = await until(
      async () => {
        const found = [...(await documentsIn(node.address, 'e2e-*')).values()];
        return missing(found.map(({ source }) => (source as { n: number }).n)).length === 0 ? found : null;
      },
      'every event in OpenSearch',
      60_000,
    );
    expect(documents).toHaveLength(even.length);
    expect(new Set(documents.map(({ index }) => index))).toEqual(new Set(['e2e-2026.02']));
    const delivered = await until(
      () => {
        const found = [...received.values()].map(({ n }) => n);
        return missing([...found, refusedNumber]).length === 0 ? found : null;
      },
      'every event but the refused one at the receiver',
      60_000,
    );
    // A record's key is the same however often it comes, and whichever worker sends it.
    expect(delivered).toHaveLength(even.length - 1);
    for (const job of ['plays.search', 'plays.hook'])
      await until(async () => {
        const { accounting, conditions } = (await platform.job(job)).status;
        const balanced = conditions.find(({ type }) => type === 'Balanced');
        return balanced?.status === 'true' && accounting.out + accounting.deadLettered === even.length ? true : null;
      }, `the books of ${job}`);
  }, 240_000);

  test('the event that the receiver refuses is a dead letter of its own, with the answer', async () => {
    const shown = await platform.run(['dlq', 'show', 'plays.hook']);
    expect(shown).toContain('rejected sink-422: the receiver answered 422: not 10; you sent ***');
    expect(shown).toContain(`"n":${refusedNumber}`);
  });

  test('lists say where each job writes to', async () => {
    const jobs = await platform.run(['get', 'jobs']);
    expect(jobs).toContain(`opensearch ${new URL(node.address).host}/e2e-{ts:yyyy.MM}`);
    expect(jobs).toContain(`http ${receiver.url}/plays`);
  });

  test('T6: the secret stands in no file of the platform but its own, and in nothing that it says', async () => {
    for (const args of [
      ['describe', 'job', 'plays.hook'],
      ['get', 'routes', '-o', 'json'],
      ['events', 'plays.hook'],
      ['why', 'plays.hook'],
    ])
      expect(JSON.stringify(await platform.cli(args))).not.toContain('canary-4b1d');
    const own = placesIn(platform.dataDir).secrets;
    const files = readdirSync(platform.dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.startsWith(own));
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((path) => readIfThere(path).includes(canary))).toEqual([]);
  });
}

/** Parts remove files of their own while we look. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
