// A replay of dead letters by a real worker that is killed on the way: each is done with, few twice, and none that is not meant.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { deadLetterHeaders } from '#core/names.ts';
import { until } from '#test/support/until.ts';
import { addressesFromEnvironment, WorkerRig } from '#test/workers/worker-rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterAll(() => rig.close());

describe('a replay', () => {
  test('whose worker is killed goes on from its last commit; dead letters behind its end stay', async () => {
    const job = await rig.job({ select: 'n' });
    const letters = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({
        value: JSON.stringify({ n: from + index, text: 'x'.repeat(200) }),
        headers: {
          own: 'kept',
          [deadLetterHeaders.errorClass]: index % 2 === 0 ? 'poison' : 'schema',
          [deadLetterHeaders.topic]: job.source.topic,
        },
      }));
    await rig.produce(job.deadLetterTopic, letters(0, 2_000));
    await rig.produce(job.deadLetterTopic, letters(5_000, 100));
    const goal = {
      ...job,
      source: { stream: job.deadLetterTopic, topic: job.deadLetterTopic, start: { kind: 'earliest' } as const },
      settings: { ...job.settings, fetchBytesMax: 16 * 1024 },
      replay: { errorClass: 'poison', errorCode: null, where: null, ends: { 0: 2_000 }, recordsPerSecond: 400 },
    };
    const first = await rig.start(goal, 1);
    const before = await rig.accounted(goal, 200);
    first.child.kill('SIGKILL');
    await first.exited;
    await rig.workers.fence(goal.id, first.name);
    await rig.start(goal, 2);
    await until(
      async () => ((await rig.records(goal)).some(({ position }) => Number(position) >= 2_000) ? true : null),
      'the replay to pass its end',
    );
    const account = await rig.accounting(goal);
    expect(before.in).toBeLessThan(1_000);
    expect(account).toMatchObject({ in: 1_000, out: 1_000, deadLettered: 0 });
    const written = await rig.read(goal.sink.topic);
    const numbers = written.map(({ value }) => JSON.parse(String(value)).n as number);
    expect(new Set(numbers)).toEqual(new Set(Array.from({ length: 1_000 }, (_, index) => 2 * index)));
    // At most what a commit interval and one fetch hold.
    expect(numbers.length - 1_000).toBeLessThanOrEqual(400);
    expect(written.every(({ headers }) => Object.keys(headers).join() === 'own')).toBe(true);
    console.info(`replay killed once: 1000 meant, ${numbers.length - 1_000} twice`);
  });
});
