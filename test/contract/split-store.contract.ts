// What every split store must do: one owner an epoch, and no commit of an owner that was.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { noRecords } from '#core/job/accounting.ts';
import type { SplitRecord, SplitStore } from '#core/ports/split-store.ts';

let jobCount = 0;
/** Each test works on a job of its own, so that they share one store. */
const newJob = (): string => `split-contract-${process.pid}-${Date.now()}-${++jobCount}`;

const aFreeSplit = (changes: Partial<SplitRecord> = {}): SplitRecord => ({
  split: 'plays/0',
  owner: null,
  epoch: 0,
  position: '0',
  topicId: 'topic-1',
  accounting: noRecords,
  ...changes,
});

const doneUpTo = (position: string, topicId = 'topic-1') => ({
  position,
  topicId,
  accounting: { ...noRecords, in: Number(position), out: Number(position), dropped: { poison: 0 } },
});

export function splitStoreContract(open: () => SplitStore): void {
  creationContract(open);
  claimContract(open);
  commitContract(open);
  releaseContract(open);
  placementContract(open);
  historyContract(open);
}

async function aClaimedSplit(store: SplitStore, worker = 'w1') {
  const job = newJob();
  const seen = await store.create(job, aFreeSplit());
  const outcome = await store.claim(job, seen, worker);
  expect(outcome.kind).toBe('claimed');
  return { job, seen, record: outcome.record!, held: { split: seen.split, worker, epoch: outcome.record!.epoch } };
}

const onlySplit = async (store: SplitStore, job: string): Promise<SplitRecord> => {
  const records = await store.list(job);
  expect(records).toHaveLength(1);
  return records[0]!;
};

function placementContract(open: () => SplitStore): void {
  const placement = (operation: string, sequence: number, to: string) => ({
    ...{ operation, sequence, from: '40', to, rewoundRecords: 40 - Number(to) },
  });

  test('an operation sets a position back: the split is free, its epoch higher, and its owner can commit nothing more', async () => {
    const store = open();
    const { job, held } = await aClaimedSplit(store);
    await store.commit(job, held, doneUpTo('40'));
    const seen = await onlySplit(store, job);
    expect(await store.place(job, seen, placement('op-1', 7, '12'))).toBe('placed');
    expect(await onlySplit(store, job)).toEqual({
      ...{ ...seen, owner: null, epoch: seen.epoch + 1, position: '12', placed: placement('op-1', 7, '12') },
    });
    expect(await store.commit(job, held, doneUpTo('60'))).toBe('fenced');
    expect((await onlySplit(store, job)).position).toBe('12');
  });

  test('asked for twice by one operation it is set once, also after others have gone on', async () => {
    const store = open();
    const { job, held } = await aClaimedSplit(store);
    await store.commit(job, held, doneUpTo('40'));
    const seen = await onlySplit(store, job);
    await store.place(job, seen, placement('op-1', 7, '12'));
    expect(await store.place(job, seen, placement('op-1', 7, '12'))).toBe('placed');
    const claimed = await store.claim(job, await onlySplit(store, job), 'w2');
    await store.commit(job, { split: seen.split, worker: 'w2', epoch: claimed.record!.epoch }, doneUpTo('20'));
    const later = await onlySplit(store, job);
    expect(await store.place(job, seen, placement('op-1', 7, '12'))).toBe('placed');
    expect(await store.place(job, later, placement('op-1', 7, '12'))).toBe('placed');
    expect(await onlySplit(store, job)).toEqual(later);
  });

  test('a split that was claimed, or whose topic was made anew, since it was seen stays as it is', async () => {
    const store = open();
    const job = newJob();
    const seen = await store.create(job, aFreeSplit({ position: '40' }));
    await store.claim(job, seen, 'w1');
    const claimed = await onlySplit(store, job);
    expect(await store.place(job, seen, placement('op-1', 7, '12'))).toBe('moved');
    expect(await store.place(job, { ...claimed, topicId: 'topic-2' }, placement('op-1', 7, '12'))).toBe('moved');
    expect(await onlySplit(store, job)).toEqual(claimed);
    expect(await store.place(job, { ...claimed, split: 'plays/9' }, placement('op-1', 7, '12'))).toBe('moved');
    expect(await onlySplit(store, job)).toEqual(claimed);
  });

  test('what an operation has put lower, later owners commit from, and the mark stays', async () => {
    const store = open();
    const job = newJob();
    const seen = await store.create(job, aFreeSplit({ position: '40' }));
    await store.place(job, seen, placement('op-1', 7, '12'));
    const claimed = await store.claim(job, await onlySplit(store, job), 'w1');
    const held = { split: seen.split, worker: 'w1', epoch: claimed.record!.epoch };
    expect(await store.commit(job, held, doneUpTo('13'))).toBe('committed');
    expect(await onlySplit(store, job)).toMatchObject({ position: '13', placed: { operation: 'op-1' } });
    expect(await store.place(job, await onlySplit(store, job), placement('op-2', 8, '3'))).toBe('placed');
    expect(await onlySplit(store, job)).toMatchObject({ position: '3', placed: { operation: 'op-2' } });
  });
}

