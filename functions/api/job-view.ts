// Jobs as the API shows them: the compiled goal, what the reconciler decided, and what the workers report.

import type { JobView, RouteView } from '#core/api/wire.ts';
import { compileTenant, type JobEntry } from '#core/graph/compile-platform.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { sinkTitle } from '#core/job/sink-goal.ts';
import { jobName } from '#core/names.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import type { JobStatus } from '#core/status/job-status.ts';
import { missing } from '#functions/api/missing.ts';
import { pageFrom } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { resourceFields } from '#functions/api/views.ts';
import type { TenantWorld } from '#functions/api/world-cache.ts';

/** The jobs of these routes, by name: compiled with what they hang together with, and with nothing else. */
async function readJobs(
  { goals, settings, planRoute }: ApiParts,
  known: TenantWorld,
  routes: ReadonlySet<string>,
): Promise<readonly JobEntry[]> {
  const { tenant } = known;
  const wanted = [...routes].flatMap((name) => known.declared('Route', name)?.documents ?? []);
  const revisions = known.around(wanted).map(({ revision }) => revision);
  const wishes = await goals.circumstances(tenant);
  const { jobs } = compileTenant({ tenant, revisions, ...wishes }, settings, planRoute, (name) => routes.has(name));
  return [...jobs].sort((a, b) => (a.goal.name < b.goal.name ? -1 : 1));
}

/** Names of the jobs that are declared, in order; of routes that cannot be carried out, too. */
const namesOfJobs = (known: TenantWorld): readonly string[] =>
  known.documents
    .flatMap((document) =>
      document.kind === 'Route' ? document.spec.sinks.map(({ name }) => jobName(document.metadata.name, name)) : [],
    )
    .sort();

const routeOf = (job: string): string => job.slice(0, job.indexOf('.'));

/** A page of the tenant's jobs, by name. */
export async function pageOfJobs(
  parts: ApiParts,
  tenant: string,
  page: { readonly limit: number; readonly cursor?: string },
): Promise<{ readonly items: readonly JobEntry[]; readonly cursor?: string }> {
  const known = await parts.worlds.read(tenant);
  const { items, ...rest } = pageFrom(namesOfJobs(known), (name) => name, page);
  const entries = await readJobs(parts, known, new Set(items.map(routeOf)));
  const names = new Set(items);
  return { ...rest, items: entries.filter(({ goal }) => names.has(goal.name)) };
}

/** One job with its books, which are in its splits' items; of many, the books of their live workers. */
export async function assessOne(parts: ApiParts, entry: JobEntry): Promise<JobStatus> {
  const { id } = entry.goal;
  const [control, view, splits] = await Promise.all([
    parts.controls.read(id),
    parts.workers.view(id),
    parts.splits.list(id),
  ]);
  return assess(parts, entry, control, view.heartbeats, splits);
}

export async function assessMany(parts: ApiParts, entries: readonly JobEntry[]): Promise<readonly JobStatus[]> {
  if (entries.length <= oneByOneMax) return await Promise.all(entries.map((entry) => assessOne(parts, entry)));
  const [controls, heartbeats] = await Promise.all([parts.controls.list(), parts.workers.listHeartbeats()]);
  const controlOf = new Map(controls.map((control) => [control.job, control]));
  return entries.map((entry) => {
    const { id } = entry.goal;
    const mine = heartbeats.filter((heartbeat) => heartbeat.job === id);
    return assess(parts, entry, controlOf.get(id) ?? null, mine, null);
  });
}

const oneByOneMax = 20;

const assess = (
  parts: ApiParts,
  entry: JobEntry,
  control: ControlRecord | null,
  heartbeats: readonly Heartbeat[],
  splits: readonly SplitRecord[] | null,
): JobStatus => assessJob({ entry, control, heartbeats, splits, now: parts.clock.now() });

export const jobView = ({ goal, paused }: JobEntry, status: JobStatus): JobView => ({
  kind: 'Job',
  ...{ name: goal.name, route: goal.route, owner: goal.owner, revision: goal.revision, uid: goal.uid },
  ...{ from: goal.source.stream, to: sinkTitle(goal.sink), paused, deadLetterTopic: goal.deadLetterTopic, status },
});

export async function routeViews(
  parts: ApiParts,
  tenant: string,
  revisions: readonly GoalRevision[],
): Promise<readonly RouteView[]> {
  const names = new Set(revisions.map((revision) => revision.name));
  const entries = await readJobs(parts, await parts.worlds.read(tenant), names);
  const statuses = await assessMany(parts, entries);
  return revisions.map((revision) => ({
    kind: 'Route',
    ...resourceFields(revision),
    status: {
      jobs: entries.flatMap((entry, index) =>
        entry.goal.route === revision.name ? [{ name: entry.goal.name, status: statuses[index]! }] : [],
      ),
    },
  }));
}

export async function findJob(parts: ApiParts, tenant: string, name: string): Promise<JobEntry> {
  const known = await parts.worlds.read(tenant);
  const entry = (await readJobs(parts, known, new Set([routeOf(name)]))).find(({ goal }) => goal.name === name);
  if (entry) return entry;
  throw missing('job', name, namesOfJobs(known));
}

export async function isJob(parts: ApiParts, tenant: string, name: string): Promise<boolean> {
  const entries = await readJobs(parts, await parts.worlds.read(tenant), new Set([routeOf(name)]));
  return entries.some(({ goal }) => goal.name === name);
}
