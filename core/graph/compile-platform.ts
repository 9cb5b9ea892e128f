// The goal store's snapshot becomes the platform's goal: topics that must exist and jobs that must run.

import { configuredGoal, type JobConfigFacts } from '#core/config/job-settings.ts';
import { messageOf } from '#core/errors.ts';
import type { RoutePlanner, RouteProgram } from '#core/expression/index.ts';
import { compileReplays } from '#core/graph/compile-replays.ts';
import { compileSink } from '#core/graph/compile-sink.ts';
import type { JobEntry, PlatformGoal, TenantPart, TopicGoal } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { lackingRoutes, refusedRoutes } from '#core/graph/unsupported-routes.ts';
import { buildWorld, isAvailable, type RouteNode, type StreamNode, type World } from '#core/graph/world.ts';
import { contentHash } from '#core/hash.ts';
import { compileFormat, type FormatGoal } from '#core/job/format-goal.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { liveHash, withoutLive } from '#core/job/live-settings.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { limits } from '#core/limits.ts';
import { deadLetterTopic, jobId, jobName, topicOfStream } from '#core/names.ts';
import { freezeOver } from '#core/plan/freeze.ts';
import type { ConfigEntry, Freeze, GoalRevision, GoalSnapshot, Operation } from '#core/ports/goal-store.ts';
import type { Document } from '#core/spec/document.ts';
import { parseSpec } from '#core/spec/parse-document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { RouteSpec } from '#core/spec/route-spec.ts';

/** What one tenant has declared and asked for: all that its part of the goal is made of, beside the platform's settings. */
export interface TenantGoals {
  readonly tenant: string;
  readonly revisions: readonly GoalRevision[];
  readonly operations: readonly Operation[];
  readonly freezes: readonly Freeze[];
  readonly config: readonly ConfigEntry[];
}

export const compilePlatform = (snapshot: GoalSnapshot, settings: PlatformSettings, plan: RoutePlanner): PlatformGoal =>
  joinTenants(
    snapshot,
    byTenant(snapshot).map((goals) => compileTenant(goals, settings, plan)),
    settings,
  );

export function joinTenants(
  snapshot: GoalSnapshot,
  parts: readonly TenantPart[],
  settings: PlatformSettings,
): PlatformGoal {
  const topics = parts.flatMap((part) => part.topics);
  const wanted = new Set(topics.map((topic) => topic.topic));
  const removed = snapshot.revisions.filter((revision) => revision.declared === null);
  const unclear = new Set(parts.filter((part) => part.hasUnreadRoutes).map(({ tenant }) => tenant));
  const keptUntil = ({ tenant, purge, at }: GoalRevision): number => {
    if (unclear.has(tenant)) return Number.POSITIVE_INFINITY;
    return purge ? at : at + settings.deletionGraceMs;
  };
  const removedTopics = removed
    .filter((revision) => revision.kind === 'Stream' && !wanted.has(topicOfStream(revision.tenant, revision.name)))
    .map((revision) => ({
      tenant: revision.tenant,
      topic: topicOfStream(revision.tenant, revision.name),
      stream: revision.name,
      subject: `stream/${revision.name}`,
      keptUntil: keptUntil(revision),
    }));
  const { sequence, at, freezes, approvals } = snapshot;
  return {
    ...{ sequence, at, freezes, approvals, topics, removedTopics, removed },
    jobs: parts.flatMap((part) => part.jobs),
    replays: parts.flatMap((part) => part.replays),
    unsupported: parts.flatMap((part) => part.unsupported),
  };
}

export function byTenant({ revisions, operations, freezes, config }: GoalSnapshot): readonly TenantGoals[] {
  const operationsOf = Map.groupBy(operations, ({ tenant }) => tenant);
  const freezesOf = Map.groupBy(freezes, ({ tenant }) => tenant);
  const configOf = Map.groupBy(config, ({ tenant }) => tenant);
  return [...Map.groupBy(revisions, ({ tenant }) => tenant)].map(([tenant, mine]) => ({
    ...{ tenant, revisions: mine, config: configOf.get(tenant) ?? [] },
    ...{ operations: operationsOf.get(tenant) ?? [], freezes: freezesOf.get(tenant) ?? [] },
  }));
}

/** Whatever is the matter with what one tenant declares, the others' jobs are kept up: its own are left as they run. */
export function compileTenant(goals: TenantGoals, settings: PlatformSettings, plan: RoutePlanner): TenantPart {
  try {
    return compileDeclared(goals, settings, plan);
  } catch (error) {
    const message = `what the tenant declares could not be compiled, which is a fault of Millrace: ${messageOf(error)}`;
    const declared = goals.revisions.filter((revision) => revision.declared !== null);
    const unsupported = declared.map((revision) => ({ revision, problems: [{ path: '', message }] }));
    return { tenant: goals.tenant, topics: [], jobs: [], replays: [], unsupported, hasUnreadRoutes: true };
  }
}

