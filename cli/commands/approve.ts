// `millrace approve`: shows which jobs wait since too many would end at once, and agrees that these end.
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { confirm, note } from '#cli/terminal.ts';
import type { HeldView } from '#core/api/wire.ts';

export function registerApprove(program: Command): void {
  addApiOptions(
    program
      .command('approve')
      .summary('agree that many jobs end at once')
      .description(
        'Where too many jobs would end at once, none does until somebody agrees. Shows which, and asks at a terminal.',
      )
      .option('--reason <text>', 'kept in the audit log')
      .option('-y, --yes', 'do not ask'),
  ).action(approve);
}

async function approve(options: ApiOptions & { readonly reason?: string; readonly yes?: boolean }): Promise<void> {
  const api = await connect(options);
  const { items } = await api.get<HeldView>('/v1/held');
  if (items.length === 0) {
    process.stdout.write('no job waits for an approval\n');
    return;
  }
  for (const { job, since } of items) note(`job ${job} would end; held since ${since}`);
  if (!options.yes && !(await confirm(`End these ${items.length} jobs?`)))
    throw new CommandError(exitCodes.failure, 'not confirmed, so they go on');
  await api.post('/v1/held/approvals', {
    json: { jobs: items.map(({ id }) => id) },
    query: { reason: options.reason },
  });
  process.stdout.write(`${items.length} job(s): their end is agreed to\n`);
}
