// Whose turn it is: no tenant's crowd keeps another waiting.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fairOrder } from '#core/plan/fair-order.ts';

interface Item {
  readonly tenant: string;
  readonly number: number;
}

const items = fc
  .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 60 })
  .map((tenants) => tenants.map((tenant, number): Item => ({ tenant, number })));
const inTurn = (list: readonly Item[]): readonly Item[] => fairOrder(list, ({ tenant }) => tenant);

describe('a fair order', () => {
  test('has every item once, and keeps the order within a tenant', () => {
    fc.assert(
      fc.property(items, (list) => {
        const ordered = inTurn(list);
        expect([...ordered].sort((a, b) => a.number - b.number)).toEqual(list);
        for (const tenant of ['a', 'b', 'c']) {
          const numbers = ordered.filter((item) => item.tenant === tenant).map(({ number }) => number);
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        }
      }),
    );
  });

  test('gives a tenant its n-th turn before any other has had more than n', () => {
    fc.assert(
      fc.property(items, (list) => {
        const turns = new Map<string, number>();
        for (const { tenant } of inTurn(list)) {
          const turn = turns.get(tenant) ?? 0;
          turns.set(tenant, turn + 1);
          for (const other of turns.values()) expect(other).toBeLessThanOrEqual(turn + 1);
        }
      }),
    );
  });

  test('brings one change of a tenant to the front of a thousand of another', () => {
    const storm = Array.from({ length: 1_000 }, (_, number): Item => ({ tenant: 'loud', number }));
    expect(inTurn([...storm, { tenant: 'quiet', number: 0 }]).findIndex(({ tenant }) => tenant === 'quiet')).toBe(1);
  });
});
