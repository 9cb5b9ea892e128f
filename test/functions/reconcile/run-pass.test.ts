// One pass over many targets: what fails for one holds up no other, and is tried again with growing pauses.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

let world: ControlLoopWorld;

beforeEach(async () => {
  world = new ControlLoopWorld();
  const asked = { tenant: 'default', author: 'ann', reason: '' };
  const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });
  await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: {} });
  for (const name of ['bad', 'good'])
    await world.goals.apply({
      ...asked,
      ...{ kind: 'Route', metadata: metadata(name) },
      declared: { from: 'events', where: 'x > 0', to: [{ name: 'out', stream: `${name}-out` }] },
    });
});

/** The runtime refuses whatever is asked for the job `bad.out` while it is true. */
function refuseBad(): { isRefusing: boolean; refusals: number } {
  const state = { isRefusing: true, refusals: 0 };
  const run = world.tasks.run.bind(world.tasks);
  world.tasks.run = async (request) => {
    if (!state.isRefusing || !request.job.includes('bad.out')) return await run(request);
    state.refusals++;
    throw new Error('no capacity');
  };
  return state;
}

const jobsRunning = (): readonly string[] =>
  world.tasks.tasks().flatMap(({ job, state }) => (state === 'stopped' ? [] : [job.split('@')[0]!]));

async function passes(count: number): Promise<void> {
  for (let pass = 0; pass < count; pass++) {
    await world.pass();
    await world.turn();
  }
}

describe('a pass', () => {
  test('brings the other targets to their goals where one cannot be', async () => {
    refuseBad();
    const first = await world.pass();
    expect(jobsRunning()).toEqual([expect.stringContaining('good.out')]);
    expect(first).toMatchObject({ settled: false, failures: [expect.stringContaining('no capacity')] });
  });

  test('is not settled while a target waits for its next try, and asks to be run again just then', async () => {
    refuseBad();
    await passes(12);
    const report = await world.pass();
    expect(report!.settled).toBe(false);
    const waitMs = report!.nextPassAt! - world.now;
    expect(waitMs).toBeGreaterThan(1_000);
    expect(waitMs).toBeLessThanOrEqual(30_000);
  });

  test('forgets the failures of a target that nobody wants any more', async () => {
    refuseBad();
    await passes(12);
    await world.goals.remove({ tenant: 'default', kind: 'Route', name: 'bad', author: 'ann', reason: '' });
    await world.settle();
    expect((await world.pass())!.settled).toBe(true);
  });

  test('tries a target that fails again with growing pauses, and tells of it once a row of failures', async () => {
    const state = refuseBad();
    await passes(30);
    expect(state.refusals).toBeGreaterThan(2);
    expect(state.refusals).toBeLessThan(15);
    const { items } = await world.goals.listEvents('default', 'job/bad.out', { limit: 100 });
    const told = items.filter(({ reason }) => reason === 'ActionFailed').length;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThan(state.refusals);
  });

  test('has it where it should be once the fault is over, and has nothing left to do then', async () => {
    const state = refuseBad();
    await passes(5);
    state.isRefusing = false;
    await world.settle(120);
    expect(jobsRunning().length).toBe(2);
  });
});
