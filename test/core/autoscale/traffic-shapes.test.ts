// The autoscaler on shapes of traffic in virtual time, beside what the work alone would take; `npm run bench:autoscale` has the oracle.
import { describe, expect, test } from '@jest/globals';
import { type ModelOptions, runModel } from '#bench/autoscale/model.ts';
import { type Shape, shapes } from '#bench/autoscale/shapes.ts';

const autoscale = { mode: 'on', min: 1, max: 6, drainMs: 300_000 } as const;
const model: ModelOptions = {
  autoscale,
  splits: 12,
  workers: 1,
  restartSeconds: 60,
  handOverSeconds: 5,
  tickSeconds: 15,
};

const shapeOf = (name: string, seed = 7): Shape => {
  const found = shapes(seed).find((shape) => shape.name === name)!;
  return { ...found, hours: Math.min(found.hours, 12) };
};

/** No schedule is cheaper: one worker at least, and as many as what arrives keeps busy. */
function leastWorkerHours({ hours, load }: Shape): number {
  let seconds = 0;
  for (let second = 0; second < hours * 3_600; second += 60) seconds += 60 * Math.max(1, load(second));
  return seconds / 3_600;
}

describe('on a shape of traffic the autoscaler', () => {
  test.each([
    // Minutes above the target, worker-hours to the least that could be, changes: each at most.
    ['day curve', 1, 1.7, 12],
    ['spike ×10', 2, 1.7, 8],
    ['step', 2, 1.7, 8],
    ['flapping', 2, 3, 16],
    ['dead upstream', 2, 2, 8],
    ['recorded (flights)', 2, 2, 20],
  ])(
    'keeps the target of a %s, at a price near the least, with few changes',
    (name, minutesMax, ratioMax, changesMax) => {
      const shape = shapeOf(name);
      const { secondsAbove, workerHours, changes } = runModel(shape, model);
      expect(secondsAbove / 60).toBeLessThanOrEqual(minutesMax);
      expect(workerHours / leastWorkerHours(shape)).toBeLessThan(ratioMax);
      expect(changes).toBeLessThanOrEqual(changesMax);
    },
  );

  test('gives nothing back while nothing arrives, and has the workers that are needed when it comes at once', () => {
    const { events } = runModel(shapeOf('dead upstream'), model);
    const hours = events.map(({ at, reason }) => [(at - 1_800_000_000_000) / 3_600_000, reason] as const);
    expect(hours.filter(([hour, reason]) => hour > 3.1 && hour < 4 && reason === 'ScaledDown')).toEqual([]);
  });

  test('learns that giving back was too early, and waits longer each time', () => {
    const { control } = runModel(shapeOf('flapping'), model);
    expect(control.scale?.regrets).toBeGreaterThanOrEqual(2);
  });

  test('learns how long a change takes', () => {
    const { control } = runModel(shapeOf('step'), { ...model, restartSeconds: 150 });
    expect(control.scale?.restartMs).toBeGreaterThanOrEqual(150_000);
    expect(control.scale?.restartMs).toBeLessThan(300_000);
  });

  test('keeps what it has chosen and its cooldowns when the reconciler starts anew in the middle of it', () => {
    const everyHour = Array.from({ length: 11 }, (_, hour) => (hour + 1) * 3_600);
    const shape = shapeOf('step');
    const [steady, restarted] = [
      runModel(shape, model),
      runModel(shape, { ...model, reconcilerRestartsAt: everyHour }),
    ];
    expect(restarted.secondsAbove).toBeLessThanOrEqual(steady.secondsAbove + 120);
    expect(restarted.changes).toBeLessThanOrEqual(steady.changes + 2);
    expect(restarted.workers.at(4 * 60)).toBe(steady.workers.at(4 * 60));
  });

  test('in advise changes nothing, tells what it would do when that changes, and writes nothing in between', () => {
    const { events, workers, writes } = runModel(shapeOf('step'), {
      ...model,
      autoscale: { ...autoscale, mode: 'advise' },
    });
    expect(new Set(workers)).toEqual(new Set([1]));
    expect(new Set(events.map(({ reason }) => reason))).toEqual(new Set(['ScaleAdvised']));
    const numbers = events.map(({ message }) => message.split(' ')[0]);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(events[0]!.message).toMatch(/^\d workers instead of 1 are advised: \d+ records\/s arrive, .* wait take/);
    expect(writes).toBe(events.length);
  });
});
