// The page of one job: what it is, how it does with evidence, its workers, its books.
import { showAge, showCount, showDuration, showRate } from '#cli/print/quantity.ts';
import { type Column, formatFacts, formatTable } from '#cli/print/table.ts';
import { oneLine, type Paint, withoutControls } from '#cli/terminal.ts';
import type { JobView } from '#core/api/wire.ts';
import { droppedCount } from '#core/job/accounting.ts';
import type { JobPhase, JobStatus, WorkerStatus } from '#core/status/job-status.ts';

const phaseColours: Readonly<Record<JobPhase, 'green' | 'yellow' | 'red' | 'dim'>> = {
  Running: 'green',
  Pending: 'yellow',
  Deploying: 'yellow',
  Paused: 'dim',
  Stopped: 'dim',
  Degraded: 'yellow',
  Stalled: 'red',
  Quarantined: 'red',
  Failed: 'red',
};

export const showPhase = (phase: JobPhase, paint: Paint): string => paint(phaseColours[phase] ?? 'dim', phase);

const conditionSigns = { true: '✓', false: '✗', unknown: '?' } as const;
const conditionColours = { true: 'green', false: 'red', unknown: 'dim' } as const;

export function formatConditions(status: JobStatus, paint: Paint): string {
  return status.conditions
    .map((one) => {
      const sign = paint(conditionColours[one.status], conditionSigns[one.status]);
      return `  ${sign} ${oneLine(one.type).padEnd(15)} ${one.reason === one.type ? '' : `${oneLine(one.reason)}: `}${withoutControls(one.message)}\n`;
    })
    .join('');
}

const workerColumns = (now: number): readonly Column<WorkerStatus>[] => [
  { heading: 'worker', cell: shortWorkerName },
  { heading: 'state', cell: (worker) => worker.state },
  { heading: 'since', cell: (worker) => showAge(worker.since, now), align: 'right' },
  { heading: 'splits', cell: (worker) => String(worker.splits), align: 'right' },
  {
    heading: 'MiB',
    cell: (worker) => (worker.rssMiB === null ? '-' : String(Math.round(worker.rssMiB))),
    align: 'right',
  },
  { heading: 'pid', cell: (worker) => String(worker.pid ?? worker.taskId ?? '-') },
];

export function formatJobPage(job: JobView, paint: Paint, now: number): string {
  const { status } = job;
  const { lag, accounting } = status;
  const facts = formatFacts([
    ['Job', oneLine(job.name)],
    ['Phase', `${showPhase(status.phase, paint)}: ${oneLine(status.message, 400)}`],
    [
      'Route',
      `${oneLine(job.route)}, revision ${job.revision}${status.runningRevision === job.revision ? '' : ` (running: ${status.runningRevision ?? 'none'})`}`,
    ],
    ['Owner', oneLine(job.owner)],
    ['Reads', oneLine(job.from, 400)],
    ['Writes', oneLine(job.to, 400)],
    ['Dead letters', oneLine(job.deadLetterTopic)],
    [
      'Lag',
      `${showCount(lag.records)} records${lag.drainMs === null || lag.drainMs === 0 ? '' : `, gone in ${showDuration(lag.drainMs)} at this rate`}`,
    ],
    [
      'Freshness',
      lag.freshnessMs === null ? '' : `${showDuration(lag.freshnessMs)} (age of the newest event that was read)`,
    ],
    ['Rate', `${showRate(status.inPerSecond)} in/s, ${showRate(status.outPerSecond)} out/s`],
    [
      'Books',
      `in ${showCount(accounting.in)} = out ${showCount(accounting.out)} + filtered ${showCount(accounting.filtered)} + dead-lettered ${showCount(accounting.deadLettered)} + dropped ${showCount(droppedCount(accounting))}${accounting.emitted === undefined ? '' : `; out became ${showCount(accounting.emitted)}`}`,
    ],
    [
      'Mismatches',
      status.mismatches > 0
        ? `${showCount(status.mismatches)} values were not of the type that the route uses them as (NULL then)`
        : '',
    ],
  ]);
  const { scale } = status;
  const workers = status.workers.length === 0 ? 'none\n' : formatTable(workerColumns(now), status.workers);
  return `${facts}\nConditions\n${formatConditions(status, paint)}\nWorkers: ${wantedWorkers(scale, now)}\n${indent(workers)}`;
}

/** Whose number it is, and since when. */
function wantedWorkers({ workers, declared, by, mode, min, max, since }: JobStatus['scale'], now: number): string {
  const range = `autoscale ${mode}${mode === 'on' ? `, ${min} to ${max}` : ''}`;
  if (by === 'declaration') return `${workers} declared (${range})`;
  return `${workers} by the autoscaler${since === null ? '' : ` for ${showAge(since, now)}`} (${declared} declared, ${range})`;
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');

/** `3/0`: incarnation and slot, as the events call it. */
export const shortWorkerName = (worker: Pick<WorkerStatus, 'incarnation' | 'slot'>): string =>
  `${worker.incarnation}/${worker.slot}`;
