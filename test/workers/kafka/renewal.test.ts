// A producer's identity that is renewed: who sees which one when, and who shares whose renewal.
import { expect, test } from '@jest/globals';
import type { ProducerIdentity } from '#workers/kafka/output-batch.ts';
import { Renewal } from '#workers/kafka/renewal.ts';

const anIdentity = (producerId: bigint): ProducerIdentity => ({ producerId, producerEpoch: 0, isTransactional: true });

interface Rig {
  readonly renewal: Renewal;
  /** The identity that was to be seen whenever the owner was told of a new one. */
  readonly told: (bigint | null)[];
  readonly troubles: string[];
  answers: (ProducerIdentity | null | Error)[];
}

function aRig(...answers: Rig['answers']): Rig {
  const rig: Omit<Rig, 'renewal'> = { told: [], troubles: [], answers };
  const renewal: Renewal = new Renewal({
    retry: { minMs: 1, maxMs: 1 },
    hooks: {
      idle: async () => {},
      onRenewed: () => rig.told.push(renewal.identity?.producerId ?? null),
      onTrouble: (code) => rig.troubles.push(code),
    },
    take: async () => {
      const answer = rig.answers.shift() ?? null;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    codeOf: () => 'sink-unavailable',
  });
  return { ...rig, renewal };
}

test('callers at the same time share one renewal, which goes on until it is answered', async () => {
  const { renewal, told, troubles } = aRig(new Error('not yet'), anIdentity(1n), anIdentity(2n));
  await Promise.all([renewal.ensure(), renewal.renew(), renewal.ensure()]);
  expect({ told, troubles }).toEqual({ told: [1n], troubles: ['sink-unavailable'] });
  expect(renewal.identity?.producerId).toBe(1n);
});

test('a new identity is seen by nobody before its owner was told', async () => {
  const seen: (bigint | null)[] = [];
  const { renewal, told } = aRig(anIdentity(1n));
  const renewing = renewal.renew();
  while (told.length === 0) {
    seen.push(renewal.identity?.producerId ?? null);
    await Promise.resolve();
  }
  await renewing;
  expect(new Set(seen)).toEqual(new Set([null]));
});

test('what was taken out is put back, unless it was renewed or closed meanwhile', async () => {
  const { renewal, told } = aRig(anIdentity(1n), anIdentity(2n));
  await renewal.ensure();
  expect(renewal.takeOut()?.producerId).toBe(1n);
  expect(renewal.identity).toBeNull();
  expect(renewal.putBack(anIdentity(5n))).toBe(true);
  expect(renewal.identity?.producerId).toBe(5n);
  renewal.takeOut();
  const renewing = renewal.renew();
  expect(renewal.putBack(anIdentity(6n))).toBe(false);
  await renewing;
  expect(renewal.putBack(anIdentity(6n))).toBe(false);
  expect(renewal.identity?.producerId).toBe(2n);
  expect(told).toEqual([1n, 5n, 2n]);
});

test('once somebody else holds the right to write, nothing is asked again', async () => {
  const { renewal } = aRig(null, anIdentity(1n));
  await renewal.ensure();
  expect(renewal.identity).toBeNull();
  await renewal.renew();
  expect(renewal.identity).toBeNull();
});
