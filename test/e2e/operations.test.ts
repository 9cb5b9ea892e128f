// Operations on a whole running platform, as people ask for them: shown beforehand, carried out, with a receipt that is true.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OperationPlanView, OperationView } from '#core/api/wire.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { produceValues, readTopic } from '#test/support/oracle-load.ts';
import { TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
}, 300_000);
afterAll(() => platform?.stop(), 120_000);

/** A stream of two partitions and a route that lets the even events through, with so many events delivered. */
async function evenRoute(name: string, events: number): Promise<{ job: string; source: string; sink: string }> {
  const route = { job: `${name}.out`, source: `${name}-in`, sink: `${name}-out` };
  await platform.apply([
    aDeclaration('Stream', route.source, { partitions: 2 }),
    aDeclaration('Route', name, {
      from: route.source,
      where: "parity = 'even'",
      to: [{ name: 'out', stream: route.sink }],
    }),
  ]);
  await produceNumbers(route.source, 0, events);
  await accounted(route.job, events);
  return route;
}

const produceNumbers = (topic: string, from: number, count: number): Promise<void> =>
  produceValues(
    platform.kafka,
    topic,
    Array.from({ length: count }, (_, index) =>
      JSON.stringify({ n: from + index, parity: (from + index) % 2 === 0 ? 'even' : 'odd' }),
    ),
  );

const accounted = (job: string, count: number): Promise<true> =>
  until(
    async () => ((await platform.job(job)).status.accounting.in === count ? true : null),
    `${job} to have accounted for ${count}`,
  );

describe('a rewind', () => {
  test('reads again from where it says, with a receipt that is true, and the books stay balanced', async () => {
    const { job, source, sink } = await evenRoute('again', 400);
    const shown = JSON.parse(await platform.run(['rewind', job, '--to', 'earliest', '--dry-run', '-o', 'json']));
    expect((shown as OperationPlanView).plan).toMatchObject({ kind: 'rewind', records: 400 });
    expect((await platform.job(job)).status.accounting.in).toBe(400);

    const pidBefore = await platform.workerPid(job);
    const out = await platform.run([
      'rewind',
      job,
      '--to',
      'earliest',
      '--yes',
      '--wait',
      '-o',
      'json',
      '--reason',
      'a fix',
    ]);
    const done = JSON.parse(out) as OperationView;
    expect(done).toMatchObject({ state: 'succeeded', receipt: { records: 400, duplicates: { absorbed: false } } });
    expect(done.receipt?.splits.map(({ to }) => to)).toEqual(['0', '0']);
    console.info(`rewind: ${done.receipt?.tookMs} ms from the first worker's end to running again`);
    expect(await platform.workerPid(job)).not.toBe(pidBefore);

    await accounted(job, 800);
    const values = (await readTopic(platform.kafka, sink)).map(({ value }) => JSON.parse(String(value)).n as number);
    expect(values).toHaveLength(400);
    expect(new Set(values).size).toBe(200);
    const balanced = (await platform.job(job)).status.conditions.find(({ type }) => type === 'Balanced');
    expect(balanced).toMatchObject({
      status: 'true',
      message: expect.stringContaining('at most 400 of in were read again'),
    });
    const told = (await platform.events(job)).map(({ reason }) => reason);
    for (const reason of ['RewindRequested', 'PositionsSet', 'RewindDone']) expect(told).toContain(reason);
    // What came in meanwhile and after is delivered once.
    await produceNumbers(source, 400, 100);
    await accounted(job, 900);
  });

  test('to a checkpoint or an offset takes those positions; what would lose is refused, and nothing happens', async () => {
    const { job } = await evenRoute('placed', 100);
    const refused = await platform.cli(['rewind', job, '--to', '0:9000', '--yes']);
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('would leave out')]);
    expect((await platform.cli(['rewind', job, '--to', 'latest', '--yes'])).code).toBe(1);
    const wrong = await platform.cli(['rewind', job, '--to', 'checkpoint:999', '--yes']);
    expect(wrong.stderr).toMatch(/there is no checkpoint 999[\s\S]*there are \d/);
    const done = JSON.parse(await platform.run(['rewind', job, '--to', '1:10', '--yes', '--wait', '-o', 'json']));
    expect((done as OperationView).receipt?.splits).toMatchObject([{ split: 'placed-in/1', to: '10' }]);
    const { items } = await platform.get<{ items: OperationView[] }>(`/v1/jobs/${job}/operations`);
    expect(items.map(({ kind, state }) => [kind, state])).toEqual([['rewind', 'succeeded']]);
  });
});
