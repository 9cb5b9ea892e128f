// What every worker store must do: a worker declared dead stays dead, and a job has one leader that is obeyed.
import { expect, test } from '@jest/globals';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { storedLive } from '#core/job/live-settings.ts';
import { jobId, workerName } from '#core/names.ts';
import type { LeaderRecord, WorkerStore } from '#core/ports/worker-store.ts';
import { aHeartbeat, aJobEntry, aJobGoal, aSplit } from '#test/support/builders.ts';

let jobCount = 0;
const newJob = (): string => jobId('worker-contract', 'plays.out', `${process.pid}-${Date.now()}-${++jobCount}`);

const beatOf = (job: string, incarnation: number, changes: Partial<Heartbeat> = {}): Heartbeat =>
  aHeartbeat(aJobEntry({ goal: aJobGoal({ id: job }) }), incarnation, { beat: 1, ...changes });

export function workerStoreContract(open: () => WorkerStore): void {
  heartbeatContract(open);
  fencingContract(open);
  leadershipContract(open);
  assignmentContract(open);
}

function heartbeatContract(open: () => WorkerStore): void {
  test('a job that nobody has reported about has nothing', async () => {
    const nothing = { heartbeats: [], fenced: [], leader: null, assignment: null, live: null };
    expect(await open().view(newJob())).toEqual(nothing);
  });

  test("the newest heartbeat of each of a job's workers is seen as it was written, and no other job's", async () => {
    const store = open();
    const job = newJob();
    const errors = [{ at: 1, code: 'poison', message: 'not JSON: "\u0000é\ud83d\ude00"', count: 2 }];
    const newest = beatOf(job, 1, {
      beat: 2,
      busyRatio: 0.1 + 0.2,
      errors,
      splits: [aSplit({ position: '9007199254740993' })],
    });
    expect(await store.beat(beatOf(job, 1))).toBe('alive');
    expect(await store.beat(newest)).toBe('alive');
    const other = beatOf(job, 2, { slot: 1, leader: false });
    await store.beat(other);
    await store.beat(beatOf(newJob(), 1));
    const { heartbeats } = await store.view(job);
    expect([...heartbeats].sort((a, b) => a.incarnation - b.incarnation)).toEqual([newest, other]);
  });

  test('the heartbeats of all jobs are listed, but for those of fenced workers', async () => {
    const store = open();
    const [one, two] = [newJob(), newJob()];
    await Promise.all([store.beat(beatOf(one, 1)), store.beat(beatOf(two, 1)), store.beat(beatOf(two, 2))]);
    await store.fence(two, workerName(two, 2, 0));
    const listed = (await store.listHeartbeats()).filter(({ job }) => job === one || job === two);
    expect(listed.map(({ worker }) => worker).sort()).toEqual([workerName(one, 1, 0), workerName(two, 1, 0)].sort());
  });

  test('live settings are in the view of their job, the newest revision’s, and go with the job', async () => {
    const store = open();
    const [job, other] = [newJob(), newJob()];
    const live = (revision: number, poison: 'drop' | 'stop') => {
      const goal = aJobGoal({ revision });
      return storedLive({ ...goal, errors: { ...goal.errors, poison } });
    };
    await store.setLive(job, live(3, 'drop'));
    await store.setLive(job, live(2, 'stop'));
    expect((await store.view(job)).live).toEqual(live(3, 'drop'));
    await store.setLive(job, live(3, 'stop'));
    expect(await store.view(job)).toMatchObject({ live: live(3, 'stop'), heartbeats: [], leader: null });
    expect((await store.view(other)).live).toBeNull();
    expect((await store.listHeartbeats()).filter((heartbeat) => heartbeat.job === job)).toEqual([]);
    await store.clear(job);
    expect((await store.view(job)).live).toBeNull();
  });

  test('a view holds all the workers of a large job', async () => {
    const store = open();
    const job = newJob();
    const splits = Array.from({ length: 64 }, (_, index) => aSplit({ split: `playback-events/${index}` }));
    // Ten at a time: as many connections as workers are more than the database of a busy machine accepts within their second.
    for (let first = 1; first <= 150; first += 10)
      await Promise.all(Array.from({ length: 10 }, (_, index) => store.beat(beatOf(job, first + index, { splits }))));
    const { heartbeats } = await store.view(job);
    expect(new Set(heartbeats.map(({ incarnation }) => incarnation)).size).toBe(150);
    await store.clear(job);
    expect((await store.view(job)).heartbeats).toEqual([]);
  });
}

