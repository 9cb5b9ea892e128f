// One run: chaos, then calm until the world is as declared, then quiet, in which nothing may change any more.
import { historyAuthor } from '#core/plan/goal-history.ts';
import { seededRandom } from '#test/support/seeded-random.ts';
import { approveHeld, carryOut } from './chaos.ts';
import { type CallFault, callFaults } from './network.ts';
import { isBadGoal } from './people.ts';
import { chaosMsFor, drawSteps, type Step } from './steps.ts';
import { adviceStandsUntil, unmet } from './unmet.ts';
import type { Violation } from './watch.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  /** How many steps the run has; absent: as many as the seed says. */
  readonly stepCount?: number | undefined;
  /** Indexes of the steps to leave out. */
  readonly without?: ReadonlySet<number>;
  readonly faults?: ReadonlySet<CallFault>;
  readonly tell?: (at: number, actor: string, line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly events: number;
  /** How many goals were tried on a share of the splits. */
  readonly trials: number;
  /** How many replays of dead letters came to their end. */
  readonly replays: number;
  readonly violation: Violation | null;
  readonly steps: readonly Step[];
  /** Virtual milliseconds from the end of the chaos to a world as declared. */
  readonly calmMs: number;
  readonly virtualMs: number;
}

const calmCheckMs = 2_500;

export async function runSeed(options: RunOptions): Promise<RunResult> {
  const { seed, stepCount, without = new Set<number>(), faults = new Set(callFaults), tell } = options;
  const world = new World({ seed, faults, ...(tell ? { tell } : {}) });
  const { time, watch, profile } = world;
  const startAt = time.now;
  const chaosMs = chaosMsFor(profile.chaosMs, stepCount);
  const steps = drawSteps(seed, chaosMs, stepCount).filter(({ index }) => !without.has(index));
  const result = (calmMs: number): RunResult => ({
    ...{
      seed,
      events: time.events,
      trials: watch.trials.size,
      replays: watch.replays,
      violation: watch.violation,
      steps,
      calmMs,
      virtualMs: time.now - startAt,
    },
  });
  await world.people.begin(seed);
  await world.goalMoved();
  if (seed % 16 === 5) world.runtime.cursed.add('route-0.out');
  const load = startLoad(world, seed);
  for (let count = 0; count < (seed % 3 === 0 ? 2 : 1); count++) world.startReconciler();
  for (const step of steps) time.after(step.at, () => void carryOut(step, world));
  await time.runUntil(startAt + chaosMs);
  if (watch.violation) return result(0);

  world.tell('world', () => '--- calm: nothing breaks any more, nobody changes anything');
  await calmDown(world, seed);
  const calmAt = time.now;
  const awakeAt = Math.max(calmAt, ...world.reconcilers.map(({ actor }) => actor.frozenUntil));
  await time.runUntil(awakeAt + 2 * profile.sweepMs);
  load.stop();
  for (let lacking = await unmet(world); lacking.length > 0 && !watch.violation; lacking = await unmet(world)) {
    if (time.now - calmAt > profile.calmMsMax) {
      watch.breach('L1', `after ${profile.calmMsMax / 1_000} s of calm: ${lacking.join('; ')}`);
      break;
    }
    await approveHeld(world);
    if (watch.losses.goals) await world.people.unfreeze();
    await time.runUntil(time.now + calmCheckMs);
  }
  if (watch.violation) return result(0);
  const calmMs = time.now - calmAt;
  await beQuiet(world);
  return result(calmMs);
}

/** Records keep coming during the chaos and a little into the calm. */
function startLoad(world: World, seed: number): { stop(): void } {
  const random = seededRandom(seed * 31 + 7);
  let stopped = false;
  world.time.every(2_000, () => {
    for (const name of world.people.streamNames) {
      const there = world.broker.look(name);
      for (const partition of there?.ends.keys() ?? [])
        if (random.next() < 0.7) world.broker.append(name, partition, random.below(6));
    }
    return !stopped;
  });
  return {
    stop: () => {
      stopped = true;
    },
  };
}

async function calmDown(world: World, seed: number): Promise<void> {
  const { network, runtime, watch } = world;
  network.chaos = false;
  runtime.chaos = false;
  network.downUntil.clear();
  runtime.fullUntil = 0;
  world.sinkDownUntil = 0;
  world.goalsEmptyUntil = 0;
  for (const { actor } of world.reconcilers) actor.diesSoon = false;
  // One that would hang in a checkpoint, and takes none, can be noticed by nobody.
  for (const worker of world.liveWorkers()) if (!worker.leads) worker.hangs.checkpoints = false;
  await noFalseAlarm(world);
  await world.people.unfreeze();
  if (seed % 3 === 0) await world.people.mend();
  if (watch.losses.goals && seed % 2 === 0) await world.people.declareAgain();
  await world.goalMoved();
}

/** What cannot work is not waited for before the quiet; a replay that ends all the same may have to be cleared yet. */
async function lackingInTheEnd(world: World, isCursed: boolean): Promise<readonly string[]> {
  const until = world.time.now + (isCursed ? world.profile.calmMsMax : 0);
  let lacking = await unmet(world);
  while (lacking.length > 0 && world.time.now < until) {
    await world.time.runUntil(world.time.now + calmCheckMs);
    lacking = await unmet(world);
  }
  return lacking;
}

/** A goal store that went on is never taken for a restored one. */
async function noFalseAlarm({ goals, watch }: World): Promise<void> {
  const { freezes } = await goals.snapshot();
  if (!watch.losses.goals && freezes.some(({ author }) => author === historyAuthor))
    watch.breach('S5', 'the fleet was frozen for a goal store that never went back');
}

/** The world is as declared: from now on passes look and change nothing. */
async function beQuiet(world: World): Promise<void> {
  const { time, watch, profile } = world;
  world.tell('world', () => '--- as declared');
  // A goal counts as good once its workers have lived for a lease's length, which is remembered.
  // From then on its traffic is judged: advice comes once a window is full.
  const { worker, autoscale } = profile.settings;
  const judgedAt = time.now + 4 * profile.sweepMs + worker.leaseMs + 2 * autoscale.windowMs;
  await time.runUntil(Math.max(judgedAt, (await adviceStandsUntil(world)) + 2 * profile.sweepMs));
  world.tell('world', () => '--- quiet: nothing may change');
  world.reconcilerEffects = [];
  // A job that can never start is asked for again and again, and a frozen one waits for a person.
  const isBad = world.goal.jobs.some(({ goal }) => isBadGoal(goal));
  const cursed = world.runtime.cursed.size > 0 || watch.losses.goals || isBad;
  await time.runUntil(time.now + profile.quietMs);
  await noFalseAlarm(world);
  if (watch.violation) return;
  if (world.reconcilerEffects.length > 0 && !cursed)
    watch.breach(
      'I1',
      `passes over a world that is as declared did: ${world.reconcilerEffects.map((tell) => tell()).join(', ')}`,
    );
  const lacking = await lackingInTheEnd(world, cursed);
  if (lacking.length > 0) watch.breach('L1', `the world did not stay as declared: ${lacking.join('; ')}`);
}
