// `millrace undelete`: takes a deletion back while what it left is still kept.
import { Argument, type Command } from 'commander';
import { type KindPlural, readKind } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { pathOf } from '#cli/declare/apply-documents.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { say } from '#cli/terminal.ts';
import type { ApplyView } from '#core/api/wire.ts';

export function registerUndelete(program: Command): void {
  addApiOptions(
    program
      .command('undelete')
      .summary('take a deletion back')
      .description('While positions, books and events are still kept: what was deleted goes on where it stood.')
      .addArgument(new Argument('<kind>', 'stream or route').argParser(readKind))
      .argument('<name>')
      .option('--reason <text>', 'kept with the revision'),
  ).action(undelete);
}

async function undelete(
  kind: KindPlural,
  name: string,
  options: ApiOptions & { readonly reason?: string },
): Promise<void> {
  if (kind === 'jobs')
    throw new CommandError(exitCodes.usage, 'got a job, expected a stream or a route: a job comes back with its route');
  const api = await connect(options);
  const path = `${pathOf(kind === 'routes' ? 'Route' : 'Stream', name)}/undelete`;
  const { resource } = await api.post<ApplyView>(path, { query: { reason: options.reason } });
  say(`${kind.slice(0, -1)} ${name}: back (revision ${resource.revision})`);
}
