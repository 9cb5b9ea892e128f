// Many nudges, few executions, and none of what was changed missed.
import { expect, test } from '@jest/globals';
import { createNudgeHandler } from '#functions/nudge/start-passes.ts';

function rig() {
  let now = 10_400;
  const started: { name: string; at: number }[] = [];
  const nudge = createNudgeHandler({
    start: async (name) => {
      if (started.some((each) => each.name === name)) return 'exists';
      started.push({ name, at: now });
      return 'started';
    },
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  });
  return { nudge, started };
}

test('the first nudge of a second starts an execution at once', async () => {
  const { nudge, started } = rig();
  await nudge('a change');
  expect(started).toEqual([{ name: 'nudge-10', at: 10_400 }]);
});

test('one that finds its second taken starts the next second’s when that has come: the one before may have looked too early [fault 40]', async () => {
  const { nudge, started } = rig();
  await nudge('a change');
  await nudge('another');
  expect(started[1]).toEqual({ name: 'nudge-11', at: 11_000 });
});

test('where others start as many, it fails in the end, and the queue brings it again [fault 38]', async () => {
  const nudge = createNudgeHandler({ start: async () => 'exists', now: () => 0, sleep: async () => {} });
  await expect(nudge('a change')).rejects.toThrow(/no execution could be started/);
});
