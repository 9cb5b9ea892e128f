// Two reconcilers at once, their calls interleaved in every way that a seeded scheduler finds: they must not fight.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser } from '#core/expression/index.ts';
import { taskIncarnation, taskRender, taskSlot } from '#core/plan/task-tags.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';

beforeAll(loadParser);

const asked = { tenant: 'default', author: 'ann', reason: '' };

const declare = async (world: ControlLoopWorld, where: string): Promise<void> => {
  const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });
  await world.goals.apply({ ...asked, kind: 'Stream', metadata: metadata('events'), declared: {} });
  await world.goals.apply({
    ...asked,
    kind: 'Route',
    metadata: metadata('plays'),
    declared: { from: 'events', where, to: [{ name: 'out', stream: 'plays' }], resources: { workers: 2 } },
  });
};

describe('two reconcilers at once', () => {
  test('give every worker an incarnation of its own, and end with one worker a slot on the newest goal [fault 19] [fault 33]', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }),
        async (scheduler, kills) => {
          const world = new ControlLoopWorld();
          await declare(world, 'x > 0');
          world.gate = (call) => scheduler.schedule(Promise.resolve(), call);
          for (const [index, kill] of kills.entries()) {
            const victim = world.tasks.tasks('running')[0];
            if (kill === 2 && victim) world.tasks.end(victim.taskId, 137);
            const change = async () => {
              await world.gate('a person changes the goal');
              await declare(world, `x > ${index + 1}`);
            };
            const passes = Promise.all([world.pass(), world.pass(), ...(kill === 1 ? [] : [change(), world.pass()])]);
            await scheduler.waitFor(passes);
            await world.turn();
          }
          world.gate = async () => undefined;
          await world.settle();
          const running = world.tasks.tasks('running');
          expect(running.map(taskSlot).sort()).toEqual([0, 1]);
          expect(new Set(running.map(taskRender)).size).toBe(1);
          const incarnations = world.tasks.tasks().map(taskIncarnation);
          expect(new Set(incarnations).size).toBe(incarnations.length);
        },
      ),
      { numRuns: 150 },
    );
  });
});