function compileDeclared(goals: TenantGoals, settings: PlatformSettings, plan: RoutePlanner): TenantPart {
  const { tenant, revisions } = goals;
  const unsupported: { revision: GoalRevision; problems: readonly SpecProblem[] }[] = [];
  const documents: Document[] = [];
  for (const revision of revisions) {
    if (revision.declared === null) continue;
    const parsed = parseSpec(revision.kind, revision.metadata, revision.declared);
    if (parsed.ok) documents.push(parsed.value);
    else unsupported.push({ revision, problems: parsed.problem });
  }
  const hasUnreadRoutes = unsupported.some(({ revision }) => revision.kind === 'Route');
  const world = buildWorld(documents, plan);
  const declared = new Map(revisions.filter((r) => r.kind === 'Route').map((r) => [r.name, r]));
  // Nobody can tell what these are to be: routes would make them anew, as streams that are implied.
  const unread = new Set(unsupported.flatMap(({ revision }) => (revision.kind === 'Stream' ? [revision.name] : [])));
  const refused = refusedRoutes(world, unread);
  const routes = new Map([...declared].filter(([name]) => !refused.has(name)));
  const jobs = compileRoutes({ routes, world, wishes: goals }, settings, plan);
  for (const [name, problems] of [...refused, ...lackingRoutes(world, routes, jobs)])
    unsupported.push({ revision: declared.get(name)!, problems });
  const topics = [
    ...[...world.streams.values()]
      .filter(({ name }) => !unread.has(name))
      .map((node) => streamTopic(tenant, node, settings)),
    ...jobs.map((entry) => deadLetters(entry, settings)),
  ];
  const replays = jobs.flatMap((entry) => compileReplays(entry, plan));
  return { tenant, topics, jobs, replays, unsupported, hasUnreadRoutes };
}

export interface RoutesToCompile {
  /** Those whose jobs are wanted. */
  readonly routes: ReadonlyMap<string, GoalRevision>;
  /** Of all that hangs together with them. */
  readonly world: World;
  readonly wishes: Pick<TenantGoals, 'operations' | 'freezes' | 'config'>;
}

/** The jobs of some routes. */
export function compileRoutes(
  { routes: revisions, world, wishes }: RoutesToCompile,
  settings: PlatformSettings,
  plan: RoutePlanner,
): readonly JobEntry[] {
  const operationsOf = Map.groupBy(wishes.operations, ({ job }) => job);
  const wishesOf = (job: string): Wishes => ({ operations: operationsOf.get(job) ?? [], freezes: wishes.freezes });
  const config = Map.groupBy(wishes.config, (entry) =>
    entry.scope === 'team' ? `team/${entry.subject}` : `job/${entry.subject}@${entry.uid}`,
  );
  return compileJobs({ revisions, world, config }, wishesOf, settings, plan);
}

type Wishes = Pick<TenantGoals, 'operations' | 'freezes'>;

interface Tenant {
  readonly revisions: ReadonlyMap<string, GoalRevision>;
  readonly world: World;
  /** By `team/…` and `job/…@uid`. */
  readonly config: ReadonlyMap<string, readonly ConfigEntry[]>;
}

function streamTopic(tenant: string, node: StreamNode, settings: PlatformSettings): TopicGoal {
  const isOfBroker = settings.minInsyncReplicas === null && !isAvailable(node);
  return {
    tenant,
    topic: topicOfStream(tenant, node.name),
    subject: `stream/${node.name}`,
    partitions: node.partitions,
    config: {
      ...topicConfig(node.document?.spec.retentionMs ?? impliedRetentionMs, limits.recordBytesMax, settings),
      ...(isAvailable(node) ? { 'min.insync.replicas': '1' } : {}),
    },
    ...(isOfBroker ? { ofBroker: ['min.insync.replicas'] } : {}),
  };
}

/** An implied stream keeps events as long as a declared one does by default. */
const impliedRetentionMs = 48 * 3_600_000;
/** Room for a batch's header and one record's framing beside the largest value. */
const batchOverheadBytes = 128 * 1024;

const topicConfig = (
  retentionMs: number,
  recordBytesMax: number,
  settings: PlatformSettings,
): Record<string, string> => ({
  'cleanup.policy': 'delete',
  'max.message.bytes': String(recordBytesMax + batchOverheadBytes),
  ...(settings.minInsyncReplicas === null ? {} : { 'min.insync.replicas': String(settings.minInsyncReplicas) }),
  'retention.ms': String(retentionMs),
});

const deadLetters = (entry: JobEntry, settings: PlatformSettings): TopicGoal => ({
  tenant: entry.goal.tenant,
  topic: entry.goal.deadLetterTopic,
  subject: `job/${entry.goal.name}`,
  partitions: 1,
  config: topicConfig(settings.deadLetterRetentionMs, limits.deadLetterBytesMax, settings),
});

