// A broker that is killed and comes back: calls wait for it, nothing acknowledged is lost, nothing is appended twice.
import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import { createRecordLog } from '#adapters/kafka/record-log.ts';
import { type OwnPart, ownKafka } from '#test/support/own-parts.ts';

describe('a broker that is killed and started again', () => {
  let kafka: OwnPart;
  beforeAll(async () => {
    kafka = await ownKafka();
  });
  afterAll(() => kafka[Symbol.asyncDispose]());

  test('is used again within 2 s of being ready, by clients that were connected before', async () => {
    const options = { brokers: [kafka.address], callMs: 2_000 };
    const admin = createBrokerAdmin(options);
    const log = createRecordLog(options);
    await admin.create('before', 2, {});
    await log.append('before', [{ key: null, value: null }]);
    await kafka.kill();
    await expect(admin.describe(['before'], [])).rejects.toMatchObject({ code: 'kafka-unavailable' });
    await expect(admin.list()).rejects.toMatchObject({ code: 'kafka-unavailable' });
    await kafka.start();
    const began = performance.now();
    expect(await admin.list()).toEqual(['before']);
    expect(await admin.describe(['before'], [])).toMatchObject([{ topic: 'before', partitions: 2 }]);
    expect(await admin.create('after', 1, {})).toBe('created');
    expect(await log.append('before', [{ key: null, value: null }])).toMatchObject([{ kind: 'appended' }]);
    expect(performance.now() - began).toBeLessThan(2_000);
    await Promise.all([log.close(), admin.close()]);
  });

  test('has every record that was acknowledged before, during and after, once; a reading goes on through it', async () => {
    const options = { brokers: [kafka.address], callMs: 30_000 };
    const admin = createBrokerAdmin(options);
    const log = createRecordLog(options);
    await admin.create('load', 2, {});
    const abort = new AbortController();
    const read: string[] = [];
    const reading = (async () => {
      for await (const { value } of log.read({ topic: 'load', from: 'earliest', follow: true, signal: abort.signal }))
        if (read.push(Buffer.from(value!).toString()) === 3_000) abort.abort();
    })();
    const restart = kafka.kill().then(() => kafka.start());
    for (let at = 0; at < 3_000; at += 100) {
      const records = Array.from({ length: 100 }, (_, index) => ({
        key: null,
        value: Buffer.from(String(at + index)),
      }));
      const outcomes = await log.append('load', records);
      expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['appended']));
    }
    await Promise.all([restart, reading]);
    expect(read.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 3_000 }, (_, index) => index));
    await Promise.all([log.close(), admin.close()]);
  });

  test('and that lost its newest records ends a reading that had been promised them with an error, not never', async () => {
    const options = { brokers: [kafka.address], callMs: 2_000 };
    const admin = createBrokerAdmin(options);
    const log = createRecordLog(options);
    await admin.create('shorter', 1, {});
    const append = async (): Promise<void> =>
      void (await log.append('shorter', [{ key: null, value: new Uint8Array(600_000) }]));
    for (let index = 0; index < 8; index++) await append();
    const request = {
      topic: 'shorter',
      from: 'earliest',
      follow: false,
      signal: new AbortController().signal,
    } as const;
    const reading = log.read(request)[Symbol.asyncIterator]();
    const first = await reading.next();
    expect(first.done).toBe(false);
    await kafka.kill();
    const segment = join(kafka.data, 'log/shorter-0/00000000000000000000.log');
    truncateSync(segment, Math.floor(statSync(segment).size / 2));
    await kafka.start();
    let count = 1;
    const rest = async (): Promise<void> => {
      while (!(await reading.next()).done) count++;
    };
    await expect(rest()).rejects.toMatchObject({
      code: 'topic-truncated',
      message: expect.stringMatching(/ended at 8/),
    });
    expect(count).toBeLessThan(8);
    await Promise.all([log.close(), admin.close()]);
  });

  test('and that lost all its data takes every record of a producer from before, and drops none as seen', async () => {
    const startEmpty = async (): Promise<void> => {
      await kafka.kill();
      kafka.wipe();
      await kafka.start();
    };
    await startEmpty();
    const options = { brokers: [kafka.address] };
    const values = (count: number) => Array.from({ length: count }, () => ({ key: null, value: Buffer.from('v') }));
    const admin = createBrokerAdmin(options);
    const before = createRecordLog(options);
    await admin.create('lost', 1, {});
    await before.append('lost', values(5));
    await startEmpty();
    expect(await admin.list()).toEqual([]);
    await admin.create('lost', 1, {});
    // The empty cluster gives out the producer ids of its former life again.
    const after = createRecordLog(options);
    for (let index = 0; index < 3; index++) await after.append('lost', values(1));
    expect(await before.append('lost', values(1))).toEqual([{ kind: 'appended', partition: 0, offset: '3' }]);
    expect(await admin.positions('lost')).toEqual([{ partition: 0, earliest: '0', latest: '4' }]);
    await Promise.all([before.close(), after.close(), admin.close()]);
  });
});
