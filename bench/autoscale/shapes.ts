// Shapes of traffic over time: what arrives each second, in workers that it keeps busy, generated from a seed or as it was recorded.
import { seededRandom } from '#test/support/seeded-random.ts';
import { flightsPerQuarter } from './recorded.ts';

export interface Shape {
  readonly name: string;
  readonly hours: number;
  /** What arrives at that second, as a multiple of what one worker gets through. */
  readonly load: (second: number) => number;
}

const minute = 60;
const hour = 3_600;

/** Each minute a little more or less than the shape says: as many events as come by chance. */
function rippled(seed: number, share: number, load: (second: number) => number): (second: number) => number {
  const random = seededRandom(seed);
  const ripple: number[] = [];
  return (second) => {
    const index = Math.floor(second / minute);
    while (ripple.length <= index) ripple.push(1 + share * (2 * random.next() - 1));
    return Math.max(0, load(second) * ripple[index]!);
  };
}

const between = (second: number, fromHour: number, toHour: number): boolean =>
  second >= fromHour * hour && second < toHour * hour;

const dayCurve = (second: number): number => 0.6 + 3.4 * Math.sin((Math.PI * second) / (24 * hour)) ** 2;

/** Nothing for an hour; then what was held back comes within the next, on top of what comes anyway. */
const deadUpstream = (second: number): number => (between(second, 3, 4) ? 0 : between(second, 4, 5) ? 4.4 : 2.2);

const recordedPeak = Math.max(...flightsPerQuarter);
const recorded = (second: number): number =>
  (4.4 * flightsPerQuarter[Math.floor(second / (15 * minute)) % flightsPerQuarter.length]!) / recordedPeak;

export const shapes = (seed: number): readonly Shape[] => [
  { name: 'day curve', hours: 24, load: rippled(seed, 0.1, dayCurve) },
  { name: 'spike ×10', hours: 8, load: rippled(seed + 1, 0.1, (at) => (between(at, 3, 3.5) ? 5 : 0.5)) },
  { name: 'step', hours: 12, load: rippled(seed + 2, 0.1, (at) => (between(at, 2, 8) ? 3.2 : 0.8)) },
  {
    name: 'flapping',
    hours: 12,
    load: rippled(seed + 3, 0.1, (at) => (Math.floor(at / (20 * minute)) % 2 ? 2.8 : 0.8)),
  },
  { name: 'dead upstream', hours: 8, load: rippled(seed + 4, 0.1, deadUpstream) },
  { name: 'recorded (flights)', hours: 72, load: recorded },
];
