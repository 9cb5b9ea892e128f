// `millrace rollback`: an earlier revision of a route is declared again; what that does is shown first.
import type { Command } from 'commander';
import { readCount } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { formatPlan } from '#cli/print/plan.ts';
import { confirm, paintFor, say } from '#cli/terminal.ts';
import type { ChangeView, PlanView } from '#core/api/wire.ts';

interface RollbackOptions extends ApiOptions {
  readonly to?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
}

export function registerRollback(program: Command): void {
  addApiOptions(
    program
      .command('rollback')
      .summary('declare an earlier revision of a route again')
      .description(
        'As a new revision; the history only grows. Positions are not set back: rewind does that. Shows what it will do and asks at a terminal.',
      )
      .argument('<route>')
      .option('--to <revision>', 'that one (else the one before that differs)', readCount)
      .option('--dry-run', 'show what it would do, change nothing')
      .option('--reason <text>', 'kept with the revision')
      .option('-y, --yes', 'do not ask'),
  ).action(rollback);
}

async function rollback(route: string, options: RollbackOptions): Promise<void> {
  const api = await connect(options);
  const path = `/v1/routes/${encodeURIComponent(route)}/rollback`;
  const json = options.to === undefined ? {} : { to: options.to };
  const plan = await api.post<PlanView>(path, { json, query: { dryRun: true } });
  const shown = options.dryRun ? process.stdout : process.stderr;
  shown.write(formatPlan(plan, paintFor(shown)));
  if (options.dryRun) return;
  if (!options.yes && !(await confirm(`Roll ${route} back?`)))
    throw new CommandError(exitCodes.failure, 'not confirmed, so nothing was changed');
  // Refused where somebody has changed it since: what was shown is what is done.
  const query = { reason: options.reason, plan: plan.hash };
  const { items } = await api.post<ChangeView>(path, { json, query });
  for (const { name, outcome, revision } of items) say(`route ${name}: ${outcome} (revision ${revision})`);
}