function creationContract(open: () => SplitStore): void {
  test('a created split is listed as it was written, under its job only', async () => {
    const store = open();
    const job = newJob();
    const record = aFreeSplit({
      position: '9223372036854775807',
      accounting: { ...noRecords, dropped: { schema: 3 } },
    });
    expect(await store.create(job, record)).toEqual(record);
    expect(await store.list(job)).toEqual([record]);
    expect(await store.list(`${job}x`)).toEqual([]);
  });

  test('creating what is there changes nothing and gives what is there', async () => {
    const store = open();
    const { job, record } = await aClaimedSplit(store);
    expect(await store.create(job, aFreeSplit({ position: '99' }))).toEqual(record);
    expect(await store.list(job)).toEqual([record]);
  });

  test('racing creators all get the one record that stands', async () => {
    const store = open();
    const job = newJob();
    const created = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((each) => store.create(job, aFreeSplit({ position: String(each) }))),
    );
    const stands = await onlySplit(store, job);
    for (const record of created) expect(record).toEqual(stands);
  });

  test('all splits of a job with many are listed, and cleared', async () => {
    const store = open();
    const job = newJob();
    const names = Array.from({ length: 60 }, (_, index) => `plays/${index}`);
    await Promise.all(names.map((split) => store.create(job, aFreeSplit({ split }))));
    expect((await store.list(job)).map(({ split }) => split).sort()).toEqual(names.sort());
    await store.clear(job);
    expect(await store.list(job)).toEqual([]);
    await store.clear(job);
  });
}

function claimContract(open: () => SplitStore): void {
  test('a claim gives the owner the next epoch and keeps the position', async () => {
    const store = open();
    const { job, record } = await aClaimedSplit(store);
    expect(record).toEqual(aFreeSplit({ owner: 'w1', epoch: 1 }));
    expect(await onlySplit(store, job)).toEqual(record);
  });

  test('of racing claims one wins, and the others are shown who did', async () => {
    const store = open();
    const job = newJob();
    const seen = await store.create(job, aFreeSplit());
    const workers = Array.from({ length: 10 }, (_, index) => `w${index}`);
    const outcomes = await Promise.all(workers.map((worker) => store.claim(job, seen, worker)));
    const stands = await onlySplit(store, job);
    expect(stands.epoch).toBe(1);
    expect(outcomes.map(({ kind }) => kind).filter((kind) => kind === 'claimed')).toHaveLength(1);
    for (const [index, outcome] of outcomes.entries()) {
      expect(outcome).toEqual({ kind: stands.owner === workers[index] ? 'claimed' : 'lost', record: stands });
    }
  });

  test('a split is taken from an owner only as that owner was seen', async () => {
    const store = open();
    const { job, seen, record } = await aClaimedSplit(store);
    expect((await store.claim(job, seen, 'w2')).kind).toBe('lost');
    expect((await store.claim(job, { ...record, owner: 'w9' }, 'w2')).kind).toBe('lost');
    expect((await store.claim(job, { ...record, epoch: 0 }, 'w2')).kind).toBe('lost');
    expect(await store.claim(job, record, 'w2')).toMatchObject({ kind: 'claimed', record: { owner: 'w2', epoch: 2 } });
  });

  test('a claim of what is not there is lost', async () => {
    expect(await open().claim(newJob(), aFreeSplit(), 'w1')).toEqual({ kind: 'lost', record: null });
  });
}

