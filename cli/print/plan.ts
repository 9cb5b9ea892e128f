// A plan as people read it before they agree: what is made, what changes and how heavily, and what that does to running jobs.
import { showDuration } from '#cli/print/quantity.ts';
import { oneLine, type Paint } from '#cli/terminal.ts';
import type { ChangeClass, FieldChange, PlannedChange, PlannedCost, PlannedJob, PlanView } from '#core/api/wire.ts';
import type { Json } from '#core/spec/json.ts';

const valueCharsMax = 160;
/** A failed test tells the events that came out. */
const messageCharsMax = 2_000;

const outcomes = {
  create: { sign: '+', colour: 'green' },
  change: { sign: '~', colour: 'yellow' },
  unchanged: { sign: ' ', colour: 'dim' },
  refused: { sign: '!', colour: 'red' },
} as const;

/** What each weight means for a job that runs (D9). */
const classWords: Readonly<Record<ChangeClass, string>> = {
  none: 'nothing running changes',
  live: 'live: taken over while running',
  rolling: 'rolling: workers are replaced one after the other',
  'stop-start': 'stop-start: workers drain and stop, then new ones start',
  replace: 'replace: the job ends and a new one begins',
  forbidden: 'forbidden',
};

export function formatPlan(plan: PlanView, paint: Paint): string {
  // What several documents bring about together is said once.
  const told = new Set<string>();
  const parts = plan.changes.map((change) => formatChange(change, paint, told));
  const cost = formatCost(plan.cost);
  const money =
    cost === null ? '' : `Cost a month on AWS (list prices of ${oneLine(plan.cost.pricesAsOf)}): ${cost}.\n`;
  return `${parts.join('')}${planSummary(plan)}\n${money}Plan hash: ${oneLine(plan.hash)}\n`;
}

/** Null where the change costs nothing and saves nothing. */
const formatCost = ({ before, after }: PlannedCost): string | null =>
  before === after ? null : `$${before.toFixed(2)} → $${after.toFixed(2)}`;

const fates: Readonly<Record<PlannedJob['state'], string>> = {
  none: 'untouched',
  new: 'new',
  kept: 'kept',
  lost: 'LOST: positions do not carry over',
};

/** Said where somebody has something to lose or to gain by it: a job that starts has no state yet. */
function formatJob({ name, state, sink, expectedPauseMs }: PlannedJob, paint: Paint): string {
  const told = paint(state === 'lost' ? 'red' : 'dim', `positions and books ${fates[state]}`);
  const pause = expectedPauseMs > 0 ? `, pause about ${showDuration(expectedPauseMs)}` : '';
  return `    ${oneLine(name)} into ${oneLine(sink)}: ${told}${pause}`;
}

export function planSummary(plan: PlanView): string {
  const count = (outcome: PlannedChange['outcome']): number =>
    plan.changes.filter((change) => change.outcome === outcome).length;
  const parts = [
    [count('create'), 'to create'],
    [count('change'), 'to change'],
    [count('unchanged'), 'unchanged'],
    [count('refused'), 'refused'],
  ] as const;
  const shown = parts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  return `Plan: ${shown.length === 0 ? 'nothing declared' : shown.join(', ')}.`;
}

function formatChange(change: PlannedChange, paint: Paint, told: Set<string>): string {
  const { sign, colour } = outcomes[change.outcome];
  const lines = [paint(colour, `${sign} ${change.kind} ${oneLine(change.name)}: ${change.outcome}`)];
  if (change.outcome === 'change') {
    for (const field of change.fields) lines.push(...formatFieldChange(field, paint));
    lines.push(`    ${classWords[change.class]}`);
  }
  if (change.outcome === 'create' || change.outcome === 'change') {
    if (change.expectedPauseMs > 0) lines.push(`    expected pause: ${showDuration(change.expectedPauseMs)}`);
    if (!['', 'none'].includes(change.expectedDuplicates))
      lines.push(`    expected duplicates: ${oneLine(change.expectedDuplicates)}`);
    const cost = formatCost(change.cost);
    if (cost !== null) lines.push(`    cost a month: ${cost}`);
    for (const job of change.jobChanges.filter(({ state }) => state !== 'new')) lines.push(formatJob(job, paint));
    for (const effect of change.effects.filter((one) => !told.has(one)))
      lines.push(`    → ${oneLine(effect, messageCharsMax)}`);
    for (const effect of change.effects) told.add(effect);
  }
  for (const test of change.tests) {
    const [sign, message] = test.passed
      ? [paint('green', '✓'), '']
      : [paint('red', '✗'), `: ${oneLine(test.message, messageCharsMax)}`];
    lines.push(`    ${sign} test: ${oneLine(test.name)}${message}`);
  }
  return `${lines.join('\n')}\n`;
}

/** `+ path: after`, `- path: before`, or `~ path: before → after`; a long text's two sides stand below each other. */
export function formatFieldChange(field: FieldChange, paint: Paint): readonly string[] {
  const before = showJson(field.before);
  const after = showJson(field.after);
  const path = oneLine(field.path);
  const weight = field.class === 'none' ? '' : paint('dim', `  (${field.class})`);
  if (field.before === null) return [paint('green', `    + ${path}: ${after}`) + weight];
  if (field.after === null) return [paint('red', `    - ${path}: ${before}`) + weight];
  if (before.length + after.length <= 70) return [paint('yellow', `    ~ ${path}: ${before} → ${after}`) + weight];
  return [
    paint('yellow', `    ~ ${path}:`) + weight,
    paint('red', `        - ${before}`),
    paint('green', `        + ${after}`),
  ];
}

const showJson = (json: Json): string => oneLine(typeof json === 'string' ? json : JSON.stringify(json), valueCharsMax);
