// What an apply would do, shown before it is done: computed from the same goals that the reconciler then acts on (D9).
import type { PlannedChange, PlanView } from '#core/api/wire.ts';
import { checkDocuments, documentKey } from '#core/graph/check-documents.ts';
import { compilePlatform, type JobEntry, type PlatformGoal } from '#core/graph/compile-platform.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import type { RoutePlanner, World } from '#core/graph/world.ts';
import { canonicalJson, contentHash } from '#core/hash.ts';
import { liveHash } from '#core/job/live-settings.ts';
import { sinkStream } from '#core/job/sink-goal.ts';
import { diffJson, heaviest } from '#core/plan/change-weight.ts';
import { runRouteTests } from '#core/plan/route-tests.ts';
import type { GoalRevision, GoalSnapshot } from '#core/ports/goal-store.ts';
import type { Document, SpecProblem } from '#core/spec/document.ts';
import { parseSpec } from '#core/spec/parse-document.ts';

/** Drain, commit, stop, start: what a stop-start takes on the bench's machine (docs/performance.md), rounded up. */
const stopStartPauseMs = 2_000;

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
  const changes = incoming.map((document) => {
    const key = documentKey(document.kind, document.metadata.name);
    const revision = current.find(
      (candidate) => candidate.kind === document.kind && candidate.name === document.metadata.name,
    );
    return planChange(document, revision ?? null, checked.problems.get(key) ?? [], checked.after, before, after);
  });
  return {
    hash: contentHash({
      incoming: incoming.map((d) => [d.kind, d.metadata, d.declared]),
      at: current.map((r) => [r.kind, r.name, r.uid, r.revision]),
    }),
    changes,
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

function planChange(
  document: Document,
  revision: GoalRevision | null,
  problems: readonly SpecProblem[],
  world: World,
  before: PlatformGoal,
  after: PlatformGoal,
): PlannedChange {
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
  const same =
    live !== null &&
    canonicalJson([live.metadata, live.declared]) === canonicalJson([document.metadata, document.declared]);
  const jobs = same || all.length > 0 ? [] : jobEffects(before, after, document);
  const stops = jobs.some((job) => job.stops);
  return {
    kind,
    name,
    outcome: all.length > 0 ? 'refused' : same ? 'unchanged' : live ? 'change' : 'create',
    class: same ? 'none' : live ? heaviest(fields.map((field) => field.class)) : 'live',
    fields,
    effects:
      same || all.length > 0 ? [] : [...topicEffects(before, after, document, world), ...jobs.map((job) => job.effect)],
    jobs: jobs.map((job) => job.name),
    expectedPauseMs: stops ? stopStartPauseMs : 0,
    expectedDuplicates: stops
      ? 'none expected: workers drain and commit before they end; if one is killed meanwhile, at most what it sent since its last commit'
      : 'none',
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
  readonly name: string;
  readonly effect: string;
  readonly stops: boolean;
}

/** Jobs whose workers would be started, replaced or stopped: exactly those whose render, pause or existence differs. */
function jobEffects(before: PlatformGoal, after: PlatformGoal, document: Document): readonly JobEffect[] {
  const was = new Map(before.jobs.map((entry) => [entry.goal.id, entry]));
  const is = new Map(after.jobs.map((entry) => [entry.goal.id, entry]));
  const changed = [...is.values()].flatMap((entry) => {
    if (!touches(document, entry)) return [];
    const effect = jobEffect(was.get(entry.goal.id) ?? null, entry);
    return effect ? [effect] : [];
  });
  const ended = [...was.values()].filter((entry) => !is.has(entry.goal.id) && touches(document, entry));
  return [
    ...changed,
    ...ended.map((entry) => ({
      name: entry.goal.name,
      effect: `job ${entry.goal.name}: workers drain and end, its positions are removed`,
      stops: true,
    })),
  ];
}

const touches = (document: Document, entry: JobEntry): boolean =>
  document.kind === 'Route'
    ? entry.goal.route === document.metadata.name
    : entry.goal.source.stream === document.metadata.name || sinkStream(entry.goal.sink) === document.metadata.name;

function jobEffect(old: JobEntry | null, entry: JobEntry): JobEffect | null {
  const { name, resources, source } = entry.goal;
  if (!old) {
    const effect = entry.paused
      ? `job ${name}: declared paused, no worker starts`
      : `job ${name}: ${resources.workers} worker(s) start, reading ${source.stream} from ${source.start.kind}`;
    return { name, effect, stops: false };
  }
  if (!old.paused && entry.paused)
    return { name, effect: `job ${name}: workers drain, commit and end (paused)`, stops: true };
  if (old.paused && !entry.paused)
    return {
      name,
      effect: `job ${name}: ${resources.workers} worker(s) start from the committed positions`,
      stops: false,
    };
  if (old.render === entry.render && !entry.paused && liveHash(old.goal) !== liveHash(entry.goal))
    return { name, effect: `job ${name}: running workers take the settings over, none is restarted`, stops: false };
  if (old.render === entry.render || entry.paused) return null;
  const from =
    old.goal.source.topic === source.topic
      ? 'the committed positions'
      : `${source.start.kind} of ${source.stream} (another source: positions do not carry over)`;
  return {
    name,
    effect: `job ${name}: workers drain, commit and end, then ${resources.workers} start from ${from}`,
    stops: true,
  };
}
