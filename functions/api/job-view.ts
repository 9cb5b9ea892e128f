// Jobs as the API shows them: the compiled goal, what the reconciler decided, and what the workers report.

import type { JobView, RouteView } from '#core/api/wire.ts';
import { compileRoutes } from '#core/graph/compile-platform.ts';
import type { Declared } from '#core/graph/declared-index.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { RouteNode } from '#core/graph/world.ts';
import { sinkTitle } from '#core/job/sink-goal.ts';
import { jobId, jobName } from '#core/names.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import type { JobStatus } from '#core/status/job-status.ts';
import type { JobFacts } from '#core/status/situation.ts';
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
  const declared = [...routes].flatMap((name) => known.declared('Route', name) ?? []);
  const wishes = await goals.circumstances(known.tenant, declared.flatMap(jobNamesOf));
  const asked = JSON.stringify(wishes);
  const jobs = declared.flatMap(({ revision, documents }) => {
    const { world } = known.around(documents);
    const routes = { routes: new Map([[revision.name, revision]]), world, wishes };
    return compiledOnce(world.routes.get(revision.name), asked, () => compileRoutes(routes, settings, planRoute));
  });
  return jobs.sort((a, b) => (a.goal.name < b.goal.name ? -1 : 1));
}

interface Compiled {
  readonly wishes: string;
  readonly jobs: readonly JobEntry[];
}

/** By what the route is in its world: where anything that it hangs together with has changed, it is another. */
const compiled = new WeakMap<RouteNode, Compiled>();

function compiledOnce(
  node: RouteNode | undefined,
  wishes: string,
  compile: () => readonly JobEntry[],
): readonly JobEntry[] {
  if (node === undefined) return [];
  const known = compiled.get(node);
  if (known?.wishes === wishes) return known.jobs;
  const jobs = compile();
  compiled.set(node, { wishes, jobs });
  return jobs;
}

/** As far as they are declared: a route that cannot be carried out has none that runs. */
const jobNamesOf = ({ revision, documents }: Declared): readonly string[] =>
  documents.flatMap((one) =>
    one.kind === 'Route' ? one.spec.sinks.map(({ name }) => jobName(revision.name, name)) : [],
  );

const routeOf = (job: string): string => job.slice(0, job.indexOf('.'));

/** A page of the tenant's jobs, by name. */
export async function pageOfJobs(
  parts: ApiParts,
  tenant: string,
  page: { readonly limit: number; readonly cursor?: string },
): Promise<{ readonly items: readonly JobEntry[]; readonly cursor?: string }> {
  const known = await parts.worlds.read(tenant);
  const { items, ...rest } = pageFrom(known.jobNames(), (name) => name, page);
  const entries = await readJobs(parts, known, new Set(items.map(routeOf)));
  const names = new Set(items);
  return { ...rest, items: entries.filter(({ goal }) => names.has(goal.name)) };
}

/** What the tables hold of a job. */
type Facts = Pick<JobFacts, 'control' | 'heartbeats' | 'splits'>;

/** Of one job with its books, which are in its splits' items; of many, the books of their live workers. */
async function readFacts(parts: ApiParts, id: string): Promise<Facts> {
  const [control, view, splits] = await Promise.all([
    parts.controls.read(id),
    parts.workers.view(id),
    parts.splits.list(id),
  ]);
  return { control, heartbeats: view.heartbeats, splits };
}

/** A page costs what its jobs cost, however many others there are. */
async function readFactsOfMany(parts: ApiParts, ids: readonly string[]): Promise<readonly Facts[]> {
  if (ids.length === 1) return [await readFacts(parts, ids[0]!)];
  const [controls, views, splits] = await Promise.all([
    parts.controls.readMany(ids),
    Promise.all(ids.map((id) => parts.workers.view(id))),
    ids.length <= withBooksMax ? Promise.all(ids.map((id) => parts.splits.list(id))) : null,
  ]);
  return ids.map((id, index) => ({
    control: controls.get(id) ?? null,
    heartbeats: views[index]!.heartbeats,
    splits: splits?.[index] ?? null,
  }));
}

const withBooksMax = 20;

const assess = (parts: ApiParts, entry: JobEntry, facts: Facts): JobStatus =>
  assessJob({ entry, ...facts, now: parts.clock.now() });

export const assessOne = async (parts: ApiParts, entry: JobEntry): Promise<JobStatus> =>
  assess(parts, entry, await readFacts(parts, entry.goal.id));

export async function assessMany(parts: ApiParts, entries: readonly JobEntry[]): Promise<readonly JobStatus[]> {
  const ids = entries.map(({ goal }) => goal.id);
  const facts = await readFactsOfMany(parts, ids);
  return entries.map((entry, index) => assess(parts, entry, facts[index]!));
}

export const jobView = ({ goal, paused }: JobEntry, status: JobStatus): JobView => ({
  kind: 'Job',
  ...{ name: goal.name, route: goal.route, owner: goal.owner, revision: goal.revision, uid: goal.uid },
  ...{ from: goal.source.stream, to: sinkTitle(goal.sink), paused, deadLetterTopic: goal.deadLetterTopic, status },
});

export async function routeViews(
  parts: ApiParts,
  known: TenantWorld,
  revisions: readonly GoalRevision[],
): Promise<readonly RouteView[]> {
  const names = new Set(revisions.map((revision) => revision.name));
  const ids = revisions.flatMap(({ name }) => {
    const declared = known.declared('Route', name);
    return declared ? jobNamesOf(declared).map((job) => jobId(known.tenant, job, declared.revision.uid)) : [];
  });
  // What the tables hold is asked for by names: it need not wait for what they mean.
  const [entries, facts] = await Promise.all([readJobs(parts, known, names), readFactsOfMany(parts, ids)]);
  const factsOf = new Map(ids.map((id, index) => [id, facts[index]!]));
  return revisions.map((revision) => ({
    kind: 'Route',
    ...resourceFields(revision),
    status: {
      jobs: entries.flatMap((entry) =>
        entry.goal.route === revision.name
          ? [{ name: entry.goal.name, status: assess(parts, entry, factsOf.get(entry.goal.id)!) }]
          : [],
      ),
    },
  }));
}

export async function findJob(parts: ApiParts, tenant: string, name: string): Promise<JobEntry> {
  const known = await parts.worlds.read(tenant);
  const entry = (await readJobs(parts, known, new Set([routeOf(name)]))).find(({ goal }) => goal.name === name);
  if (entry) return entry;
  throw missing('job', name, known.jobNames());
}

export async function isJob(parts: ApiParts, tenant: string, name: string): Promise<boolean> {
  const entries = await readJobs(parts, await parts.worlds.read(tenant), new Set([routeOf(name)]));
  return entries.some(({ goal }) => goal.name === name);
}
