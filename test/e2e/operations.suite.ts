// Operations on a whole running platform, as people ask for them: shown beforehand, carried out, with a receipt that is true.
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DeadLetterSummary, EventView, OperationPlanView, OperationView } from '#core/api/wire.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { produceValues, readTopic } from '#test/support/oracle-load.ts';
import type { TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';

let platform: TestPlatform;

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

export function operationsSuite(given: () => TestPlatform): void {
  beforeAll(() => {
    platform = given();
  });
  afterEach(() => platform.pauseAll(), 120_000);

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
      if (done.receipt?.kind !== 'rewind') throw new Error('no receipt');
      expect(done.receipt.splits.map(({ to }) => to)).toEqual(['0', '0']);
      console.info(`rewind: ${done.receipt.tookMs} ms from the first worker's end to running again`);
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
      expect(done as OperationView).toMatchObject({ receipt: { splits: [{ split: 'placed-in/1', to: '10' }] } });
      const { items } = await platform.get<{ items: OperationView[] }>(`/v1/jobs/${job}/operations`);
      expect(items.map(({ kind, state }) => [kind, state])).toEqual([['rewind', 'succeeded']]);
    });
  });

  describe('a switch', () => {
    test('gives a job the mirror of its source, with nothing left out, and then another sink, with each event in one of them', async () => {
      const { job, source, sink } = await evenRoute('moved', 200);
      await platform.apply([aDeclaration('Stream', 'moved-mirror', { partitions: 3 })], []);
      await until(
        async () =>
          (await platform.get<{ status: { phase: string } }>('/v1/streams/moved-mirror')).status.phase === 'Ready' ||
          null,
        'the mirror',
      );
      await produceNumbers('moved-mirror', 0, 200);
      // What waits in the old source and is not in the new one would be left out.
      await platform.run(['pause', job, '--wait']);
      await produceNumbers(source, 200, 10);
      const refused = await platform.cli(['switch', job, '--source', 'moved-mirror', '--yes']);
      expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('would be left out')]);

      await produceNumbers('moved-mirror', 200, 10);
      const moving = ['switch', job, '--source', 'moved-mirror', '--yes', '--wait', '-o', 'json'];
      const done = JSON.parse(await platform.run([...moving, '--reason', 'new cluster'])) as OperationView;
      expect(done).toMatchObject({ state: 'succeeded', receipt: { what: 'source', to: 'moved-mirror' } });
      if (done.receipt?.kind !== 'switch') throw new Error('no receipt');
      expect(done.receipt.left.reduce((sum, { at }) => sum + Number(at), 0)).toBe(200);
      await platform.run(['resume', job, '--wait']);
      await produceNumbers('moved-mirror', 210, 40);
      const numbersIn = async (topic: string): Promise<Set<number>> =>
        new Set((await readTopic(platform.kafka, topic)).map(({ value }) => JSON.parse(String(value)).n as number));
      await until(async () => ((await numbersIn(sink)).size === 125 ? true : null), 'all of them in the sink');
      expect((await platform.get<{ spec: { from: string } }>('/v1/routes/moved')).spec.from).toBe('moved-mirror');

      const before = (await readTopic(platform.kafka, sink)).length;
      const other = ['switch', job, '--sink', 'moved-there', '--yes', '--wait', '-o', 'json'];
      expect(JSON.parse(await platform.run(other))).toMatchObject({ state: 'succeeded', receipt: { what: 'sink' } });
      await produceNumbers('moved-mirror', 250, 20);
      await until(async () => ((await numbersIn('moved-there')).size === 10 ? true : null), 'the new sink');
      expect(await readTopic(platform.kafka, sink)).toHaveLength(before);
      const told = (await platform.events(job)).map(({ reason }) => reason);
      for (const reason of ['SwitchRequested', 'PositionsSet', 'SwitchDone']) expect(told).toContain(reason);
      const balanced = (await platform.job(job)).status.conditions.find(({ type }) => type === 'Balanced');
      expect(balanced?.status).toBe('true');
    });
  });

  describe('an override', () => {
    test('throttles a running job without a restart, and ends by itself', async () => {
      const { job, source } = await evenRoute('held', 50);
      const pid = await platform.workerPid(job);
      const taken = async (): Promise<number> =>
        (await platform.events(job)).filter(({ reason }) => reason === 'SettingsTaken').length;
      const askedAt = performance.now();
      const wish = ['throttle.recordsPerSecond', '20', '--reason', 'the service is being moved', '--expires', '15s'];
      expect(await platform.run(['config', 'set', job, ...wish])).toContain('running workers take it over');
      await until(async () => ((await taken()) >= 1 ? true : null), 'the workers to take it over');
      console.info(
        `config set: ${Math.round(performance.now() - askedAt)} ms from the command to all workers going by it`,
      );
      const shown = await platform.run(['config', 'explain', job]);
      expect(shown).toMatch(
        /throttle\.recordsPerSecond +20 +override +yes +the API until .*the service is being moved/,
      );
      await produceNumbers(source, 50, 2_000);
      await until(async () => ((await taken()) >= 2 ? true : null), 'the override to end', 60_000);
      await accounted(job, 2_050);
      expect(await platform.workerPid(job)).toBe(pid);
    });
  });

  describe('a revision on trial', () => {
    test('gets the rest where nothing speaks against it, and makes room where its records fail; nothing is lost or doubled', async () => {
      const source = 'tried-in';
      const declare = (select: string, more: readonly string[] = []): Promise<void> => {
        const spec = { from: source, select, to: [{ name: 'out', stream: 'tried-out' }] };
        const route = aDeclaration('Route', 'tried', { ...spec, delivery: { onRedeploy: 'canary' } });
        return platform.apply([aDeclaration('Stream', source, { partitions: 4 }), route], more);
      };
      const told = async (reason: string): Promise<EventView> =>
        await until(
          async () => (await platform.events('tried.out')).find((event) => event.reason === reason) ?? null,
          `tried.out to tell of ${reason}`,
          90_000,
        );
      const onTrial = (): Promise<true> =>
        until(async () => {
          const { workers } = (await platform.job('tried.out')).status;
          return workers.some(({ state, splits }) => state === 'canary' && splits > 0) || null;
        }, 'a worker on trial to have its split');
      await declare('n', ['--wait', '--timeout', '120s']);
      await produceNumbers(source, 0, 400);
      await accounted('tried.out', 400);
      const isProven = async () => ((await platform.job('tried.out')).status.provenRevision === 1 ? true : null);
      await until(isProven, 'revision 1 to have got somewhere');
      await declare('n, n * 2 AS twice');
      await onTrial();
      await produceNumbers(source, 400, 6_000);
      expect((await told('CanaryPromoted')).evidence).toMatchObject({ tried: 2, runs: 1, canary: { bad: 0 } });
      expect((await told('RevisionDeployed')).evidence).toMatchObject({ strategy: 'canary', killed: 0, to: 2 });
      await accounted('tried.out', 6_400);
      const numbers = (await readTopic(platform.kafka, 'tried-out')).map(({ value }) => JSON.parse(String(value)).n);
      expect([numbers.length, new Set(numbers).size]).toEqual([6_400, 6_400]);

      const isAlone = async () => ((await platform.job('tried.out')).status.workers.length === 1 ? true : null);
      await until(isAlone, 'the worker that tried it to have ended');
      const pid = await platform.workerPid('tried.out');
      await declare('n, 100 / (n - n)::int AS share');
      await onTrial();
      await produceNumbers(source, 6_400, 400);
      expect((await told('RolledBack')).evidence).toMatchObject({ tried: 3, runs: 2 });
      await accounted('tried.out', 6_800);
      await produceNumbers(source, 6_800, 100);
      await accounted('tried.out', 6_900);
      const { status } = await platform.job('tried.out');
      expect([status.observedRevision, status.runningRevision]).toEqual([3, 2]);
      expect(await platform.workerPid('tried.out')).toBe(pid);
      expect(status.accounting.in).toBe(
        status.accounting.filtered + status.accounting.out + status.accounting.deadLettered,
      );
      expect(status.accounting.deadLettered).toBeGreaterThanOrEqual(20);
    });
  });

  describe('dead letters', () => {
    test('are counted by why, shown by filter, and replayed through the corrected route, each once; what fails again says so', async () => {
      const source = 'ratios-in';
      const route = (select: string) =>
        aDeclaration('Route', 'ratios', { from: source, select, to: [{ name: 'out', stream: 'ratios-out' }] });
      await platform.apply([aDeclaration('Stream', source, { partitions: 2 }), route('id, 100 / (n::int) AS share')]);
      const events = [
        ...Array.from({ length: 40 }, (_, n) => JSON.stringify({ id: `ok${n}`, n: n + 1 })),
        ...Array.from({ length: 10 }, (_, n) => JSON.stringify({ id: `zero${n}`, n: 0 })),
        ...Array.from({ length: 5 }, (_, n) => JSON.stringify({ id: `text${n}`, n: 'many' })),
        '{"id": "cut',
      ];
      await produceValues(platform.kafka, source, events);
      const { accounting } = await until(async () => {
        const { status } = await platform.job('ratios.out');
        return status.accounting.in === events.length ? status : null;
      }, 'all to be accounted for');
      expect(accounting).toMatchObject({ out: 40, deadLettered: 16 });

      const counted = JSON.parse(await platform.run(['dlq', 'ls', 'ratios', '-o', 'json'])) as DeadLetterSummary;
      expect(counted).toMatchObject({ total: 16, isComplete: true });
      expect(counted.items.map(({ count }) => count)).toEqual([10, 5, 1]);
      const zeros = counted.items[0]!;
      const shown = await platform.run(['dlq', 'show', 'ratios', '--where', "id = 'zero3'", '-o', 'json']);
      expect(JSON.parse(shown).items).toMatchObject([{ value: { id: 'zero3', n: 0 } }]);
      expect(
        JSON.parse(await platform.run(['dlq', 'show', 'ratios', '--code', zeros.errorCode, '-o', 'json'])).items,
      ).toHaveLength(10);
      const none = await platform.cli(['dlq', 'replay', 'ratios', '--where', "id = 'nobody'", '--yes']);
      expect([none.code, none.stderr]).toEqual([5, expect.stringContaining('no dead letter')]);

      // Zero is taken care of now, text still is not.
      await platform.apply([route('id, CASE WHEN n = 0 THEN 0 ELSE 100 / (n::int) END AS share')]);
      const plan = JSON.parse(
        await platform.run(['dlq', 'replay', 'ratios', '--dry-run', '-o', 'json']),
      ) as OperationPlanView;
      expect(plan.plan).toMatchObject({ kind: 'replay', matching: 16 });
      const ask = [
        'dlq',
        'replay',
        'ratios',
        '--class',
        'poison',
        '--where',
        "id LIKE 'zero%' OR id LIKE 'text%'",
        '--yes',
        '--wait',
        '-o',
        'json',
      ];
      const done = JSON.parse(await platform.run(ask, { withinMs: 90_000 })) as OperationView;
      expect(done).toMatchObject({
        state: 'succeeded',
        receipt: { replayed: 15, passed: 10, filtered: 0, failedAgain: 5, dropped: 0 },
      });

      const ids = (await readTopic(platform.kafka, 'ratios-out')).map(
        ({ value }) => JSON.parse(String(value)).id as string,
      );
      expect(ids).toHaveLength(50);
      expect(new Set(ids).size).toBe(50);
      const letters = await readTopic(platform.kafka, '__dlq.ratios.out');
      const again = letters.filter(({ headers }) => headers['millrace-replays'] === '1');
      expect(again).toHaveLength(5);
      for (const { headers } of again)
        expect(headers).toMatchObject({ 'millrace-source-topic': source, 'millrace-job': 'ratios.out' });
      const after = JSON.parse(await platform.run(['dlq', 'ls', 'ratios', '-o', 'json'])) as DeadLetterSummary;
      expect(after.items.map(({ count, failedAgain }) => [count, failedAgain]).sort()).toEqual([
        [1, 0],
        [10, 0],
        [10, 5],
      ]);

      // Nothing is left of the replay, and the job went on beside it.
      await until(
        async () => ((await platform.job('ratios.out')).status.phase === 'Running' ? true : null),
        'the job to run',
      );
      expect((await platform.job('ratios.out')).status.workers.filter(({ state }) => state === 'running')).toHaveLength(
        1,
      );
      const told = (await platform.events('ratios.out')).map(({ reason }) => reason);
      for (const reason of ['ReplayDeadLettersRequested', 'ReplayDeadLettersDone']) expect(told).toContain(reason);
      expect(
        JSON.parse(await platform.run(['get', 'jobs', '-o', 'json'])).items.map(({ name }: { name: string }) => name),
      ).toContain('ratios.out');
    });
  });
}
