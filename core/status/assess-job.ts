// From goal, decisions and heartbeats to what people are told: one phase and its evidence. Progress is health (D10).
import { judgeAlerts, type RaisedAlert } from '#core/health/judge-alerts.ts';
import { type Accounting, droppedCount, isBalanced } from '#core/job/accounting.ts';
import type { Heartbeat, SplitHeartbeat } from '#core/job/heartbeat.ts';
import { percent } from '#core/percent.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import { condition } from '#core/status/condition.ts';
import { decidePhase } from '#core/status/decide-phase.ts';
import { checkpointFresh, led, runtimeAgrees } from '#core/status/health-conditions.ts';
import { inSync } from '#core/status/in-sync.ts';
import { alertValues } from '#core/status/job-measures.ts';
import type { Condition, JobStatus } from '#core/status/job-status.ts';
import { itemsToRead, progressing } from '#core/status/progressing.ts';
import { scaled, scaleStatus } from '#core/status/scale-status.ts';
import { type JobFacts, type Situation, situate } from '#core/status/situation.ts';
import { workerStatuses } from '#core/status/worker-statuses.ts';
import { sum } from '#core/sum.ts';
import { seconds } from '#core/time/seconds.ts';

export function assessJob(facts: JobFacts): JobStatus {
  const situation = situate(facts);
  const { entry, live, accounting } = situation;
  const lag = lagOf(situation);
  const scale = scaleStatus(entry, facts.control?.scale);
  const deadLetterShare = deadLetterShareOf(live);
  const raised = judgeAlerts(entry.alerts, alertValues({ lag, deadLetterShare }), raisedBefore(facts.control));
  const conditions = [
    ...[progressing(situation), inSync(situation), checkpointFresh(situation), balanced(situation), stable(situation)],
    ...[led(situation), runtimeAgrees(situation)],
    ...upstreamAlive(situation),
    ...scaled(scale),
  ];
  if (Object.keys(entry.alerts).length > 0) conditions.push(quiet(raised));
  const { phase, message } = decidePhase(situation, conditions);
  return {
    phase,
    message,
    conditions,
    observedRevision: facts.entry.goal.revision,
    runningRevision: runningRevision(situation),
    provenRevision: facts.control?.good?.revision ?? null,
    lag,
    accounting,
    mismatches: sum(live.map((heartbeat) => heartbeat.mismatches ?? 0)),
    deadLetterShare,
    inPerSecond: sum(live.map((heartbeat) => heartbeat.inPerSecond)),
    outPerSecond: sum(live.map((heartbeat) => heartbeat.outPerSecond)),
    workers: workerStatuses(situation),
    scale,
  };
}

/** Workers of an earlier goal bear the number of the newest settings that they have taken over: that is not what they run. */
function runningRevision({ entry, newest, current, live }: Situation): number | null {
  const reported = current[0]?.revision ?? live[0]?.revision ?? null;
  if (reported === null || current.length === 0 || entry.render === newest.render) return reported;
  return Math.min(reported, entry.goal.revision);
}

/** Not known while a split is held by nobody who reports: a start, or a change of hands, is no end of what waits. */
function lagOf(situation: Situation): JobStatus['lag'] {
  const { live } = situation;
  const splits = live.flatMap((heartbeat) => heartbeat.splits);
  const isWhole = splits.length > 0 && splits.length >= splitCount(situation, splits);
  const records = isWhole ? sum(splits.map((split) => split.lagRecords)) : null;
  const perSecond = sum(live.map((heartbeat) => heartbeat.inPerSecond));
  const drainMs = records === null || perSecond <= 0 ? null : Math.round((records / perSecond) * 1000);
  return { records, drainMs: records === 0 ? 0 : drainMs, freshnessMs: freshnessOf(live) };
}

/** How many there are to hold, as far as that is known: by their items, else by the partitions of the source that is read. */
function splitCount({ entry, live, splits: items, partitions }: Situation, held: readonly SplitHeartbeat[]): number {
  if (items !== null) return itemsToRead(items, entry, live).length;
  const isOfSource = held.every(({ split }) => split.startsWith(`${entry.goal.source.topic}/`));
  return isOfSource ? (partitions ?? 0) : 0;
}