function fencingContract(open: () => WorkerStore): void {
  test("a fenced worker's heartbeats are refused and do not change what is seen", async () => {
    const store = open();
    const job = newJob();
    const last = beatOf(job, 1);
    await store.beat(last);
    await store.fence(job, last.worker);
    expect(await store.beat({ ...last, beat: 2 })).toBe('fenced');
    await store.fence(job, last.worker);
    expect(await store.view(job)).toMatchObject({ heartbeats: [last], fenced: [last.worker] });
  });

  test('a worker that was fenced before its first heartbeat never comes alive', async () => {
    const store = open();
    const job = newJob();
    const first = beatOf(job, 3);
    await store.fence(job, first.worker);
    expect(await store.beat(first)).toBe('fenced');
    expect(await store.view(job)).toMatchObject({ heartbeats: [], fenced: [first.worker] });
  });

  test('fencing one worker leaves the others alive', async () => {
    const store = open();
    const job = newJob();
    await store.beat(beatOf(job, 1));
    await store.fence(job, workerName(job, 1, 0));
    expect(await store.beat(beatOf(job, 2))).toBe('alive');
  });

  test('a removed worker is forgotten, and does not come back by a heartbeat that was under way', async () => {
    const store = open();
    const job = newJob();
    const last = beatOf(job, 1);
    await store.beat(last);
    await store.remove(job, last.worker);
    expect(await store.beat({ ...last, beat: 2 })).toBe('fenced');
    expect(await store.view(job)).toMatchObject({ heartbeats: [], fenced: [] });
    await store.remove(job, last.worker);
  });

  test('a fenced worker that is removed is fenced no more', async () => {
    const store = open();
    const job = newJob();
    await store.fence(job, 'w1');
    await store.remove(job, 'w1');
    expect(await store.view(job)).toMatchObject({ heartbeats: [], fenced: [] });
  });

  test('a fenced leader loses its lease at once, and gets it back by no means', async () => {
    const store = open();
    const job = newJob();
    const held = (await store.lead(job, 'w1', null))!;
    await store.fence(job, 'w1');
    expect(await store.assign(job, held, { 'plays/0': 'w1' })).toBe('deposed');
    expect(await store.lead(job, 'w1', held)).toBeNull();
    expect(await store.lead(job, 'w1', null)).toBeNull();
    expect(await store.view(job)).toMatchObject({ leader: null, assignment: null });
    expect(await store.lead(job, 'w2', held)).toEqual({ worker: 'w2', epoch: 2, counter: 1 });
    expect(await store.lead(job, 'w1', { worker: 'w2', epoch: 2, counter: 1 })).toBeNull();
  });
}

