// What happens in a run, drawn from its seed beforehand: people who change their minds, and things that break. One step can be left out without changing the others.
import { type Random, seededRandom } from '#test/support/seeded-random.ts';

export const stepKinds = {
  people: [
    'change-route',
    'change-workers',
    'bad-revision',
    'change-sinks',
    'toggle-paused',
    'grow-stream',
    'pause',
    'resume',
    'restart',
    'rewind',
    'switch-source',
    'replay',
    'delete-route',
    'delete-all-routes',
    'undelete-route',
    'freeze',
    'unfreeze',
    'approve',
    'create-route',
    'delete-stream',
    'write-for-newer-version',
    'stop-a-task',
  ],
  ailments: ['hang-rounds', 'hang-checkpoints', 'unlist-task'],
  workers: ['kill-worker', 'freeze-worker', 'cut-worker', 'skew-clock'],
  reconcilers: ['crash-reconciler', 'freeze-reconciler'],
  parts: ['port-down', 'no-capacity', 'sink-down'],
  broker: ['lose-topic', 'drift-topic', 'wipe-broker', 'expire-records'],
  stores: ['wipe-controls', 'wipe-workers', 'wipe-splits', 'empty-goals', 'restore-goals'],
} as const;

export type StepKind = (typeof stepKinds)[keyof typeof stepKinds][number];

export interface Step {
  readonly index: number;
  /** Milliseconds after the start. */
  readonly at: number;
  readonly kind: StepKind;
  /** Chooses whatever the step has to choose. */
  readonly roll: number;
}

/** Restores and losses of whole tables are rare, as they are in life. */
const weights: Readonly<Record<keyof typeof stepKinds, number>> = {
  people: 10,
  ailments: 1,
  workers: 5,
  reconcilers: 4,
  parts: 2,
  broker: 2,
  stores: 1,
};

const countMin = 4;
const countMax = 17;

/** Of a run with another number of steps than a seed gives it by itself: as long as they take at the usual pace. */
export const chaosMsFor = (chaosMs: number, count: number | undefined): number =>
  count === undefined ? chaosMs : Math.ceil((chaosMs * count) / ((countMin + countMax) / 2));

/** `asked`: how many there are; absent: as many as the seed says. */
export function drawSteps(seed: number, chaosMs: number, asked?: number): readonly Step[] {
  const random = seededRandom(seed * 7919 + 17);
  const drawn = countMin + random.below(countMax - countMin + 1);
  // Each run leans to some kinds of trouble, so that one cannot always hide behind another.
  const leaning = new Map(Object.keys(weights).map((family) => [family, random.next() < 0.6 ? 1 : 0.1]));
  const families = Object.entries(weights) as [keyof typeof stepKinds, number][];
  const steps = Array.from({ length: asked ?? drawn }, () => {
    const family = drawFamily(random, families, leaning);
    return { at: random.below(chaosMs), kind: random.pick<StepKind>(stepKinds[family]), roll: random.below(1 << 30) };
  });
  return steps.sort((a, b) => a.at - b.at).map((step, index) => ({ index, ...step }));
}

function drawFamily(
  random: Random,
  families: readonly [keyof typeof stepKinds, number][],
  leaning: ReadonlyMap<string, number>,
): keyof typeof stepKinds {
  const total = families.reduce((sum, [name, weight]) => sum + weight * leaning.get(name)!, 0);
  let left = random.next() * total;
  for (const [name, weight] of families) {
    left -= weight * leaning.get(name)!;
    if (left < 0) return name;
  }
  return 'people';
}