/** Of those behind which events wait, where there are any: what is at its end is as old as its source is quiet. */
function freshnessOf(live: readonly Heartbeat[]): number | null {
  const behind = live.filter(({ splits }) => splits.some(({ lagRecords }) => lagRecords > 0));
  const ages = (behind.length > 0 ? behind : live).flatMap(({ freshnessMs }) => freshnessMs ?? []);
  return ages.length > 0 ? Math.max(...ages) : null;
}

function deadLetterShareOf(live: readonly Heartbeat[]): number | null {
  const minutes = live.flatMap(({ lastMinute }) => lastMinute ?? []);
  const read = sum(minutes.map((minute) => minute.in));
  return read === 0 ? null : sum(minutes.map((minute) => minute.deadLettered)) / read;
}

/** As they were last announced, so that all who look at one time see the same. */
export const raisedBefore = (control: ControlRecord | null): readonly string[] =>
  control?.announced['alerts']?.split(',').filter((name) => name !== '') ?? [];

const quiet = (raised: readonly RaisedAlert[]): Condition =>
  raised.length === 0
    ? condition('Quiet', 'true', 'NoAlert', 'no alert is raised')
    : condition('Quiet', 'false', 'AlertRaised', raised.map(({ message }) => message).join('; '));

/** Whether all workers may be started again when they end. */
function stable({ control }: Situation): Condition {
  const slots = Object.entries(control?.slots ?? {});
  const ailment = control?.health?.ailment;
  if (ailment?.handled === 'budget-spent')
    return condition(
      'Stable',
      'false',
      'CorrectionsSpent',
      `${ailment.why}; workers were replaced for it as often as the restart budget allows, in vain`,
    );
  const held = slots.filter(([, { quarantinedAt }]) => quarantinedAt !== undefined);
  const [first] = held;
  if (first === undefined) return condition('Stable', 'true', 'WithinBudget', 'no worker ends again and again');
  const [slot, { faults }] = first;
  const message = `${held.length}/${slots.length} worker(s) are quarantined; slot ${slot}: ${faults?.last ?? 'ended again and again'}. Change the route, or restart the job once the cause is gone`;
  return condition('Stable', 'false', 'Quarantined', message);
}

/** Only where the route says how silent its source may be. */
function upstreamAlive({ entry, live }: Situation): readonly Condition[] {
  if (entry.upstreamSilentMs === null) return [];
  const ages = live.flatMap(({ freshnessMs }) => (freshnessMs === null ? [] : [freshnessMs]));
  const lag = sum(live.flatMap((heartbeat) => heartbeat.splits).map((split) => split.lagRecords));
  const type = 'UpstreamAlive';
  if (ages.length === 0 || lag > 0)
    return [condition(type, 'unknown', 'NotAtTheEnd', 'the newest event has not been read yet')];
  const age = Math.min(...ages);
  const isSilent = age > entry.upstreamSilentMs;
  const message = `the newest event of ${entry.goal.source.stream} is ${seconds(age)} old${isSilent ? `, more than the ${seconds(entry.upstreamSilentMs)} allowed: whoever writes it has stopped, or has nothing to write` : ''}`;
  return [condition(type, isSilent ? 'false' : 'true', isSilent ? 'UpstreamSilent' : 'Fresh', message)];
}

/** What a loss-tolerant job has lost so far, of what it may. */
function lossOf({ dropped, in: read }: Accounting, budget: number | null): string {
  if (budget === null) return '';
  return `; lost ${percent(read === 0 ? 0 : (dropped.overload ?? 0) / read)} of the ${percent(budget)} that may be`;
}

function balanced({ accounting, splits, entry }: Situation): Condition {
  const { out, filtered, deadLettered, emitted } = accounting;
  const became = emitted === undefined ? '' : `; out became ${emitted}`;
  const rewound = sum((splits ?? []).map(({ placed }) => placed?.rewoundRecords ?? 0));
  const again = rewound > 0 ? `; at most ${rewound} of in were read again by rewinds` : '';
  const loss = lossOf(accounting, entry.goal.delivery.lossBudget);
  const books = `in ${accounting.in} = out ${out} + filtered ${filtered} + dead-lettered ${deadLettered} + dropped ${droppedCount(accounting)}${became}${again}${loss}`;
  if (splits === null && accounting.in === 0)
    return condition('Balanced', 'unknown', 'NothingRead', 'no record read yet');
  return isBalanced(accounting)
    ? condition('Balanced', 'true', 'Balanced', books)
    : condition('Balanced', 'false', 'Unbalanced', books.replace('=', '≠'));
}
