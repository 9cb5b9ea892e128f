// `millrace freeze` and `unfreeze`: changes to the fleet, a team's jobs or one job are stopped, and let go on.
import { Argument, type Command } from 'commander';
import type { ApiClient } from '#cli/api-client.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { findJob } from '#cli/jobs/find-job.ts';
import { showTime } from '#cli/print/events.ts';
import { formatTable } from '#cli/print/table.ts';
import { say } from '#cli/terminal.ts';
import type { FreezeView, PageView } from '#core/api/wire.ts';
import { frozenTitle } from '#core/plan/freeze.ts';

interface FreezeOptions extends ApiOptions {
  readonly reason?: string;
}
type Scope = FreezeView['scope'];

const scopeArgument = (): Argument => new Argument('[scope]', 'fleet, team or job').choices(['fleet', 'team', 'job']);

export function registerFreezes(program: Command): void {
  addApiOptions(
    program
      .command('freeze')
      .summary('stop changes to all jobs, a team’s, or one')
      .description(
        'What runs is kept running as it is; nothing else is started, stopped or replaced until it is lifted. Without a scope it shows what is frozen.',
      )
      .addArgument(scopeArgument())
      .argument('[name]', 'the team, or the job (or a route with one sink)')
      .option('--reason <text>', 'kept with the freeze'),
  ).action(freeze);
  addApiOptions(
    program
      .command('unfreeze')
      .summary('let changes go on: what waits is carried out')
      .addArgument(new Argument('<scope>', 'fleet, team or job').choices(['fleet', 'team', 'job']))
      .argument('[name]', 'the team, or the job (or a route with one sink)')
      .option('--reason <text>', 'kept in the audit log'),
  ).action(unfreeze);
}

function requireName(scope: Scope, name: string | undefined): void {
  if ((scope === 'fleet') !== (name === undefined))
    throw new CommandError(
      exitCodes.usage,
      scope === 'fleet' ? `got ${name}, but the fleet has no name` : `expected the name of the ${scope}`,
    );
}

const pathOf = (scope: Scope, name: string | undefined): string =>
  `/v1/freezes/${scope}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;

const isRoute = (scope: Scope, name: string | undefined): name is string =>
  scope === 'job' && name !== undefined && !name.includes('.');

async function freeze(scope: Scope | undefined, name: string | undefined, options: FreezeOptions): Promise<void> {
  const api = await connect(options);
  if (scope === undefined) return await show(api);
  requireName(scope, name);
  const whose = isRoute(scope, name) ? (await findJob(api, name)).name : name;
  const made = await api.put<FreezeView>(pathOf(scope, whose), { query: { reason: options.reason } });
  say(`${frozenTitle(made)}: frozen by ${made.author}`);
}

async function show(api: ApiClient): Promise<void> {
  const { items } = await api.get<PageView<FreezeView>>('/v1/freezes');
  process.stdout.write(
    items.length === 0
      ? 'nothing is frozen\n'
      : formatTable(
          [
            { heading: 'what', cell: frozenTitle },
            { heading: 'since', cell: (one: FreezeView) => showTime(one.at) },
            { heading: 'by', cell: (one: FreezeView) => one.author },
            { heading: 'why', cell: (one: FreezeView) => one.reason },
          ],
          items,
        ),
  );
}

async function unfreeze(scope: Scope, name: string | undefined, options: FreezeOptions): Promise<void> {
  const api = await connect(options);
  requireName(scope, name);
  const whose = isRoute(scope, name) ? await frozenJob(api, name) : name;
  await api.remove(pathOf(scope, whose), { query: { reason: options.reason } });
  say(`${frozenTitle({ scope, name: whose ?? '' })}: lifted`);
}

/** Of the route's jobs the one that is frozen, which it may be longer than it is declared. */
async function frozenJob(api: ApiClient, route: string): Promise<string> {
  const { items } = await api.get<PageView<FreezeView>>('/v1/freezes');
  const own = items.filter((one) => one.scope === 'job' && one.name.startsWith(`${route}.`));
  return own.length === 1 ? own[0]!.name : (await findJob(api, route)).name;
}
