// `millrace why`: why a job is as it is: its phase, the evidence, and the last decisions with what they stood on.
import type { Command } from 'commander';
import { readCount } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { formatEvent } from '#cli/print/events.ts';
import { formatConditions, showPhase } from '#cli/print/job-page.ts';
import { oneLine, paintFor, writeOut } from '#cli/terminal.ts';
import type { EventView } from '#core/api/wire.ts';

export function registerWhy(program: Command): void {
  addApiOptions(
    program
      .command('why')
      .summary('why a job is as it is: evidence and the last decisions')
      .argument('<job>', 'a job, or a route with one sink')
      .option('--limit <count>', 'so many decisions', readCount, 10),
  ).action(why);
}

async function why(name: string, options: ApiOptions & { readonly limit: number }): Promise<void> {
  const api = await connect(options);
  const job = await findJob(api, name);
  const events = await api.list<EventView>(`${jobPath(job.name)}/events`, options.limit);
  const paint = paintFor(process.stdout);
  const lines = [...events].reverse().map((event) => formatEvent(event, paint, true));
  await writeOut(
    `${oneLine(job.name)} is ${showPhase(job.status.phase, paint)}: ${oneLine(job.status.message, 400)}\n${formatConditions(job.status, paint)}` +
      `\nWhat the platform did, newest last\n${lines.join('') || 'nothing yet\n'}`,
  );
}
