// `millrace dlq`: a job's dead letters: how many and why, each as it came, and through the route once more.
import type { Command } from 'commander';
import { readCount } from '#cli/arguments.ts';
import { addFilters, type FilterOptions, filtersOf } from '#cli/commands/dead-letter-filters.ts';
import { registerReplay } from '#cli/commands/replay.ts';
import { type ApiOptions, connect } from '#cli/connect.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { showTime } from '#cli/print/events.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { type Column, formatTable } from '#cli/print/table.ts';
import { showJson } from '#cli/print/try-page.ts';
import { note, oneLine, type Paint, paintFor } from '#cli/terminal.ts';
import type { DeadLetterGroup, DeadLetterSummary, PageView, RecordLine } from '#core/api/wire.ts';
import { deadLetterHeaders } from '#core/names.ts';
import type { Json } from '#core/spec/json.ts';

export function registerDeadLetters(program: Command): void {
  const group = program.command('dlq').summary('a job’s dead letters: events that it could not process');
  addFilters(
    group
      .command('ls')
      .summary('how many there are, by why')
      .argument('<job>', 'a job, or a route with one sink')
      .addOption(outputOption(['table', 'json', 'yaml'])),
  ).action(list);
  addFilters(
    group
      .command('show')
      .summary('dead letters with their reasons')
      .description(
        'Shows a job’s dead letters, oldest first: when, where the event came from, why it could not be processed, and the event itself.',
      )
      .argument('<job>', 'a job, or a route with one sink')
      .option('--limit <count>', 'at most so many', readCount, 20)
      .addOption(outputOption(['table', 'json', 'yaml'])),
  ).action(show);
  registerReplay(group);
}

const columns: readonly Column<DeadLetterGroup>[] = [
  { heading: 'count', cell: (one) => String(one.count), align: 'right' },
  { heading: 'class', cell: (one) => one.errorClass },
  { heading: 'code', cell: (one) => one.errorCode },
  { heading: 'first', cell: (one) => showTime(one.firstAt) },
  { heading: 'last', cell: (one) => showTime(one.lastAt) },
  { heading: 'again', cell: (one) => String(one.failedAgain), align: 'right' },
  { heading: 'example', cell: (one) => oneLine(one.example, 80) },
];

async function list(
  name: string,
  options: ApiOptions & FilterOptions & { readonly output: OutputFormat },
): Promise<void> {
  const api = await connect(options);
  const job = await findJob(api, name);
  const path = `${jobPath(job.name)}/dead-letters/summary`;
  const summary = await api.get<DeadLetterSummary>(path, { query: filtersOf(options) });
  if (!summary.isComplete) note('there are more than could be looked through: these are of the oldest');
  if (summary.total === 0 && options.output === 'table') note('no dead letters');
  await printAs(options.output, {
    value: summary,
    table: () => (summary.total === 0 ? '' : formatTable(columns, summary.items)),
    names: () => [],
  });
}

async function show(
  name: string,
  options: ApiOptions & FilterOptions & { readonly limit: number; readonly output: OutputFormat },
): Promise<void> {
  const api = await connect(options);
  const job = await findJob(api, name);
  const page = await api.get<PageView<RecordLine>>(`${jobPath(job.name)}/dead-letters`, {
    query: { limit: options.limit, ...filtersOf(options) },
    exact: true,
  });
  if (page.items.length === 0 && options.output === 'table') note('no dead letters');
  const paint = paintFor(process.stdout);
  await printAs(options.output, {
    value: page,
    table: () => page.items.map((one) => formatDeadLetter(one, paint)).join(''),
    names: () => [],
  });
}

function formatDeadLetter(letter: RecordLine, paint: Paint): string {
  const header = (name: string): string => oneLine(letter.headers?.[name] ?? '', 300);
  const origin = `${header(deadLetterHeaders.topic)} ${header(deadLetterHeaders.partition)}/${header(deadLetterHeaders.offset)}`;
  const reason = `${header(deadLetterHeaders.errorClass)} ${header(deadLetterHeaders.errorCode)}: ${header(deadLetterHeaders.errorMessage)}`;
  return `${showTime(letter.timestamp)}  ${paint('dim', origin)}  ${paint('red', reason)}\n    ${showValue(letter.value)}\n`;
}

const notJson = 'base64:';

/** What is no JSON comes as base64; a person wants to see its text. */
const showValue = (value: Json): string =>
  typeof value === 'string' && value.startsWith(notJson)
    ? oneLine(Buffer.from(value.slice(notJson.length), 'base64').toString('utf8'), 240) || '(empty)'
    : showJson(value);
