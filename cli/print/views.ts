// The API's resources as tables: one row a resource, the few columns that a person looks for.
import { showCount, showDuration, showRate } from '#cli/print/quantity.ts';
import { type Column, formatTable } from '#cli/print/table.ts';
import type { JobView, RouteView, StreamView } from '#core/api/wire.ts';

const streamColumns: readonly Column<StreamView>[] = [
  { heading: 'name', cell: (stream) => stream.metadata.name },
  { heading: 'phase', cell: (stream) => stream.status.phase },
  { heading: 'partitions', cell: (stream) => String(stream.status.observed?.partitions ?? '-'), align: 'right' },
  { heading: 'records', cell: (stream) => showCount(stream.status.records), align: 'right' },
  { heading: 'owner', cell: (stream) => stream.metadata.owner },
  { heading: 'rev', cell: (stream) => (stream.impliedBy ? 'implied' : String(stream.revision)), align: 'right' },
  { heading: 'read by', cell: (stream) => stream.status.readers.join(', ') },
];

const routeColumns: readonly Column<RouteView>[] = [
  { heading: 'name', cell: (route) => route.metadata.name },
  { heading: 'from', cell: (route) => specText(route, 'from') },
  { heading: 'jobs', cell: (route) => route.status.jobs.map((job) => `${job.name}: ${job.status.phase}`).join(', ') },
  { heading: 'lag', cell: (route) => showCount(routeLag(route)), align: 'right' },
  { heading: 'owner', cell: (route) => route.metadata.owner },
  { heading: 'rev', cell: (route) => String(route.revision), align: 'right' },
];

const jobColumns: readonly Column<JobView>[] = [
  { heading: 'name', cell: (job) => job.name },
  { heading: 'phase', cell: (job) => job.status.phase },
  { heading: 'workers', cell: (job) => String(job.status.workers.filter(isUp).length), align: 'right' },
  { heading: 'lag', cell: (job) => showCount(job.status.lag.records), align: 'right' },
  { heading: 'in/s', cell: (job) => showRate(job.status.inPerSecond), align: 'right' },
  { heading: 'out/s', cell: (job) => showRate(job.status.outPerSecond), align: 'right' },
  {
    heading: 'fresh',
    cell: (job) => (job.status.lag.freshnessMs === null ? '-' : showDuration(job.status.lag.freshnessMs)),
    align: 'right',
  },
  { heading: 'from', cell: (job) => job.from },
  { heading: 'to', cell: (job) => job.to },
  { heading: 'message', cell: (job) => job.status.message },
];

const isUp = (worker: { readonly state: string }): boolean => worker.state !== 'stopped';

function routeLag(route: RouteView): number | null {
  const lags = route.status.jobs.map((job) => job.status.lag.records);
  const known = lags.filter((lag) => lag !== null);
  return known.length === 0 ? null : known.reduce((sum, lag) => sum + lag, 0);
}

export function specText(resource: { readonly spec: unknown }, field: string): string {
  const value = (resource.spec as Record<string, unknown> | null)?.[field];
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

export const nameOf = (view: StreamView | RouteView | JobView): string =>
  view.kind === 'Job' ? view.name : view.metadata.name;

export function formatViews(
  kind: 'streams' | 'routes' | 'jobs',
  views: readonly (StreamView | RouteView | JobView)[],
): string {
  switch (kind) {
    case 'streams':
      return formatTable(streamColumns, views as readonly StreamView[]);
    case 'routes':
      return formatTable(routeColumns, views as readonly RouteView[]);
    case 'jobs':
      return formatTable(jobColumns, views as readonly JobView[]);
  }
}
