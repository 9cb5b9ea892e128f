// `millrace delete`: takes a declaration away; what ran for it ends.
import { Argument, type Command } from 'commander';
import { type KindPlural, readKind } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { confirm, note } from '#cli/terminal.ts';

const effects: Readonly<Record<'streams' | 'routes', string>> = {
  streams: 'Its events go with it, once the time is over in which it can be undone.',
  routes: 'Its jobs drain and end; what they have written stays.',
};

export function registerDelete(program: Command): void {
  addApiOptions(
    program
      .command('delete')
      .summary('delete a stream or a route')
      .description('Deletes a declaration. A stream that routes read is refused. Asks first at a terminal.')
      .addArgument(new Argument('<kind>', 'stream or route').argParser(readKind))
      .argument('<name>')
      .option('--reason <text>', 'kept with the revision')
      .option('--now', 'without the time in which it could be undone: events, positions and books go at once')
      .option('-y, --yes', 'do not ask'),
  ).action(remove);
}

async function remove(
  kind: KindPlural,
  name: string,
  options: ApiOptions & { readonly yes?: boolean; readonly now?: boolean; readonly reason?: string },
): Promise<void> {
  if (kind === 'jobs')
    throw new CommandError(exitCodes.usage, 'got a job, expected a stream or a route: a job ends with its route', {
      fix: `millrace delete route ${name.split('.')[0]}\nmillrace pause ${name}   stops it and keeps its position`,
    });
  const api = await connect(options);
  const path = `/v1/${kind}/${encodeURIComponent(name)}`;
  const title = `${kind.slice(0, -1)} ${name}`;
  if (!options.yes && process.stdin.isTTY) {
    await api.get(path);
    if (!(await confirm(`Delete ${title}? ${effects[kind]}`)))
      throw new CommandError(exitCodes.failure, 'not confirmed, so nothing was deleted');
  }
  await api.remove(path, { query: { reason: options.reason, ...(options.now ? { purge: true } : {}) } });
  process.stdout.write(`${title}: deleted${options.now ? '' : `; to take it back: millrace undelete ${title}`}\n`);
  if (kind === 'routes') note('what becomes of its jobs: millrace endings');
}
