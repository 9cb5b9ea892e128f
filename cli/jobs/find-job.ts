// A job by what people call it: its own name (`plays.out`), or its route's where that has one sink only.
import { type ApiClient, ApiError } from '#cli/api-client.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import type { EndingView, JobView, PageView, RouteView } from '#core/api/wire.ts';
import { didYouMean } from '#core/spec/nearest.ts';

export const jobPath = (job: string): string => `/v1/jobs/${encodeURIComponent(job)}`;

export async function findJob(api: ApiClient, name: string): Promise<JobView> {
  const own = await getOrNull<JobView>(api, jobPath(name));
  if (own) return own;
  const route = name.includes('.') ? null : await getOrNull<RouteView>(api, `/v1/routes/${encodeURIComponent(name)}`);
  const jobs = route?.status.jobs.map((job) => job.name) ?? [];
  if (jobs.length === 1) return api.get<JobView>(jobPath(jobs[0]!));
  if (jobs.length > 1)
    throw new CommandError(exitCodes.usage, `route ${JSON.stringify(name)} has ${jobs.length} jobs: say which one`, {
      fix: jobs.join('\n'),
    });
  const endings = await getOrNull<PageView<EndingView>>(api, '/v1/endings');
  const ending = endings?.items.find(({ job }) => job === name || job.startsWith(`${name}.`));
  if (ending)
    throw new CommandError(exitCodes.failure, `job ${ending.job} is deleted (${ending.state}): ${ending.message}`, {
      fix: 'millrace endings',
    });
  const known = (await api.list<JobView>('/v1/jobs')).map((job) => job.name);
  throw new CommandError(exitCodes.failure, `there is no job ${JSON.stringify(name)}${didYouMean(name, known)}`, {
    fix: known.length === 0 ? 'millrace apply -f examples/quickstart   declares one' : 'millrace get jobs',
  });
}

async function getOrNull<View>(api: ApiClient, path: string): Promise<View | null> {
  try {
    return await api.get<View>(path);
  } catch (error) {
    // A name that no job could bear is refused in other words than one that none bears.
    if (error instanceof ApiError && [400, 404, 422].includes(error.problem.status)) return null;
    throw error;
  }
}
