// `millrace dlq show`: a job's dead letters: the event as it came, where it came from, and why it could not be processed.
import type { Command } from 'commander';
import { readCount } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { showTime } from '#cli/print/events.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { showJson } from '#cli/print/try-page.ts';
import { note, oneLine, type Paint, paintFor } from '#cli/terminal.ts';
import type { PageView, RecordLine } from '#core/api/wire.ts';
import { deadLetterHeaders } from '#core/names.ts';
import type { Json } from '#core/spec/document.ts';

export function registerDeadLetters(program: Command): void {
  const group = program.command('dlq').summary('a job’s dead letters: events that it could not process');
  addApiOptions(
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
}

async function show(
  name: string,
  options: ApiOptions & { readonly limit: number; readonly output: OutputFormat },
): Promise<void> {
  const api = await connect(options);
  const job = await findJob(api, name);
  const page = await api.get<PageView<RecordLine>>(`${jobPath(job.name)}/dead-letters`, {
    query: { limit: options.limit },
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
