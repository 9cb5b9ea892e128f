// What the platform survives, each by doing it to a whole running platform: nothing acknowledged is lost, duplicates are counted.

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { environmentOfRunning } from '#adapters/local/platform-environment.ts';
import { freePorts } from '#adapters/local/ports.ts';
import { environment } from '#core/names.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { changeTopic, delivery, type Load, produceValues, readTopic, startLoad } from '#test/support/oracle-load.ts';
import { TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';

let platform: TestPlatform;
let load: Load | null = null;

beforeAll(async () => {
  platform = await TestPlatform.start();
}, 300_000);
afterEach(async () => {
  await load?.stop();
  load = null;
  await platform.pauseAll();
}, 120_000);
afterAll(() => platform?.stop(), 120_000);

/** A stream and a route that lets the even events through, running. */
async function evenRoute(name: string): Promise<{ job: string; source: string; sink: string }> {
  const source = `${name}-in`;
  const sink = `${name}-out`;
  await platform.apply([
    aDeclaration('Stream', source, { partitions: 4 }),
    aDeclaration('Route', name, {
      from: source,
      where: "parity = 'even'",
      select: 'n, text',
      to: [{ name: 'out', stream: sink }],
      health: { stalledAfter: '30s' },
    }),
  ]);
  return { job: `${name}.out`, source, sink };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function expectBalanced(job: string): Promise<void> {
  const { conditions, accounting } = (await platform.job(job)).status;
  expect(conditions.find((condition) => condition.type === 'Balanced')).toMatchObject({ status: 'true' });
  expect(accounting.in).toBeGreaterThan(0);
}

describe('a worker', () => {
  test('that is killed under load is replaced, and nothing is lost [fault 53]', async () => {
    const { job, ...topics } = await evenRoute('killed');
    load = startLoad(platform.kafka, topics.source, 2_000);
    for (let round = 0; round < 3; round++) {
      await load.more(2_000);
      const pid = await platform.workerPid(job);
      process.kill(pid, 'SIGKILL');
      await until(async () => ((await platform.workerPid(job)) !== pid ? true : null), 'another worker');
    }
    await load.more(2_000);
    const acknowledged = await load.stop();
    const { lost, duplicates, arrived } = await delivery(platform.kafka, topics, acknowledged);
    console.info(
      `worker killed 3 times: ${acknowledged.size} acknowledged, ${arrived} arrived, ${duplicates} duplicates`,
    );
    expect(lost).toEqual([]);
    // At most what one commit interval holds, for each kill.
    expect(duplicates).toBeLessThanOrEqual(3 * 4_000);
    await platform.phase(job, 'Running');
    await expectBalanced(job);
    expect((await platform.events(job)).map((event) => event.reason)).toContain('WorkerDied');
  }, 180_000);

  test('that is stopped for a minute is replaced meanwhile; when it wakes, its commits are refused and it ends [fault 54]', async () => {
    const { job, ...topics } = await evenRoute('frozen');
    load = startLoad(platform.kafka, topics.source, 500);
    await load.more(500);
    const pid = await platform.workerPid(job);
    process.kill(pid, 'SIGSTOP');
    const stoppedAt = Date.now();
    await until(async () => ((await platform.workerPid(job)) !== pid ? true : null), 'another worker');
    const replacedMs = Date.now() - stoppedAt;
    await load.more(1_000);
    await sleep(Math.max(0, 60_000 - (Date.now() - stoppedAt)));
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGCONT');
    await until(() => (isAlive(pid) ? null : true), 'the zombie to end');
    await load.more(500);
    const { lost, duplicates } = await delivery(platform.kafka, topics, await load.stop());
    console.info(`worker stopped for 60 s: replaced after ${replacedMs} ms, ${duplicates} duplicates`);
    expect(lost).toEqual([]);
    await expectBalanced(job);
  }, 240_000);
});

describe('events that no route expects', () => {
  test('go to the dead letters when they cannot be read, and hold up none of the good ones [fault 99] [fault 100] [fault 101]', async () => {
    const { job, ...topics } = await evenRoute('hostile');
    const good = (n: number): string => JSON.stringify({ n, parity: 'even', text: `good ${n}` });
    const big = JSON.stringify({ n: 6, parity: 'even', text: 'x'.repeat(2 * 1024 * 1024) });
    const readable = [
      '{"n":4,"parity":"odd","parity":"even","text":"twice"}',
      '{"n":8,"parity":"even","__proto__":{"polluted":true},"text":"proto"}',
    ];
    const bad = ['{"n":1,', '', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), '[1,2]', '{"n":NaN}'];
    await produceValues(platform.kafka, topics.source, [good(0), ...bad, good(2), ...readable, big, good(10)]);
    await until(
      async () => ((await platform.job(job)).status.accounting.in >= 11 ? true : null),
      'all 11 to be accounted for',
    );
    const arrived = (await readTopic(platform.kafka, topics.sink)).map(
      (record) => JSON.parse(record.value!.toString()) as { n: number },
    );
    expect(arrived.map(({ n }) => n).sort((a, b) => a - b)).toEqual([0, 2, 4, 6, 8, 10]);
    const dead = await readTopic(platform.kafka, `__dlq.${job}`);
    expect(dead.map((record) => record.value)).toEqual(expect.arrayContaining(bad.map((value) => Buffer.from(value))));
    expect(
      dead.every((record) => record.headers['millrace-error-message'] && record.headers['millrace-source-offset']),
    ).toBe(true);
    expect((await platform.job(job)).status.accounting).toMatchObject({
      in: 11,
      out: 6,
      filtered: 0,
      deadLettered: 5,
      dropped: {},
    });
    expect((await platform.cli(['dlq', 'show', job])).stdout).toContain('malformed');
  }, 120_000);
});

describe('Kafka', () => {
  test('that is killed under load comes back, events flow again, and nothing is lost [fault 84]', async () => {
    const { job, ...topics } = await evenRoute('broker');
    load = startLoad(platform.kafka, topics.source, 1_000);
    await load.more(1_000);
    const pid = platform.pid('kafka');
    platform.kill('kafka');
    await platform.restarted('kafka', pid);
    await load.more(2_000);
    const { lost, duplicates } = await delivery(platform.kafka, topics, await load.stop());
    console.info(`Kafka killed: ${duplicates} duplicates`);
    expect(lost).toEqual([]);
    await platform.phase(job, 'Running');
    await expectBalanced(job);
  }, 240_000);

  test('whose sink topic somebody deletes gets it back, and events flow again', async () => {
    const { job, ...topics } = await evenRoute('sinkless');
    await produceValues(platform.kafka, topics.source, ['{"n":0,"parity":"even"}']);
    await until(async () => ((await platform.job(job)).status.accounting.out >= 1 ? true : null), 'the first event');
    await changeTopic(platform.kafka, (admin) => admin.deleteTopics({ topics: [topics.sink] }));
    await until(
      async () =>
        (await platform.events(job)).length >= 0 &&
        (await platform.get<{ status: { phase: string } }>(`/v1/streams/${topics.sink}`)).status.phase === 'Ready'
          ? true
          : null,
      'the topic to be back',
    );
    await produceValues(platform.kafka, topics.source, ['{"n":2,"parity":"even"}']);
    await until(
      async () => {
        const records = await readTopic(platform.kafka, topics.sink).catch(() => []);
        return records.some((record) => record.value!.toString().includes('"n":2')) ? true : null;
      },
      'an event in the topic made anew',
      60_000,
    );
  }, 180_000);

  test('whose source topic somebody deletes gets it back, and new events flow [fault 92]', async () => {
    const { job, ...topics } = await evenRoute('sourceless');
    await produceValues(
      platform.kafka,
      topics.source,
      Array.from({ length: 20 }, (_, n) => `{"n":${n * 2},"parity":"even"}`),
    );
    await until(async () => ((await platform.job(job)).status.accounting.out >= 20 ? true : null), 'the first events');
    await changeTopic(platform.kafka, (admin) => admin.deleteTopics({ topics: [topics.source] }));
    await until(
      async () => {
        const sent = await produceValues(platform.kafka, topics.source, ['{"n":1000,"parity":"even"}']).then(
          () => true,
          () => null,
        );
        return sent;
      },
      'the topic to be back',
      60_000,
    );
    await until(
      async () => {
        const records = await readTopic(platform.kafka, topics.sink);
        return records.some((record) => record.value!.toString().includes('"n":1000')) ? true : null;
      },
      'a new event at the sink',
      60_000,
    );
  }, 180_000);
});

describe('the control plane', () => {
  test('can lose PostgreSQL under load: workers go on, and it settles afterwards [fault 5]', async () => {
    const { job, ...topics } = await evenRoute('goalless');
    load = startLoad(platform.kafka, topics.source, 500);
    await load.more(500);
    const worker = await platform.workerPid(job);
    for (let round = 0; round < 3; round++) {
      const pid = platform.pid('postgres');
      platform.kill('postgres');
      await load.more(300);
      await platform.restarted('postgres', pid);
    }
    const { lost, duplicates } = await delivery(platform.kafka, topics, await load.stop());
    expect({ lost, duplicates }).toEqual({ lost: [], duplicates: 0 });
    await platform.phase(job, 'Running');
    expect(await platform.workerPid(job)).toBe(worker);
  }, 180_000);

  test('can lose the reconciler at any moment of a change: every job ends up with exactly its workers [fault 17]', async () => {
    const names = ['crash-a', 'crash-b', 'crash-c'];
    const declare = (where: string) =>
      names.map((name) =>
        aDeclaration('Route', name, { from: 'crash-in', where, to: [{ name: 'out', stream: `${name}-out` }] }),
      );
    await platform.apply([aDeclaration('Stream', 'crash-in', { partitions: 2 })], []);
    for (const [round, delayMs] of [0, 40, 90, 160, 250].entries()) {
      await platform.apply(declare(`n > ${round}`), []);
      await sleep(delayMs);
      const pid = platform.pid('reconciler');
      platform.kill('reconciler');
      await platform.restarted('reconciler', pid);
    }
    for (const name of names) {
      await platform.phase(`${name}.out`, 'Running');
      const { workers, runningRevision, observedRevision } = (await platform.job(`${name}.out`)).status;
      expect(workers.filter((worker) => worker.state === 'running')).toHaveLength(1);
      expect(runningRevision).toBe(observedRevision);
    }
  }, 180_000);

  test('can have two reconcilers at once: they do not fight, and no job gets a worker too many [fault 19]', async () => {
    const [port = 0] = await freePorts(1);
    const env = {
      ...environmentOfRunning(platform.dataDir),
      [environment.reconcilerPort]: String(port),
      PATH: process.env['PATH'] ?? '',
    };
    const second = spawn(process.execPath, [join(import.meta.dirname, '../../functions/reconcile/local-main.ts')], {
      env,
      stdio: 'ignore',
    });
    try {
      await until(
        async () => ((await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok ? true : null),
        'the second reconciler',
      );
      const { job, ...topics } = await evenRoute('twice');
      for (let round = 0; round < 4; round++) {
        const pid = await platform.workerPid(job);
        process.kill(pid, 'SIGKILL');
        await until(async () => ((await platform.workerPid(job)) !== pid ? true : null), 'another worker');
      }
      await produceValues(platform.kafka, topics.source, ['{"n":2,"parity":"even"}']);
      await until(async () => ((await platform.job(job)).status.accounting.out >= 1 ? true : null), 'an event');
      const started = (await platform.events(job)).filter((event) => /worker \d+\/0 started/.test(event.message));
      const incarnations = started.map((event) => /worker (\d+)\/0 started/.exec(event.message)![1]);
      expect(new Set(incarnations).size).toBe(incarnations.length);
      expect((await platform.job(job)).status.workers.filter((worker) => worker.state === 'running')).toHaveLength(1);
    } finally {
      second.kill('SIGTERM');
      await until(
        () => (second.exitCode !== null || second.signalCode !== null ? true : null),
        'the second reconciler to end',
      );
    }
  }, 180_000);

  test('deleting a route ends its workers and clears what they left; declaring it again starts from the beginning [fault 13]', async () => {
    const { job, ...topics } = await evenRoute('reborn');
    await produceValues(platform.kafka, topics.source, ['{"n":2,"parity":"even"}']);
    await until(async () => ((await platform.job(job)).status.accounting.out >= 1 ? true : null), 'an event');
    const pid = await platform.workerPid(job);
    await platform.run(['delete', 'route', 'reborn', '--yes']);
    await until(() => (isAlive(pid) ? null : true), 'the worker to end');
    await evenRoute('reborn');
    await until(
      async () => ((await readTopic(platform.kafka, topics.sink)).length >= 2 ? true : null),
      'the event again',
    );
  }, 180_000);
});

describe('the goal store is the one truth', () => {
  test('Kafka wiped and started empty: every stream, topic and job is back, and new events flow', async () => {
    const { job, ...topics } = await evenRoute('wiped');
    const { job: other } = await evenRoute('wiped-too');
    await produceValues(platform.kafka, topics.source, ['{"n":2,"parity":"even"}']);
    await until(async () => ((await platform.job(job)).status.accounting.out >= 1 ? true : null), 'an event');
    const before = (await platform.run(['get', 'streams', '-o', 'name'])).split('\n').sort();
    const jobsBefore = (await platform.run(['get', 'jobs', '-o', 'name'])).split('\n').sort();
    await platform.run(['down', '--data', platform.dataDir], { withinMs: 90_000 });
    rmSync(join(platform.dataDir, 'parts', 'kafka'), { recursive: true });
    await platform.up();
    expect((await platform.run(['get', 'streams', '-o', 'name'])).split('\n').sort()).toEqual(before);
    await until(
      async () =>
        await produceValues(platform.kafka, topics.source, ['{"n":4,"parity":"even"}']).then(
          () => true,
          () => null,
        ),
      'the source topic to be back',
      60_000,
    );
    await until(
      async () => {
        const records = await readTopic(platform.kafka, topics.sink).catch(() => []);
        return records.some((record) => record.value!.toString().includes('"n":4')) ? true : null;
      },
      'a new event at the sink',
      60_000,
    );
    for (const name of [job, other]) await platform.workerPid(name);
    expect((await platform.run(['get', 'jobs', '-o', 'name'])).split('\n').sort()).toEqual(jobsBefore);
  }, 300_000);
});
