// Workers that were declared dead: noted with what the pass decided, and forgotten when they are certain not to come back.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { limits } from '#core/limits.ts';
import { freshControl } from '#core/plan/control.ts';
import { forgetFenced, withFences } from '#core/plan/fenced-workers.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

const job = 'default/plays.out@uid2';
const fence = (worker: string) => ({ kind: 'fence-worker' as const, job, worker });
const times = { leaseMs: 10, startDeadlineMs: 100, listingGraceMs: 1_000 };
const forgottenAfterMs = limits.decisionMsMax + 1_110;

describe('a worker that is declared dead', () => {
  test('by one pass after the other is noted with the first, until what that decided may not be done any more', () => {
    const first = withFences(freshControl(job, 'uid2'), [fence('a')], 1_000);
    expect(first.fenced).toEqual({ a: 1_000 });
    expect(withFences(first, [fence('a')], 1_000 + limits.decisionMsMax)).toBe(first);
    const again = withFences(first, [fence('a'), fence('b')], 1_001 + limits.decisionMsMax);
    expect(again.fenced).toEqual({ a: 1_001 + limits.decisionMsMax, b: 1_001 + limits.decisionMsMax });
  });

  test('is remembered for as long as it may begin, be listed or hear of it', () => {
    const noted = { ...freshControl(job, 'uid2'), fenced: { a: 0, b: 1 } };
    expect(forgetFenced(noted, forgottenAfterMs, times)).toEqual({ record: noted, actions: [] });
    expect(forgetFenced(noted, forgottenAfterMs + 1, times)).toEqual({
      record: { ...noted, fenced: { b: 1 } },
      actions: [{ kind: 'forget-worker', job, worker: 'a' }],
    });
    expect(forgetFenced(noted, forgottenAfterMs + 2, times).record).not.toHaveProperty('fenced');
  });
});

test('a job whose workers die again and again leaves no trail: of those before the last few nothing is kept', async () => {
  const asked = { tenant: 'default', author: 'ann', reason: 'a test' };
  const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });
  const world = new ControlLoopWorld();
  const declared = { from: 'events', to: [{ name: 'out', stream: 'plays' }] };
  await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: { partitions: 1 } });
  await world.goals.apply({ ...asked, kind: 'Route', metadata: metadata('plays'), declared });
  await world.settle();
  for (let day = 0; day < 20; day++) {
    world.now += 24 * 3_600_000;
    await world.turn();
    world.tasks.end(world.tasks.tasks('running')[0]!.taskId, 137);
    await world.settle();
  }
  const [control] = await world.controls.list();
  expect(control!.incarnationLast).toBeGreaterThanOrEqual(20);
  expect((await world.workers.view(control!.job)).fenced).toHaveLength(1);
  expect(Object.keys(control!.fenced!)).toHaveLength(1);
});
