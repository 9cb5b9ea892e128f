// Jobs as the API shows them: the compiled goal, what the reconciler decided, and what the workers report.

import type { JobView, RouteView } from '#core/api/wire.ts';
import { compilePlatform, type JobEntry } from '#core/graph/compile-platform.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { sinkTitle } from '#core/job/sink-goal.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import type { JobStatus } from '#core/status/job-status.ts';
import { missing } from '#functions/api/missing.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { resourceFields } from '#functions/api/views.ts';

/** The tenant's jobs, by name. */
export async function readJobs(parts: ApiParts, tenant: string): Promise<readonly JobEntry[]> {
  const snapshot = await parts.goals.snapshot(tenant);
  const mine = {
    ...snapshot,
    revisions: snapshot.revisions.filter((revision) => revision.tenant === tenant),
    operations: snapshot.operations.filter((operation) => operation.tenant === tenant),
  };
  const { jobs } = compilePlatform(mine, parts.settings, parts.planRoute);
  return [...jobs].sort((a, b) => (a.goal.name < b.goal.name ? -1 : 1));
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
  const entries = (await readJobs(parts, tenant)).filter((entry) => names.has(entry.goal.route));
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
  const entries = await readJobs(parts, tenant);
  const entry = entries.find((candidate) => candidate.goal.name === name);
  if (entry) return entry;
  throw missing(
    'job',
    name,
    entries.map((candidate) => candidate.goal.name),
  );
}
