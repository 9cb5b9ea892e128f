// Who leads, who is gone and which splits a worker takes or leaves, decided from one view.
import { describe, expect, test } from '@jest/globals';
import { assignableWorkers, countersOf, decideClaims, decideLead, type Standpoint } from '#core/graph/claim-splits.ts';
import { sight } from '#core/graph/sightings.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { SplitRecord, SplitRef } from '#core/ports/split-store.ts';
import type { JobView } from '#core/ports/worker-store.ts';

const leaseMs = 5_000;

const aHeartbeat = (worker: string, changes: Partial<Heartbeat> = {}): Heartbeat =>
  ({
    worker,
    uid: 'u1',
    slot: Number(worker.slice(1)),
    incarnation: 1,
    beat: 1,
    state: 'running',
    ...changes,
  }) as Heartbeat;

const aRecord = (split: string, owner: string | null): SplitRecord => ({
  split,
  owner,
  epoch: 1,
  position: '0',
  topicId: 'x',
  accounting: noRecords,
});

const aView = (changes: Partial<JobView> = {}): JobView => ({
  heartbeats: [aHeartbeat('w0'), aHeartbeat('w1')],
  fenced: [],
  leader: { worker: 'w1', epoch: 3, counter: 8 },
  assignment: { version: 1, leaderEpoch: 3, owners: { 't/0': 'w0', 't/1': 'w1' } },
  live: null,
  ...changes,
});

/** As w0 sees it, having seen the same view `watchedMs` ago for the first time. */
const seen = (view: JobView, watchedMs = 0): Standpoint => ({
  me: 'w0',
  view,
  sightings: sight(new Map(), countersOf(view), 1_000),
  nowMs: 1_000 + watchedMs,
  leaseMs,
});

describe('a worker leads', () => {
  test('when nobody does', () => expect(decideLead(seen(aView({ leader: null })))).toBe('take'));
  test('on, when it does', () =>
    expect(decideLead(seen(aView({ leader: { worker: 'w0', epoch: 1, counter: 1 } })))).toBe('renew'));
  test('not while another does', () => expect(decideLead(seen(aView(), leaseMs - 1))).toBe('follow'));
  test('at once when the leader was declared dead', () =>
    expect(decideLead(seen(aView({ fenced: ['w1'] })))).toBe('take'));
  test('at once when the leader has left', () =>
    expect(decideLead(seen(aView({ heartbeats: [aHeartbeat('w0')] })))).toBe('take'));
  test('when the leader was silent for a whole lease while it watched', () =>
    expect(decideLead(seen(aView(), leaseMs))).toBe('take'));
  test('not when the leader’s counters moved meanwhile', () => {
    const view = aView();
    const moved = aView({
      heartbeats: [aHeartbeat('w0'), aHeartbeat('w1', { beat: 2 })],
      leader: { worker: 'w1', epoch: 3, counter: 9 },
    });
    const sightings = sight(sight(new Map(), countersOf(view), 0), countersOf(moved), leaseMs - 1);
    expect(decideLead({ me: 'w0', view: moved, sightings, nowMs: leaseMs + 1, leaseMs })).toBe('follow');
  });
});

describe('splits may be given to', () => {
  test('workers that are there, of this life of the job, and not on their way out', () => {
    const heartbeats = [
      aHeartbeat('w0'),
      aHeartbeat('w1', { state: 'draining' }),
      aHeartbeat('w2', { uid: 'u0' }),
      aHeartbeat('w3'),
      aHeartbeat('w4'),
    ];
    expect(assignableWorkers('u1', seen(aView({ heartbeats, fenced: ['w3'] })))).toEqual(['w0', 'w4']);
  });
  test('the newest in each slot: a replacement takes over from the one that still runs', () => {
    const heartbeats = [aHeartbeat('w0'), aHeartbeat('w5', { slot: 0, incarnation: 2 })];
    expect(assignableWorkers('u1', seen(aView({ heartbeats })))).toEqual(['w5']);
  });
});

const holding = (...names: readonly string[]): readonly SplitRef[] => names.map((name) => ({ name, epoch: 1 }));

describe('a worker claims', () => {
  const claimed = (standpoint: Standpoint, record: SplitRecord): string =>
    decideClaims(standpoint, [record], []).claim.length === 1 ? 'claimed' : 'waits';
  test('what is its own and free', () => expect(claimed(seen(aView()), aRecord('t/0', null))).toBe('claimed'));
  test('what is its own and bears its name already', () =>
    expect(claimed(seen(aView()), aRecord('t/0', 'w0'))).toBe('claimed'));
  test('not what another still holds', () => {
    const decision = decideClaims(seen(aView()), [aRecord('t/0', 'w1')], []);
    expect(decision).toEqual({ claim: [], lost: [], release: [], free: [], waitingFor: ['t/0'] });
  });
  test('what a dead worker holds, at once', () =>
    expect(claimed(seen(aView({ fenced: ['w1'] })), aRecord('t/0', 'w1'))).toBe('claimed'));
  test('what a worker holds that left without freeing it', () =>
    expect(claimed(seen(aView()), aRecord('t/0', 'w9'))).toBe('claimed'));
  test('what a worker holds that was silent for a lease', () =>
    expect(claimed(seen(aView(), leaseMs), aRecord('t/0', 'w1'))).toBe('claimed'));
  test('nothing of another’s, and leaves what is not its own any more', () => {
    const decision = decideClaims(seen(aView()), [aRecord('t/1', null)], holding('t/0', 't/1'));
    expect(decision).toEqual({ claim: [], lost: [], release: ['t/1'], free: [], waitingFor: [] });
  });
  test.each([
    ['another has it', { owner: 'w1', epoch: 2 }, true],
    ['its item was made anew, of an older epoch or a newer one', { owner: null, epoch: 0 }, true],
    ['another had it since', { owner: 'w0', epoch: 3 }, true],
    ['it is held as it was claimed', { owner: 'w0', epoch: 1 }, false],
  ])('and knows one that it holds as lost where %s: %j', (_why, now, isLost) => {
    const { lost, claim } = decideClaims(seen(aView()), [{ ...aRecord('t/0', null), ...now }], holding('t/0'));
    expect({ lost, claim }).toEqual({ lost: isLost ? holding('t/0') : [], claim: [] });
  });
  test('and takes no split for lost whose item is missing, or which it is letting go of', () => {
    expect(decideClaims(seen(aView()), [], holding('t/0')).lost).toEqual([]);
    expect(decideClaims(seen(aView()), [aRecord('t/1', null)], holding('t/1')).lost).toEqual([]);
  });
  test('and leaves nothing while there is no assignment', () => {
    expect(decideClaims(seen(aView({ assignment: null, live: null })), [aRecord('t/0', null)], holding('t/1'))).toEqual(
      {
        claim: [],
        lost: [],
        release: [],
        free: [],
        waitingFor: [],
      },
    );
  });
});
