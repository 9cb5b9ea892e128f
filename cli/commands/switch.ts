// `millrace switch`: a running job gets another source or sink; what that would do is shown first, and what it did afterwards.
import type { Command } from 'commander';
import { type AskOptions, addAskOptions, askOperation } from '#cli/commands/ask-operation.ts';
import { addApiOptions } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { showDuration } from '#cli/print/quantity.ts';
import type { OperationView } from '#core/api/wire.ts';

interface SwitchOptions extends AskOptions {
  readonly source?: string;
  readonly sink?: string;
  readonly at?: string;
  readonly overlap?: string;
}

export function registerSwitch(program: Command): void {
  const command = program
    .command('switch')
    .summary('give a running job another source or sink')
    .description(
      'Changes the source or the sink of a job’s route and carries its positions over: workers drain and end, positions are set in the new source, workers start again. Refused where events would be left out. Shows what it will do and asks at a terminal.',
    )
    .argument('<job>', 'a job, or a route with one sink')
    .option('--source <stream>', 'the stream to read instead')
    .option('--sink <sink>', 'a stream to write to instead, or a sink as JSON: {"http": {"url": "https://…"}}')
    .option(
      '--at <place>',
      'where the new source begins: carry, earliest, a time or a span back (15m); carry where not given',
    )
    .option('--overlap <duration>', 'with carry: how much before the time reached is read again; 30s where not given');
  addApiOptions(addAskOptions(command)).action((name: string, options: SwitchOptions) =>
    askOperation(name, options, { kind: 'switch', ...wishOf(options) }, describeReceipt),
  );
}

function wishOf({ source, sink, at, overlap }: SwitchOptions): Readonly<Record<string, unknown>> {
  if ((source === undefined) === (sink === undefined))
    throw new CommandError(exitCodes.usage, 'say which is switched: either --source or --sink');
  const more = { ...(at === undefined ? {} : { at }), ...(overlap === undefined ? {} : { overlap }) };
  return source === undefined ? { sink: readSink(sink!), ...more } : { source, ...more };
}

function readSink(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CommandError(exitCodes.usage, `--sink is no JSON: ${(error as Error).message}`);
  }
}

function describeReceipt({ receipt }: OperationView): string {
  if (receipt?.kind !== 'switch') return '';
  const places = (title: string, some: readonly { readonly split: string; readonly at: string }[]) =>
    some.map(({ split, at }) => `    ${title} ${split} at ${at}\n`).join('');
  const { what, left, begun, tookMs } = receipt;
  const begins = what === 'source' ? 'begun' : 'from here on to the new sink:';
  return `${what === 'source' ? places('left', left) : ''}${places(begins, begun)}    after a pause of ${showDuration(tookMs)}\n`;
}
