// What an apply would do, shown before it is done: computed from the same goals that the reconciler then acts on (D9).
import type { PlannedChange, PlannedJob, PlanView } from '#core/api/wire.ts';
import { jobCostMonthly } from '#core/cost/job-cost.ts';
import { prices } from '#core/cost/price-table.ts';
import type { RoutePlanner } from '#core/expression/index.ts';
import { checkDocuments, documentKey } from '#core/graph/check-documents.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import type { JobEntry, PlatformGoal } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import type { World } from '#core/graph/world.ts';
import { canonicalJson, contentHash } from '#core/hash.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { sinkStream, sinkTitle } from '#core/job/sink-goal.ts';
import { diffJson, heaviest } from '#core/plan/change-weight.ts';
import { describeFreeze } from '#core/plan/freeze.ts';
import { classOfJobChange, fateOfState, type JobChangeKind, judgeJobChange } from '#core/plan/job-change.ts';
import { runRouteTests } from '#core/plan/route-tests.ts';
import type { GoalRevision, GoalSnapshot } from '#core/ports/goal-store.ts';
import { defaults } from '#core/spec/complete.ts';
import type { Document } from '#core/spec/document.ts';
import { parseSpec } from '#core/spec/parse-document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';

export interface ChangeRequest {
  readonly tenant: string;
  readonly incoming: readonly Document[];
  readonly snapshot: GoalSnapshot;
  readonly settings: PlatformSettings;
  readonly plan: RoutePlanner;
}

export function planChanges(request: ChangeRequest): PlanView {
  const { tenant, incoming, snapshot, settings, plan } = request;
  const current = snapshot.revisions.filter((revision) => revision.tenant === tenant);
  const documents = current.flatMap((revision) => documentOf(revision));
  const checked = checkDocuments(documents, incoming, plan, settings.sinks);
  const before = compilePlatform(snapshot, settings, plan);
  const after = compilePlatform(
    { ...snapshot, revisions: overlay(snapshot.revisions, tenant, incoming) },
    settings,
    plan,
  );
  const changedRoutes = changedRoutesOf(incoming, current);
  const changes = incoming.map((document) => {
    const key = documentKey(document.kind, document.metadata.name);
    const revision = current.find(
      (candidate) => candidate.kind === document.kind && candidate.name === document.metadata.name,
    );
    const problems = checked.problems.get(key) ?? [];
    return planChange({
      ...{ document, revision: revision ?? null, problems, world: checked.after },
      ...{ before, after, settings, changedRoutes },
    });
  });
  const cost = { ...costOf(before, after, incoming, settings), currency: prices.currency, pricesAsOf: prices.asOf };
  const at = incoming.map(({ kind, metadata }) => {
    const found = current.find((one) => one.kind === kind && one.name === metadata.name);
    return found ? [found.uid, found.revision] : [];
  });
  return {
    hash: contentHash({ incoming: incoming.map((d) => [d.kind, d.metadata, d.declared]), at, changes }),
    changes,
    cost,
    wouldChange: changes.some((change) => change.outcome === 'create' || change.outcome === 'change'),
    refused: changes.some((change) => change.outcome === 'refused'),
  };
}

/** The live documents of a snapshot, as far as this version understands them. */
export function documentOf(revision: GoalRevision): readonly Document[] {
  if (revision.declared === null) return [];
  const parsed = parseSpec(revision.kind, revision.metadata, revision.declared);
  return parsed.ok ? [parsed.value] : [];
}

/** The revisions as they would be after the apply. A name that is new gets a uid that cannot be anybody's. */
function overlay(
  revisions: readonly GoalRevision[],
  tenant: string,
  incoming: readonly Document[],
): readonly GoalRevision[] {
  const rest = revisions.filter(
    (revision) =>
      revision.tenant !== tenant ||
      !incoming.some((d) => d.kind === revision.kind && d.metadata.name === revision.name),
  );
  return [
    ...rest,
    ...incoming.map((document): GoalRevision => {
      const known = revisions.find(
        (r) => r.tenant === tenant && r.kind === document.kind && r.name === document.metadata.name,
      );
      return {
        tenant,
        kind: document.kind,
        name: document.metadata.name,
        uid: known && known.declared !== null ? known.uid : 'planned',
        revision: (known?.revision ?? 0) + 1,
        metadata: document.metadata,
        declared: document.declared,
        author: '',
        reason: '',
        at: 0,
      };
    }),
  ];
}

