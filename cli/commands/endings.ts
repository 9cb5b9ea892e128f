// `millrace endings`: jobs that were deleted and are not gone yet: what keeps each, and how it is taken back.
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { showTime } from '#cli/print/events.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { type Column, formatTable } from '#cli/print/table.ts';
import { note } from '#cli/terminal.ts';
import type { EndingView, PageView } from '#core/api/wire.ts';

export function registerEndings(program: Command): void {
  addApiOptions(
    program
      .command('endings')
      .summary('show jobs that are deleted and not gone yet')
      .description(
        'Jobs whose route is deleted, or has lost their sink: which still run since they are frozen or wait for an approval, which drain, and until when the others can be taken back.',
      )
      .addOption(outputOption()),
  ).action(endings);
}

const columns: readonly Column<EndingView>[] = [
  { heading: 'job', cell: (one) => one.job },
  { heading: 'state', cell: (one) => one.state },
  { heading: 'deleted', cell: (one) => showTime(one.since) },
  { heading: 'owner', cell: (one) => one.owner },
  { heading: 'what it waits for', cell: (one) => one.message },
];

async function endings(options: ApiOptions & { readonly output: OutputFormat }): Promise<void> {
  const api = await connect(options);
  const { items } = await api.get<PageView<EndingView>>('/v1/endings');
  if (items.length === 0 && options.output === 'table') note('no job is ending');
  await printAs(options.output, {
    value: { items },
    table: () => (items.length === 0 ? '' : formatTable(columns, items)),
    names: () => items.map(({ job }) => `job/${job}`),
  });
}
