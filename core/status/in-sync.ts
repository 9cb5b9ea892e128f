// Whether what runs is what is declared, and if not, what keeps it: a freeze, a trial, a revision that got nowhere, workers on their way.
import { workersOf } from '#core/autoscale/workers-wanted.ts';
import { canarySlot } from '#core/canary/canary-slot.ts';
import { compareRevisions, recordsEnough } from '#core/canary/compare-revisions.ts';
import { rolledBackTo, staysAt } from '#core/plan/choose-goal.ts';
import { describeFreeze } from '#core/plan/freeze.ts';
import { condition } from '#core/status/condition.ts';
import type { Condition } from '#core/status/job-status.ts';
import { onTrial, type Situation } from '#core/status/situation.ts';

export function inSync(situation: Situation): Condition {
  const held = heldBack(situation);
  const running = asItGoes(situation);
  // Under a freeze, too, all that is to run has to run.
  if (held !== null && (running.status === 'true' || situation.control?.acted === undefined))
    return condition('InSync', 'false', 'Frozen', held);
  return running;
}

function asItGoes(situation: Situation): Condition {
  const { entry, current, live, control } = situation;
  const type = 'InSync';
  const rolledBack = rolledBackNote(situation);
  if (rolledBack !== null) return condition(type, 'false', 'RolledBack', rolledBack);
  const trial = trialNote(situation);
  if (trial !== null) return condition(type, 'false', 'Canary', trial);
  const wanted = entry.paused ? 0 : workersOf(entry);
  if (entry.paused) {
    const left = Object.keys(control?.slots ?? {}).length;
    return left === 0
      ? condition(type, 'true', 'Paused', 'no worker runs, as wanted')
      : condition(type, 'false', 'Draining', `${left} worker(s) still drain`);
  }
  if (entry.requested.some(({ kind }) => kind === 'rewind') && current.length < wanted)
    return condition(type, 'false', 'Rewinding', 'workers end, positions are set back, then workers start again');
  const inPlace = current.filter(({ slot }) => slot < wanted).length;
  // A worker of a slot that is wanted no more may hold splits still, and work on them by an older goal.
  const stays = (slot: number): boolean => slot < wanted || (slot === canarySlot && situation.newest.freeze !== null);
  const leaving = Object.keys(control?.slots ?? {}).filter((slot) => !stays(Number(slot))).length;
  if (inPlace === wanted && leaving > 0)
    return condition(type, 'false', 'Draining', `${leaving} worker(s) that are wanted no more still drain`);
  if (inPlace === wanted)
    return condition(type, 'true', 'AllCurrent', `${wanted}/${wanted} workers run revision ${entry.goal.revision}`);
  const older = live.length - current.length;
  return condition(
    type,
    'false',
    older > 0 ? 'OlderGoal' : 'WorkersMissing',
    `${inPlace}/${wanted} workers run revision ${entry.goal.revision}${older > 0 ? `, ${older} an older one or draining` : ''}`,
  );
}

/** What waits for a freeze to be lifted; null where nothing does. */
function heldBack({ newest, control }: Situation): string | null {
  const { freeze, goal } = newest;
  if (freeze === null) return null;
  const held = staysAt(control);
  if (held === undefined) return `revision ${goal.revision} waits: ${describeFreeze(freeze)}`;
  const waits = held.render !== newest.render || held.paused !== newest.paused;
  if (!waits) return null;
  const { failed } = control!;
  const why = failed?.render === newest.render ? `got nowhere (${failed.why})` : 'waits';
  return `revision ${goal.revision} ${why}, revision ${held.revision} runs on: ${describeFreeze(freeze)}`;
}

/** How the trial stands; null where there is none. */
function trialNote({ newest, entry, live, current, control }: Situation): string | null {
  if (newest.freeze !== null || !onTrial(newest, control)) return null;
  const tried = live.filter((heartbeat) => heartbeat.render === newest.render && heartbeat.state !== 'draining');
  const { canary, running, doubts } = compareRevisions(tried, current, control!.canary!.baseline);
  const splits = `${canary.splits} of ${canary.splits + running.splits} split(s)`;
  const counts = `${canary.in} of ${recordsEnough} records read, ${canary.bad} of them set aside or dropped, beside ${running.in} and ${running.bad}`;
  const but = doubts.length === 0 ? '' : `; ${doubts.join('; ')}`;
  return `revision ${newest.goal.revision} is tried on ${splits} beside revision ${entry.goal.revision}: ${counts}${but}`;
}

/** Which goal got nowhere, and which one runs instead; null where the newest is carried out. */
function rolledBackNote({ newest, control }: Situation): string | null {
  const good = newest.freeze === null ? rolledBackTo(newest, control) : null;
  if (!good) return null;
  const { revision, why } = control!.failed!;
  return `revision ${revision} got nowhere (${why}), so revision ${good.revision} runs: apply a mended one, or restart the job to try it again`;
}
