// Plans a switch: the route as it would be, where a new source begins, and what that costs; refused where events would be lost.
import type { PlanView } from '#core/api/wire.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { sinkTitle } from '#core/job/sink-goal.ts';
import { jobName, topicOfStream } from '#core/names.ts';
import { readRewindTarget } from '#core/operations/rewind.ts';
import {
  type LeftSplit,
  planSink,
  planSourceByTime,
  planSourceEarliest,
  reachedAt,
  type SourceFacts,
  type SwitchPlan,
} from '#core/operations/switch.ts';
import type { AuditHead } from '#core/ports/audit-log.ts';
import type { LogRecord } from '#core/ports/record-log.ts';
import { apiVersion, type Document } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { parseDuration } from '#core/spec/quantity.ts';
import { planDocuments, refusedDocument } from '#functions/api/apply-declaration.ts';
import { leftSplits } from '#functions/api/left-splits.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { topicMissing } from '#functions/api/tail-topic.ts';

export interface SwitchWish {
  readonly source?: string | undefined;
  readonly sink?: string | { readonly [key: string]: Json } | undefined;
  readonly at?: string | undefined;
  readonly overlap?: string | undefined;
}

export interface PlannedSwitch {
  readonly plan: SwitchPlan;
  readonly effects: readonly string[];
  readonly route: CheckedRoute;
}

/** The route as it will be declared: only where nothing was declared since that it was not checked against. */
export interface CheckedRoute {
  readonly document: Document;
  readonly checkedAt: AuditHead;
}

const overlapDefault = '30s';
/** How much of the new source is looked through for the event that waits in the old one. */
const mirrorRecordsMax = 20_000;

export async function planSwitch(
  parts: ApiParts,
  entry: JobEntry,
  wish: SwitchWish,
  caller: { readonly tenant: string; readonly signal: AbortSignal },
): Promise<PlannedSwitch> {
  const { goal, requested } = entry;
  const underWay = requested.find(({ kind }) => kind === 'switch' || kind === 'rewind');
  if (underWay)
    throw new ApiRefusal(
      409,
      'operation-under-way',
      `a ${underWay.kind} of ${goal.name} is under way (${underWay.id})`,
      {
        fix: `wait for it: millrace why ${goal.name}`,
      },
    );
  if (wish.sink !== undefined) requireSameName(entry, wish.sink);
  const { view, ...route } = await changedRoute(parts, entry, wish, caller.tenant);
  const revision = goal.revision + 1;
  if (wish.sink !== undefined) {
    const plan = planSink(sinkTitle(goal.sink), newTitle(parts, entry, route.document), revision);
    return { plan, route, effects: sinkEffects(plan, view) };
  }
  const plan = await planSource(parts, entry, wish, { revision, signal: caller.signal });
  return { plan, route, effects: sourceEffects(plan) };
}

/** The route as it would be declared, checked as any declaration. */
async function changedRoute(
  parts: ApiParts,
  { goal, config }: JobEntry,
  { source, sink }: SwitchWish,
  tenant: string,
): Promise<CheckedRoute & { readonly view: PlanView }> {
  const known = await parts.worlds.read(tenant);
  const current = known.revision('Route', goal.route);
  const declared = config?.declared as { readonly to: readonly { readonly [key: string]: Json }[] } | undefined;
  if (current === null || declared === undefined) throw new Error(`route ${goal.route} is not to be found`);
  if (source !== undefined && declared.to.length > 1)
    throw new ApiRefusal(
      409,
      'source-shared',
      `the source is of route ${goal.route}, which has ${declared.to.length} jobs`,
      {
        fix: 'switch the source of a route with one sink; or put this sink into a route of its own first',
      },
    );
  const spec =
    source === undefined
      ? { ...declared, to: declared.to.map((one) => newSink(goal.name, one, sink!)) }
      : { ...declared, from: source };
  const parsed = parseDocument({ apiVersion, kind: 'Route', metadata: current.metadata, spec });
  if (!parsed.ok) throw refusedDocument(`Route ${goal.route}`, parsed.problem);
  const checked = await checkRoute(parts, tenant, parsed.value);
  if (checked.view.changes[0]!.outcome === 'unchanged')
    throw new ApiRefusal(
      409,
      'nothing-to-switch',
      `${goal.name} has that ${source === undefined ? 'sink' : 'source'} already`,
    );
  return checked;
}