function leadershipContract(open: () => WorkerStore): void {
  test('of racing candidates one leads', async () => {
    const store = open();
    const job = newJob();
    const workers = Array.from({ length: 10 }, (_, index) => `w${index}`);
    const outcomes = await Promise.all(workers.map((worker) => store.lead(job, worker, null)));
    const leaders = outcomes.filter((outcome): outcome is LeaderRecord => outcome !== null);
    expect(leaders).toEqual([{ worker: expect.any(String), epoch: 1, counter: 1 }]);
    expect((await store.view(job)).leader).toEqual(leaders[0]);
  });

  test('a renewal moves the counter and keeps the epoch', async () => {
    const store = open();
    const job = newJob();
    const first = (await store.lead(job, 'w1', null))!;
    const second = (await store.lead(job, 'w1', first))!;
    expect(second).toMatchObject({ worker: 'w1', epoch: 1 });
    expect(second.counter).toBeGreaterThan(first.counter);
    expect((await store.view(job)).leader).toEqual(second);
  });

  test('a leader that stands still is taken over from, once, and cannot renew after it [fault 77]', async () => {
    const store = open();
    const job = newJob();
    const seen = (await store.lead(job, 'w1', null))!;
    const outcomes = await Promise.all(['w2', 'w3', 'w4'].map((worker) => store.lead(job, worker, seen)));
    const leaders = outcomes.filter((outcome) => outcome !== null);
    expect(leaders).toEqual([{ worker: expect.any(String), epoch: 2, counter: 1 }]);
    expect(await store.lead(job, 'w1', seen)).toBeNull();
    expect((await store.view(job)).leader).toEqual(leaders[0]);
  });

  test('a leader that renewed meanwhile is not taken over from', async () => {
    const store = open();
    const job = newJob();
    const seen = (await store.lead(job, 'w1', null))!;
    const renewed = (await store.lead(job, 'w1', seen))!;
    expect(await store.lead(job, 'w2', seen)).toBeNull();
    expect(await store.lead(job, 'w2', null)).toBeNull();
    expect((await store.view(job)).leader).toEqual(renewed);
  });

  test('after a resignation anybody may lead at once, with a higher epoch', async () => {
    const store = open();
    const job = newJob();
    const held = (await store.lead(job, 'w1', null))!;
    await store.resignLead(job, held);
    expect((await store.view(job)).leader).toBeNull();
    expect(await store.lead(job, 'w2', null)).toEqual({ worker: 'w2', epoch: 2, counter: 1 });
    await store.resignLead(job, held);
    expect((await store.view(job)).leader).toMatchObject({ worker: 'w2' });
  });
}

function assignmentContract(open: () => WorkerStore): void {
  test('the leader assigns, each time with a higher version', async () => {
    const store = open();
    const job = newJob();
    const held = (await store.lead(job, 'w1', null))!;
    const owners = { 'plays/0': 'w1', 'plays/1': 'w2', 'plays/2': 'w1' };
    expect(await store.assign(job, held, { 'plays/0': 'w1' })).toBe('assigned');
    const first = (await store.view(job)).assignment!;
    expect(await store.assign(job, (await store.lead(job, 'w1', held))!, owners)).toBe('assigned');
    const second = (await store.view(job)).assignment!;
    expect(first).toMatchObject({ leaderEpoch: 1, owners: { 'plays/0': 'w1' } });
    expect(second).toMatchObject({ leaderEpoch: 1, owners });
    expect(second.version).toBeGreaterThan(first.version);
  });

  test("a deposed leader's assignment is refused, also before the new leader has made one", async () => {
    const store = open();
    const job = newJob();
    const held = (await store.lead(job, 'w1', null))!;
    await store.assign(job, held, { 'plays/0': 'w1' });
    const next = (await store.lead(job, 'w2', held))!;
    expect(await store.assign(job, held, { 'plays/0': 'w9' })).toBe('deposed');
    expect((await store.view(job)).assignment).toMatchObject({ leaderEpoch: 1, owners: { 'plays/0': 'w1' } });
    expect(await store.assign(job, next, { 'plays/0': 'w2' })).toBe('assigned');
    expect(await store.assign(job, held, { 'plays/0': 'w9' })).toBe('deposed');
    expect((await store.view(job)).assignment).toMatchObject({ leaderEpoch: 2, owners: { 'plays/0': 'w2' } });
  });

  test('the assignment outlives a resignation', async () => {
    const store = open();
    const job = newJob();
    const held = (await store.lead(job, 'w1', null))!;
    await store.assign(job, held, { 'plays/0': 'w1' });
    await store.resignLead(job, held);
    expect(await store.assign(job, held, {})).toBe('deposed');
    expect((await store.view(job)).assignment).toMatchObject({ owners: { 'plays/0': 'w1' } });
  });
}
