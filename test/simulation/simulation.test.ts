// The simulation as part of the suite: some seeds of it each time, and that it is what it claims to be (`npm run sim` runs more).
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { howToSee } from './many-processes.ts';
import { runSeed } from './run-seed.ts';

beforeAll(loadParser);

const seedCount = Number(process.env['SIMULATION_SEEDS'] ?? 60);
/** Fewer of those in which much happens at once: a seed of them costs twice as much, and finds more. */
const fullSeedCount = Math.ceil(seedCount / 6);

const seedsTo = (count: number, stepCount?: number) =>
  Array.from({ length: count }, (_, index) => ({ seed: index + 1, stepCount }));

describe('the simulated platform', () => {
  test('under chaos it breaks no invariant; calm, it becomes as declared; quiet, it changes nothing [fault 17] [fault 18] [fault 19] [fault 20] [fault 21] [fault 22] [fault 23] [fault 24] [fault 27] [fault 43] [fault 44] [fault 46] [fault 66] [fault 77] [fault 78] [fault 80] [fault 83] [fault 128]', async () => {
    const broken: string[] = [];
    for (const { seed, stepCount } of [...seedsTo(seedCount), ...seedsTo(fullSeedCount, 30)]) {
      const { violation } = await runSeed({ seed, stepCount });
      if (violation) broken.push(`${howToSee(seed, stepCount)}: ${violation.invariant} ${violation.message}`);
    }
    expect(broken).toEqual([]);
  }, 240_000);

  test('a run has as many steps as are asked for, over a chaos as long as they take', async () => {
    const { steps, violation } = await runSeed({ seed: 9, stepCount: 30 });
    expect({ count: steps.length, violation }).toEqual({ count: 30, violation: null });
    expect((await runSeed({ seed: 9, stepCount: 2 })).steps).toHaveLength(2);
    // By itself this run has 45 s of it.
    expect(steps.at(-1)!.at).toBeGreaterThan(100_000);
  });

  test('the same seed gives the same run, event for event', async () => {
    const lines = async (): Promise<string[]> => {
      const told: string[] = [];
      await runSeed({ seed: 4, tell: (at, actor, line) => told.push(`${at} ${actor} ${line}`) });
      return told;
    };
    const first = await lines();
    expect(first.length).toBeGreaterThan(20);
    expect(await lines()).toEqual(first);
  });
});
