// `millrace events`: what the reconciler did to a job and why, newest last.
import type { Command } from 'commander';
import { readCount } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { formatEvent } from '#cli/print/events.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { note, paintFor } from '#cli/terminal.ts';
import type { EventView } from '#core/api/wire.ts';

export function registerEvents(program: Command): void {
  addApiOptions(
    program
      .command('events')
      .summary('what the platform did to a job, newest last')
      .argument('<job>', 'a job, or a route with one sink')
      .option('--limit <count>', 'the newest so many', readCount, 50)
      .addOption(outputOption(['table', 'json', 'yaml'])),
  ).action(events);
}

async function events(
  name: string,
  options: ApiOptions & { readonly limit: number; readonly output: OutputFormat },
): Promise<void> {
  const api = await connect(options);
  const job = await findJob(api, name);
  const found = await api.list<EventView>(`${jobPath(job.name)}/events`, options.limit);
  const items = [...found].reverse();
  if (items.length === 0 && options.output === 'table') note('no events yet');
  const paint = paintFor(process.stdout);
  await printAs(options.output, {
    value: { items },
    table: () => items.map((event) => formatEvent(event, paint, false)).join(''),
    names: () => [],
  });
}
