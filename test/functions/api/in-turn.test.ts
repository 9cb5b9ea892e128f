// What goes in turn does so whatever becomes of what was before it, and holds up nobody else.
import { expect, test } from '@jest/globals';
import { InTurn } from '#functions/api/in-turn.ts';

test('work of one name begins when the work before it has ended, even by failing; that of another does not wait', async () => {
  const turns = new InTurn();
  const told: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.run('a', async () => {
    told.push('first begins');
    await gate.promise;
    told.push('first ends');
    throw new Error('refused');
  });
  const second = turns.run('a', async () => told.push('second'));
  await turns.run('b', async () => told.push('other'));
  expect(told).toEqual(['first begins', 'other']);
  gate.resolve();
  await expect(first).rejects.toThrow('refused');
  await second;
  await turns.run('a', async () => told.push('third'));
  expect(told).toEqual(['first begins', 'other', 'first ends', 'second', 'third']);
});
