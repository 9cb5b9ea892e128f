// When passes run: a nudge at once, a sweep wherever nobody has looked since the last one, never two at a time, and none that nobody needs.

import { describe, expect, test } from '@jest/globals';
import type { Execution } from '#functions/reconcile/local-machine.ts';
import { oneAtATime, PassDriver } from '#functions/reconcile/pass-driver.ts';
import { silent } from '#test/support/silent-logger.ts';

function aDriver() {
  const started: { cause: string; aborted: boolean }[] = [];
  const passes = { begun: 0, underWay: 0 };
  const start = (cause: string): Execution => {
    const execution = { cause, aborted: false };
    started.push(execution);
    return { done: new Promise(() => {}), abort: () => Object.assign(execution, { aborted: true }) };
  };
  return { driver: new PassDriver({ start }, silent, passes), started, passes };
}

describe('a nudge', () => {
  test('takes the place of an execution that waits: one goes on, not as many as there were changes', () => {
    const { driver, started } = aDriver();
    for (const cause of ['a change', 'another', 'a worker that died']) driver.nudge(cause);
    expect(started).toEqual([
      { cause: 'a change', aborted: true },
      { cause: 'another', aborted: true },
      { cause: 'a worker that died', aborted: false },
    ]);
  });

  test('starts nothing any more when the program ends', () => {
    const { driver, started } = aDriver();
    driver.nudge('a change');
    driver.close();
    driver.nudge('another');
    expect(started).toEqual([{ cause: 'a change', aborted: true }]);
  });
});

describe('a sweep', () => {
  test('looks where an execution only waits for the end of a backoff: a lost nudge costs one sweep, no more [fault 4] [fault 129]', () => {
    const { driver, started, passes } = aDriver();
    driver.nudge('a change');
    passes.begun = 1;
    driver.sweep();
    expect(started.map(({ cause }) => cause)).toEqual(['a change']);
    driver.sweep();
    expect(started).toEqual([
      { cause: 'a change', aborted: true },
      { cause: 'sweep', aborted: false },
    ]);
  });

  test('does not stand beside a pass that takes long, nor beside passes that go on', () => {
    const { driver, started, passes } = aDriver();
    driver.nudge('a change');
    Object.assign(passes, { begun: 1, underWay: 1 });
    driver.sweep();
    driver.sweep();
    passes.underWay = 0;
    passes.begun = 2;
    driver.sweep();
    expect(started).toHaveLength(1);
  });
});

describe('passes', () => {
  test('run one after the other, and one that fails holds up none', async () => {
    const order: string[] = [];
    let count = 0;
    const turns = oneAtATime(async () => {
      const mine = ++count;
      order.push(`begin ${mine}`);
      await Promise.resolve();
      order.push(`end ${mine}`);
      if (mine === 1) throw new Error('the first fails');
      return mine;
    });
    const first = turns.run();
    await Promise.resolve();
    const second = turns.run();
    await expect(first).rejects.toThrow('the first fails');
    expect(await second).toBe(2);
    await turns.idle();
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
    expect([turns.begun, turns.underWay]).toEqual([2, 0]);
  });

  test('are asked for by many and run once, where all asked before it began', async () => {
    let count = 0;
    const turns = oneAtATime(async () => ++count);
    const first = turns.run();
    await Promise.resolve();
    const later = await Promise.all([turns.run(), turns.run(), turns.run()]);
    expect([await first, ...later]).toEqual([1, 2, 2, 2]);
    expect([turns.begun, turns.underWay]).toEqual([2, 0]);
  });
});
