// `millrace restore`: everything is declared again as it was at a time, under a freeze, so that it can be looked at first.
import type { Command } from 'commander';
import { readTime } from '#cli/arguments.ts';
import { printChanges } from '#cli/commands/history.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { type OutputFormat, outputOption } from '#cli/print/output.ts';
import { confirm, note } from '#cli/terminal.ts';
import type { RestoreView } from '#core/api/wire.ts';

interface RestoreOptions extends ApiOptions {
  readonly to: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
  readonly output: OutputFormat;
}

export function registerRestore(program: Command): void {
  addApiOptions(
    program
      .command('restore')
      .summary('declare everything again as it was at a time')
      .description(
        'Only while the fleet is frozen (millrace freeze fleet): so what it would do can be looked at before it is carried out. Asks at a terminal.',
      )
      .requiredOption('--to <time>', '2026-01-31T12:00:00Z, or a span back such as 2h', readTime)
      .option('--dry-run', 'show what it would do, change nothing')
      .option('--reason <text>', 'kept with the revisions')
      .option('-y, --yes', 'do not ask')
      .addOption(outputOption(['table', 'json', 'yaml'])),
  ).action(restore);
}

async function restore({ to, dryRun, yes, reason, output, ...options }: RestoreOptions): Promise<void> {
  const api = await connect(options);
  const ask = (how: { readonly dryRun: true } | { readonly plan: string }): Promise<RestoreView> =>
    api.post<RestoreView>('/v1/restore', { json: { to }, query: { reason, ...how } });
  const plan = await ask({ dryRun: true });
  for (const effect of plan.effects) note(`→ ${effect}`);
  if (dryRun || plan.items.length === 0) return await printChanges(plan.items, plan, output);
  if (!yes && !(await confirm(`Declare ${plan.items.length} name(s) as of ${plan.to}?`)))
    throw new CommandError(exitCodes.failure, 'not confirmed, so nothing was changed');
  // Refused where something was declared since: what was shown is what is done.
  const done = await ask({ plan: plan.hash });
  await printChanges(done.items, done, output);
}