interface Comparison {
  readonly document: Document;
  readonly revision: GoalRevision | null;
  readonly problems: readonly SpecProblem[];
  readonly world: World;
  readonly before: PlatformGoal;
  readonly after: PlatformGoal;
  readonly settings: PlatformSettings;
  /** Names of routes that change with it: what is done to their jobs is told as theirs. */
  readonly changedRoutes: ReadonlySet<string>;
}

const isSameAs = (revision: GoalRevision | null | undefined, { metadata, declared }: Document): boolean =>
  revision != null &&
  revision.declared !== null &&
  canonicalJson([revision.metadata, revision.declared]) === canonicalJson([metadata, declared]);

function changedRoutesOf(incoming: readonly Document[], current: readonly GoalRevision[]): ReadonlySet<string> {
  const known = new Map(current.filter(({ kind }) => kind === 'Route').map((revision) => [revision.name, revision]));
  const routes = incoming.filter(({ kind }) => kind === 'Route');
  const changed = routes.filter((document) => !isSameAs(known.get(document.metadata.name), document));
  return new Set(changed.map(({ metadata }) => metadata.name));
}

function planChange(comparison: Comparison): PlannedChange {
  const { document, revision, problems, world, before, after, settings } = comparison;
  const { kind } = document;
  const { name } = document.metadata;
  const live = revision !== null && revision.declared !== null ? revision : null;
  const fields = live
    ? [
        ...diffJson(kind, live.metadata.labels, document.metadata.labels, 'metadata.labels'),
        ...diffJson(kind, live.declared!, document.declared, 'spec'),
      ]
    : [];
  const tests = document.kind === 'Route' ? runRouteTests(document.spec.tests, world.routes.get(name)) : [];
  const failed = tests
    .filter((test) => !test.passed)
    .map((test): SpecProblem => ({ path: `spec.tests (${test.name})`, message: test.message }));
  const all = [...problems, ...failed];
  const same = isSameAs(live, document);
  const silent = same || all.length > 0;
  const jobs = silent ? [] : jobEffects(comparison);
  const classes = jobs.map(({ job }) => job.class);
  return {
    ...{ kind, name, outcome: all.length > 0 ? 'refused' : same ? 'unchanged' : live ? 'change' : 'create' },
    class: same ? 'none' : heaviest(['live', ...classes]),
    fields,
    effects: silent ? [] : [...topicEffects(before, after, document, world), ...jobs.map(({ effect }) => effect)],
    jobs: jobs.map(({ job }) => job.name),
    jobChanges: jobs.map(({ job }) => job),
    expectedPauseMs: Math.max(0, ...jobs.map(({ job }) => job.expectedPauseMs)),
    expectedDuplicates: jobs.find(({ job }) => job.expectedDuplicates !== 'none')?.job.expectedDuplicates ?? 'none',
    cost: silent ? { before: 0, after: 0 } : costOf(before, after, [document], settings),
    problems: all,
    tests,
  };
}

/** Topics that this document makes or changes: a stream's own; a route's implied ones and its dead letters. */
function topicEffects(before: PlatformGoal, after: PlatformGoal, document: Document, world: World): readonly string[] {
  const was = new Map(before.topics.map((topic) => [topic.topic, topic]));
  return after.topics
    .filter((topic) => belongsTo(topic.subject, after, document, world))
    .flatMap((topic) => {
      const old = was.get(topic.topic);
      if (!old) return [`topic ${topic.topic}: created with ${topic.partitions} partition(s)`];
      const grown =
        topic.partitions > old.partitions
          ? [`topic ${topic.topic}: grown from ${old.partitions} to ${topic.partitions} partitions`]
          : [];
      const set = Object.entries(topic.config).filter(([setting, value]) => old.config[setting] !== value);
      return [
        ...grown,
        ...set.map(([setting, value]) => `topic ${topic.topic}: ${setting} ${old.config[setting]} → ${value}`),
      ];
    });
}

function belongsTo(subject: string, after: PlatformGoal, document: Document, world: World): boolean {
  const { name } = document.metadata;
  if (document.kind === 'Stream') return subject === `stream/${name}`;
  const jobs = after.jobs.filter((entry) => entry.goal.route === name).map((entry) => entry.goal);
  const implied = (stream: string): boolean => world.streams.get(stream)?.document === null;
  return jobs.some(({ name: job, sink }) => {
    const stream = sinkStream(sink);
    return subject === `job/${job}` || (stream !== null && subject === `stream/${stream}` && implied(stream));
  });
}

interface JobEffect {
  readonly kind: JobChangeKind;
  readonly job: PlannedJob;
  readonly effect: string;
}

