// `millrace history` and `millrace diff`: who changed a route, when and why, and what the change was.
import type { Command } from 'commander';
import { readCount } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { showTime } from '#cli/print/events.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { formatFieldChange } from '#cli/print/plan.ts';
import { type Column, formatTable } from '#cli/print/table.ts';
import { note, oneLine, paintFor } from '#cli/terminal.ts';
import type { RevisionView } from '#core/api/wire.ts';

interface HistoryOptions extends ApiOptions {
  readonly stream?: boolean;
  readonly output: OutputFormat;
}

const formats = ['table', 'json', 'yaml'] as const;

export function registerHistory(program: Command): void {
  addApiOptions(
    program
      .command('history')
      .summary('a route’s revisions: who, when, why')
      .argument('<route>')
      .option('--stream', 'the name is a stream’s')
      .addOption(outputOption(formats)),
  ).action(history);
}

export function registerDiff(program: Command): void {
  addApiOptions(
    program
      .command('diff')
      .summary('what a revision of a route changed')
      .argument('<route>')
      .option('--revision <number>', 'that revision against the one before it (else the newest)', readCount)
      .option('--stream', 'the name is a stream’s')
      .addOption(outputOption(formats)),
  ).action(diff);
}

const columns: readonly Column<RevisionView>[] = [
  { heading: 'rev', cell: (one) => String(one.revision), align: 'right' },
  { heading: 'at', cell: (one) => showTime(one.at) },
  { heading: 'author', cell: (one) => one.author },
  { heading: 'what', cell: whatChanged },
  { heading: 'why', cell: (one) => one.reason },
];

function whatChanged(one: RevisionView): string {
  if (one.deleted) return 'deleted';
  return one.revision === 1 ? 'created' : one.changes.map((change) => change.path).join(', ');
}

const revisionsOf = async (name: string, options: HistoryOptions): Promise<readonly RevisionView[]> =>
  (await connect(options)).list<RevisionView>(
    `/v1/${options.stream ? 'streams' : 'routes'}/${encodeURIComponent(name)}/revisions`,
  );

async function history(name: string, options: HistoryOptions): Promise<void> {
  const items = [...(await revisionsOf(name, options))].sort((a, b) => a.revision - b.revision);
  await printAs(options.output, { value: { items }, table: () => formatTable(columns, items), names: () => [] });
}

async function diff(name: string, options: HistoryOptions & { readonly revision?: number }): Promise<void> {
  const items = [...(await revisionsOf(name, options))].sort((a, b) => b.revision - a.revision);
  const found = options.revision === undefined ? items[0] : items.find((one) => one.revision === options.revision);
  if (!found)
    throw new CommandError(
      exitCodes.failure,
      `${name} has no revision ${options.revision}, it has ${items.map((one) => one.revision).join(', ')}`,
    );
  const paint = paintFor(process.stdout);
  note(
    `revision ${found.revision} by ${oneLine(found.author)}, ${showTime(found.at)}${found.reason === '' ? '' : `: ${oneLine(found.reason)}`}`,
  );
  await printAs(options.output, {
    value: found,
    table: () => {
      if (found.deleted) return 'deleted\n';
      return found.changes.length === 0
        ? 'no change\n'
        : found.changes.map((change) => `${formatFieldChange(change, paint).join('\n')}\n`).join('');
    },
    names: () => [],
  });
}