function compileJobs(
  tenant: Tenant,
  wishesOf: (job: string) => Wishes,
  settings: PlatformSettings,
  plan: RoutePlanner,
): readonly JobEntry[] {
  const entries: JobEntry[] = [];
  for (const [name, revision] of tenant.revisions) {
    const route = tenant.world.routes.get(name);
    const source = route && tenant.world.streams.get(route.document.spec.from);
    if (!source || route.problems.length > 0) continue;
    for (const sink of route.document.spec.sinks) {
      const program = route.programs.get(sink.name)!;
      const { spec } = route.document;
      const job = jobName(name, sink.name);
      const sinkGoal = compileSink(sink, { tenant: revision.tenant, program, settings, plan, world: tenant.world });
      const format = source.document?.spec.format ?? null;
      const sourceFormat = format === null ? null : compileFormat(format, source.name, settings.sinks);
      if (sinkGoal === null || (format !== null && sourceFormat === null)) continue;
      const goal: JobGoal = {
        formatVersion: goalVersion(route, sourceFormat, sinkGoal),
        id: jobId(revision.tenant, job, revision.uid),
        tenant: revision.tenant,
        name: job,
        route: name,
        uid: revision.uid,
        revision: revision.revision,
        owner: revision.metadata.owner,
        source: {
          ...{ stream: source.name, topic: topicOfStream(revision.tenant, source.name), start: spec.start },
          ...(sourceFormat === null ? {} : { format: sourceFormat }),
        },
        ...(route.operators.length === 0 ? {} : { operators: route.operators }),
        program,
        eventTime: eventTimeProgram(source, plan),
        sink: sinkGoal,
        deadLetterTopic: deadLetterTopic(revision.tenant, job),
        delivery: spec.delivery,
        errors: spec.errors,
        throttle: spec.throttle,
        resources: spec.resources,
        stalledAfterMs: spec.stalledAfterMs,
        settings: settings.worker,
      };
      const config: JobConfigFacts = {
        ...{ goal, spec, declared: route.document.declared, settings },
        entries: [
          ...(tenant.config.get(`team/${goal.owner}`) ?? []),
          ...(tenant.config.get(`job/${goal.name}@${goal.uid}`) ?? []),
        ],
      };
      const wishes = { ...wishesOf(job), progressWithinMs: settings.progressWithinMs };
      const entry = jobEntry(configuredGoal(config), spec, wishes);
      entries.push({ ...entry, declaredAt: revision.at, alerts: spec.alerts, autoscale: spec.autoscale, config });
    }
  }
  return entries;
}

function goalVersion(route: RouteNode, source: FormatGoal | null, sink: SinkGoal): JobGoal['formatVersion'] {
  if (source !== null || (sink.kind === 'stream' && sink.format !== undefined)) return 3;
  return route.operators.length === 0 ? 1 : 2;
}

function eventTimeProgram(source: StreamNode, plan: RoutePlanner): RouteProgram | null {
  const field = source.document?.spec.eventTime;
  if (!field || source.row === null) return null;
  const planned = plan({ select: `"${field.replaceAll('"', '""')}" AS at` }, source.row, { validate: 'read' });
  return planned.ok ? planned.value : null;
}

function jobEntry(
  goal: JobGoal,
  spec: Pick<RouteSpec, 'paused' | 'progressWithinMs' | 'onRedeploy' | 'restartBudget' | 'upstreamSilentMs'>,
  { operations, freezes, ...defaults }: Wishes & Pick<PlatformSettings, 'progressWithinMs'>,
): Omit<JobEntry, 'declaredAt' | 'alerts' | 'autoscale'> {
  const mine = operations.filter(({ uid }) => uid === goal.uid);
  const newest = (kinds: readonly string[]): Operation | undefined =>
    mine.filter((operation) => kinds.includes(operation.kind)).sort((a, b) => b.sequence - a.sequence)[0];
  const restartSequence = newest(['restart'])?.sequence ?? 0;
  return {
    goal,
    paused: spec.paused || newest(['pause', 'resume'])?.kind === 'pause',
    restartSequence,
    render: renderHash(goal, restartSequence),
    live: liveHash(goal),
    requested: mine.filter((operation) => operation.state === 'requested'),
    ...{ onRedeploy: spec.onRedeploy, restartBudget: spec.restartBudget, upstreamSilentMs: spec.upstreamSilentMs },
    progressWithinMs: spec.progressWithinMs ?? defaults.progressWithinMs,
    freeze: freezeOver(goal, freezes),
  };
}

/** Neither the revision's number nor its author shape a worker: applying an equal goal again restarts nothing. */
function renderHash(goal: JobGoal, restartSequence: number): string {
  const { revision: _revision, owner: _owner, ...shaping } = goal;
  return contentHash({ shaping: withoutLive(shaping), restartSequence });
}