/** Jobs that something is done to, told by the same judgement that the passes go by. */
function jobEffects({ before, after, document, settings, changedRoutes }: Comparison): readonly JobEffect[] {
  const was = new Map(before.jobs.map((entry) => [entry.goal.id, entry]));
  const is = new Map(after.jobs.map((entry) => [entry.goal.id, entry]));
  return touchedJobs(before, after, document).flatMap((id) => {
    const [old, entry] = [was.get(id) ?? null, is.get(id) ?? null];
    if (document.kind === 'Stream' && changedRoutes.has((entry ?? old)!.goal.route)) return [];
    const kind = judgeJobChange(old, entry);
    return kind === 'none' ? [] : [jobEffect(kind, old, entry, settings)];
  });
}

/** Those that are there afterwards first, in the order of the goal. */
function touchedJobs(before: PlatformGoal, after: PlatformGoal, document: Document): readonly string[] {
  const entries = [...after.jobs, ...before.jobs].filter((entry) => touches(document, entry));
  return [...new Set(entries.map(({ goal }) => goal.id))];
}

const touches = (document: Document, entry: JobEntry): boolean =>
  document.kind === 'Route'
    ? entry.goal.route === document.metadata.name
    : entry.goal.source.stream === document.metadata.name || sinkStream(entry.goal.sink) === document.metadata.name;

function jobEffect(
  kind: JobChangeKind,
  old: JobEntry | null,
  entry: JobEntry | null,
  settings: PlatformSettings,
): JobEffect {
  const { goal, freeze } = (entry ?? old)!;
  const waits = freeze === null ? '' : ` (once the freeze is lifted: ${describeFreeze(freeze)})`;
  const restarts = kind === 'rolling' || kind === 'stop-start' || kind === 'replace';
  const pauseMs = kind === 'rolling' ? handOverMs(goal) : settings.stopStartPauseMs;
  return {
    ...{ kind, effect: `job ${goal.name}: ${effectOf(kind, old, entry)}${waits}` },
    job: {
      ...{ name: goal.name, class: classOfJobChange(kind), state: fateOfState(kind), sink: sinkTitle(goal.sink) },
      expectedPauseMs: restarts ? pauseMs : 0,
      expectedDuplicates: restarts || kind === 'pause' || kind === 'end' ? drainDuplicates(goal) : 'none',
    },
  };
}

/** Splits change hands at the next rounds of both workers, which go with the heartbeats. */
const handOverMs = ({ settings }: JobGoal): number => 2 * settings.heartbeatMs;

const drainDuplicates = ({ delivery }: JobGoal): string =>
  delivery.guarantee === 'exactly-once'
    ? 'none: output and position are one transaction'
    : 'none expected: workers drain and commit before they end; if one is killed meanwhile, at most what it sent since its last commit';

function effectOf(kind: JobChangeKind, old: JobEntry | null, entry: JobEntry | null): string {
  const { resources, source } = (entry ?? old)!.goal;
  const workers = `${resources.workers} worker(s)`;
  switch (kind) {
    case 'none':
      return 'nothing';
    case 'start':
      return entry!.paused
        ? 'declared paused, no worker starts'
        : `${workers} start, reading ${source.stream} from ${source.start.kind}`;
    case 'live':
      return 'running workers take the settings over, none is restarted';
    case 'pause':
      return 'workers drain, commit and end (paused)';
    case 'resume':
      return `${workers} start from the committed positions`;
    case 'rolling':
      if (entry!.onRedeploy === 'canary')
        return `1 worker starts beside those that run and takes a tenth of the splits, at least one; if nothing speaks against it, ${resources.workers} start beside the old, which then drain, commit and end`;
      return `${resources.workers} worker(s) start beside those that run; when they report and read, the old drain, commit and end`;
    case 'stop-start':
      return `workers drain, commit and end, then ${resources.workers} start from the committed positions`;
    case 'replace':
      return `workers drain, commit and end, then ${resources.workers} start from ${source.start.kind} of ${source.stream} (another source: positions do not carry over)`;
    case 'end':
      return 'workers drain and end, its positions are removed';
  }
}

/** What the jobs that the documents touch cost a month before and after. */
function costOf(before: PlatformGoal, after: PlatformGoal, documents: readonly Document[], settings: PlatformSettings) {
  const side = ({ jobs, topics }: PlatformGoal): number => {
    const partitions = new Map(topics.map((topic) => [topic.topic, topic.partitions]));
    const touched = jobs.filter((entry) => documents.some((document) => touches(document, entry)));
    const costs = touched.map((entry) =>
      jobCostMonthly(entry, partitions.get(entry.goal.source.topic) ?? defaults.partitions, settings),
    );
    return Number(costs.reduce((sum, cost) => sum + cost, 0).toFixed(2));
  };
  return { before: side(before), after: side(after) };
}