function commitContract(open: () => SplitStore): void {
  test('the owner moves position, topic and accounting, and keeps the split', async () => {
    const store = open();
    const { job, held } = await aClaimedSplit(store);
    expect(await store.commit(job, held, doneUpTo('9007199254740993', 'topic-2'))).toBe('committed');
    expect(await onlySplit(store, job)).toEqual(
      aFreeSplit({ owner: 'w1', epoch: 1, ...doneUpTo('9007199254740993', 'topic-2') }),
    );
  });

  test('a commit of an owner that was is fenced and changes nothing [fault 54]', async () => {
    const store = open();
    const { job, held, record } = await aClaimedSplit(store);
    await store.claim(job, record, 'w2');
    const before = await onlySplit(store, job);
    expect(await store.commit(job, held, doneUpTo('500'))).toBe('fenced');
    expect(await store.release(job, held)).toBe('fenced');
    expect(await onlySplit(store, job)).toEqual(before);
  });

  test('an owner that lost its split and got it back cannot commit under its first epoch', async () => {
    const store = open();
    const { job, held, record } = await aClaimedSplit(store);
    const other = await store.claim(job, record, 'w2');
    const again = await store.claim(job, other.record!, 'w1');
    expect(again).toMatchObject({ kind: 'claimed', record: { owner: 'w1', epoch: 3 } });
    expect(await store.commit(job, held, doneUpTo('10'))).toBe('fenced');
    expect(await store.commit(job, { ...held, epoch: 3 }, doneUpTo('10'))).toBe('committed');
  });

  test('a commit is refused after the job was cleared', async () => {
    const store = open();
    const { job, held } = await aClaimedSplit(store);
    await store.clear(job);
    expect(await store.commit(job, held, doneUpTo('10'))).toBe('fenced');
    expect(await store.list(job)).toEqual([]);
  });

  test('repeating a commit is harmless, also when it arrives after a later one [fault 78]', async () => {
    const store = open();
    const { job, held } = await aClaimedSplit(store);
    expect(await store.commit(job, held, doneUpTo('9'))).toBe('committed');
    expect(await store.commit(job, held, doneUpTo('9'))).toBe('committed');
    expect(await store.commit(job, held, doneUpTo('10'))).toBe('committed');
    expect(await store.commit(job, held, doneUpTo('9'))).toBe('committed');
    expect(await onlySplit(store, job)).toMatchObject(doneUpTo('10'));
  });

  test('in a topic made anew the position starts again', async () => {
    const store = open();
    const { job, held } = await aClaimedSplit(store);
    await store.commit(job, held, doneUpTo('500'));
    expect(await store.commit(job, held, doneUpTo('3', 'topic-2'))).toBe('committed');
    expect(await onlySplit(store, job)).toMatchObject(doneUpTo('3', 'topic-2'));
  });
}

function releaseContract(open: () => SplitStore): void {
  test('a released split is free, with its epoch and position, and can be claimed with the next epoch', async () => {
    const store = open();
    const { job, held } = await aClaimedSplit(store);
    await store.commit(job, held, doneUpTo('7'));
    expect(await store.release(job, held)).toBe('committed');
    const free = await onlySplit(store, job);
    expect(free).toMatchObject({ owner: null, epoch: 1, position: '7' });
    expect(await store.claim(job, free, 'w2')).toMatchObject({ kind: 'claimed', record: { owner: 'w2', epoch: 2 } });
  });

  test('repeating a release is harmless, and after it the owner that was cannot commit', async () => {
    const store = open();
    const { job, held } = await aClaimedSplit(store);
    await store.release(job, held);
    expect(await store.release(job, held)).toBe('committed');
    expect(await store.commit(job, held, doneUpTo('7'))).toBe('fenced');
    expect(await onlySplit(store, job)).toMatchObject({ owner: null, position: '0' });
  });
}

/** One step of a worker that knows only what it last saw. */
type Step = { readonly worker: number; readonly act: 'look' | 'claim' | 'commit' | 'release'; readonly by: number };

const steps = fc.array(
  fc.record({
    worker: fc.nat({ max: 2 }),
    act: fc.constantFrom('look', 'claim', 'commit', 'release') satisfies fc.Arbitrary<Step['act']>,
    by: fc.integer({ min: 1, max: 50 }),
  }),
  { minLength: 10, maxLength: 25 },
);

function historyContract(open: () => SplitStore): void {
  test('whatever stale workers do: epochs never go back, an epoch has one owner, a position never goes back', async () => {
    const store = open();
    const property = fc.asyncProperty(steps, async (history) => {
      const job = newJob();
      const first = await store.create(job, aFreeSplit());
      const workers = [0, 1, 2].map((index) => ({ name: `w${index}`, seen: first, held: 0, position: 0 }));
      const ownerOfEpoch = new Map<number, string>();
      let before = first;
      for (const { worker, act, by } of history) {
        await carryOut(store, job, workers[worker]!, act, by);
        const now = await onlySplit(store, job);
        expect(now.epoch).toBeGreaterThanOrEqual(before.epoch);
        expect(Number(now.position)).toBeGreaterThanOrEqual(Number(before.position));
        if (now.owner !== null) {
          expect(ownerOfEpoch.get(now.epoch) ?? now.owner).toBe(now.owner);
          ownerOfEpoch.set(now.epoch, now.owner);
        }
        before = now;
      }
    });
    await fc.assert(property, { numRuns: 15 });
  });
}

interface SteppingWorker {
  readonly name: string;
  seen: SplitRecord;
  held: number;
  position: number;
}

async function carryOut(store: SplitStore, job: string, worker: SteppingWorker, act: Step['act'], by: number) {
  const held = { split: worker.seen.split, worker: worker.name, epoch: worker.held };
  switch (act) {
    case 'look':
      worker.seen = (await store.list(job))[0]!;
      return;
    case 'claim': {
      const outcome = await store.claim(job, worker.seen, worker.name);
      worker.seen = outcome.record!;
      if (outcome.kind === 'claimed')
        Object.assign(worker, { held: worker.seen.epoch, position: Number(worker.seen.position) });
      return;
    }
    case 'commit':
      worker.position += by;
      if (worker.held > 0) await store.commit(job, held, doneUpTo(String(worker.position)));
      return;
    case 'release':
      if (worker.held > 0) await store.release(job, held);
  }
}
