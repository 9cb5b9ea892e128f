// `millrace rewind`: a job reads again from an earlier place; what that would do is shown first, and what it did afterwards.
import type { Command } from 'commander';
import { type AskOptions, addAskOptions, askOperation } from '#cli/commands/ask-operation.ts';
import { addApiOptions } from '#cli/connect.ts';
import { showDuration } from '#cli/print/quantity.ts';
import type { OperationView } from '#core/api/wire.ts';

export function registerRewind(program: Command): void {
  const command = program
    .command('rewind')
    .summary('let a job read again from an earlier place')
    .description(
      'Sets a job’s positions back: its workers drain and end, every position is set, workers start again from there. Refused where records would be left out or are not there any more. Shows what it will do and asks at a terminal.',
    )
    .argument('<job>', 'a job, or a route with one sink')
    .requiredOption(
      '--to <place>',
      'earliest, a time (2026-01-31T12:00:00Z), a span back (15m), an offset (1200), offsets by partition (0:1200,3:40), or checkpoint:N',
    );
  addApiOptions(addAskOptions(command)).action((name: string, options: AskOptions & { readonly to: string }) =>
    askOperation(name, options, { kind: 'rewind', to: options.to }, describeReceipt),
  );
}

function describeReceipt({ receipt }: OperationView): string {
  if (receipt?.kind !== 'rewind') return '';
  const splits = receipt.splits.map(({ split, from, to }) => `    ${split}: ${from} → ${to}\n`).join('');
  return `${splits}    at most ${receipt.records} record(s) again, after a pause of ${showDuration(receipt.tookMs)}\n`;
}