/** Against all that is declared by now. */
export async function checkRoute(
  parts: ApiParts,
  tenant: string,
  document: Document,
): Promise<CheckedRoute & { readonly view: PlanView }> {
  // Read before all that it is checked against: what is declared in between counts as declared since.
  const { readAt } = await parts.worlds.read(tenant);
  const view = await planDocuments(parts, tenant, [document]);
  const change = view.changes[0]!;
  if (change.outcome === 'refused') throw refusedDocument(`Route ${document.metadata.name}`, change.problems);
  return { document, checkedAt: readAt, view };
}

/** A job is named after its sink: under another name it would end, and another one begin without its positions. */
function requireSameName({ goal }: JobEntry, sink: NonNullable<SwitchWish['sink']>): void {
  if (typeof sink === 'string' || sink['name'] === undefined) return;
  const { name } = sink;
  if (typeof name === 'string' && jobName(goal.route, name) === goal.name) return;
  const expected = goal.name.slice(jobName(goal.route, '').length);
  throw new ApiRefusal(
    422,
    'body-invalid',
    `body sink.name: got ${JSON.stringify(name)}, expected ${JSON.stringify(expected)}, or no name: a switch keeps the job, which is named after its sink`,
    { fix: 'leave the name out; for a job of another name declare another sink' },
  );
}

/** The job's sink as the route would have it, as people call it. */
function newTitle({ settings }: ApiParts, { goal }: JobEntry, document: Document): string {
  const sinks = document.kind === 'Route' ? document.spec.sinks : [];
  const sink = sinks.find(({ name }) => jobName(goal.route, name) === goal.name);
  if (sink === undefined) throw new Error(`the route has no sink for ${goal.name}`);
  if (sink.kind !== 'opensearch') return sinkTitle(sink);
  // One without a URL is only let through where the platform has one.
  return sinkTitle({ ...sink, url: sink.url ?? settings.sinks.openSearchUrl! });
}

/** Conditions and, between streams, the key stay. */
function newSink(job: string, old: { readonly [key: string]: Json }, sink: NonNullable<SwitchWish['sink']>): Json {
  const { name, where, otherwise, key } = old;
  if (!job.endsWith(`.${String(name)}`)) return old;
  const given = typeof sink === 'string' ? { stream: sink, ...(key === undefined ? {} : { key }) } : sink;
  const kept = Object.entries({ name, where, otherwise }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(kept), ...given } as Json;
}

async function planSource(
  parts: ApiParts,
  { goal }: JobEntry,
  { source = '', at = 'carry', overlap = overlapDefault }: SwitchWish,
  { revision, signal }: { readonly revision: number; readonly signal: AbortSignal },
): Promise<SwitchPlan> {
  if (goal.delivery.guarantee === 'exactly-once')
    throw new ApiRefusal(
      409,
      'guarantee-lost',
      'positions carry over by time, so some events are read twice: exactly-once would not hold',
      {
        fix: 'declare another route for the new source, or switch while the route is at-least-once',
      },
    );
  const span = parseDuration(overlap);
  if (!span.ok) throw new ApiRefusal(422, 'target-invalid', `overlap: ${span.problem}`);
  const topic = topicOfStream(goal.tenant, source);
  const [[observed], positions, left] = await Promise.all([
    parts.broker.describe([topic], []),
    parts.broker.positions(topic),
    leftSplits(parts, goal, signal),
  ]);
  if (!observed || positions === null) throw topicMissing(topic);
  const facts: SourceFacts = {
    ...{ goal, to: { stream: source, topic, topicId: observed.topicId }, positions, revision },
    ...{ left: left.splits, overlapMs: span.value },
  };
  if (at === 'carry') requireTold(left.splits);
  const readFrom = at === 'carry' ? carryFrom(left.splits, span.value) : timeOf(at, parts.clock.now());
  if (readFrom === null) return planSourceEarliest(facts);
  if (at === 'carry' && left.waiting.length > 0) await requireMirror(parts, facts, left.waiting, readFrom, signal);
  const offsetsAt = (await parts.broker.offsetsAt(topic, readFrom)) ?? new Map<number, string | null>();
  const planned = planSourceByTime(facts, readFrom, offsetsAt);
  if (!planned.ok)
    throw new ApiRefusal(409, planned.problem.code, planned.problem.message, { fix: planned.problem.fix });
  return planned.value;
}

/** One that is left out of the reckoning could have been read to an earlier time than all others. */
function requireTold(left: readonly LeftSplit[]): void {
  const unknown = left.find(({ isUntold }) => isUntold);
  if (unknown === undefined) return;
  throw new ApiRefusal(
    409,
    'time-unknown',
    `up to which time ${unknown.split} was read cannot be told: no record is left to be seen right before ${unknown.position}`,
    { fix: 'say where to begin: --at earliest, or a time' },
  );
}

function carryFrom(left: readonly LeftSplit[], overlapMs: number): number | null {
  const at = reachedAt(left);
  return at === null ? null : Math.max(0, at - overlapMs);
}

function timeOf(at: string, now: number): number | null {
  const target = readRewindTarget(at, now);
  if (target.ok && target.value.kind === 'earliest') return null;
  if (target.ok && target.value.kind === 'time') return target.value.at;
  throw new ApiRefusal(422, 'target-invalid', `got ${JSON.stringify(at)}`, {
    fix: 'give carry, earliest, a time (2026-01-31T12:00:00Z) or a span back (15m)',
  });
}

/** What waits in the old source has to be found in the new one; else it would be left out. */
async function requireMirror(
  parts: ApiParts,
  { goal, to }: SourceFacts,
  waiting: readonly LogRecord[],
  readFrom: number,
  signal: AbortSignal,
): Promise<void> {
  const textOf = ({ value }: LogRecord): string => Buffer.from(value ?? new Uint8Array()).toString('latin1');
  const wanted = new Map(waiting.map((record) => [textOf(record), record]));
  let count = 0;
  for await (const record of parts.records.read({ topic: to.topic, from: { time: readFrom }, follow: false, signal })) {
    wanted.delete(textOf(record));
    if (wanted.size === 0) return;
    if (++count >= mirrorRecordsMax) break;
  }
  const [missing] = [...wanted.values()];
  throw new ApiRefusal(
    409,
    'not-a-mirror',
    `the event that waits at ${goal.source.topic}/${missing!.partition} offset ${missing!.offset} is not among the ${count} of ${to.stream} since ${new Date(readFrom).toISOString()}: it would be left out`,
    {
      fix: `let ${goal.name} read ${goal.source.stream} to its end first (its producers stopped), or say where to begin: --at earliest, or a time`,
    },
  );
}

function sourceEffects(plan: SwitchPlan): readonly string[] {
  const { from, to, readFrom, splits, duplicates } = plan;
  const since = readFrom === null ? 'from its earliest event' : `from ${new Date(readFrom).toISOString()} on`;
  return [
    `the route is declared anew, with ${to} instead of ${from}`,
    `all workers drain what they read of ${from}, commit and end`,
    `${to} is read ${since}: ${splits.map(({ split, to: offset }) => `${split} at ${offset}`).join(', ')}`,
    readFrom === null
      ? `what ${to} holds of events that were read of ${from} is read again: ${duplicates.why}`
      : `events that both hold are read twice from then on: ${duplicates.why}`,
    ...(readFrom === null ? [] : ['an event that is older than that and came late is left out']),
  ];
}

const sinkEffects = ({ from, to }: SwitchPlan, { changes }: PlanView): readonly string[] => [
  `the route is declared anew, with ${to} instead of ${from}`,
  `all workers deliver what they read to ${from}, commit and end; then ${to} gets what comes after that`,
  ...changes.flatMap(effectsBesideJobs),
  `what ${from} holds stays there`,
];

/** How a job would get the new revision if it were applied is no effect of a switch, for which all workers end first. */
const effectsBesideJobs = ({ effects, jobs }: PlanView['changes'][number]): readonly string[] =>
  effects.filter((effect) => !jobs.some((job) => effect.startsWith(`job ${job}: `)));
