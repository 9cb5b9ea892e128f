// `millrace dlq replay`: dead letters through the newest revision of the route once more, with a receipt of what became of them.
import { type Command, InvalidArgumentError } from 'commander';
import { type AskOptions, addAskOptions, askOperation } from '#cli/commands/ask-operation.ts';
import { addFilters, type FilterOptions, filtersOf } from '#cli/commands/dead-letter-filters.ts';

interface ReplayOptions extends AskOptions, FilterOptions {
  readonly rate?: number;
}

export function registerReplay(group: Command): void {
  const command = group
    .command('replay')
    .summary('dead letters through the route once more')
    .description(
      'Puts dead letters through the newest revision of the route: a worker of its own reads them, the job goes on beside it. What fails again is a new dead letter that says how often it was replayed. Shows what it will do and asks at a terminal.',
    )
    .argument('<job>', 'a job, or a route with one sink')
    .option('--rate <count>', 'at most so many a second (500 where not given)', readRate);
  addFilters(addAskOptions(command)).action((name: string, options: ReplayOptions) => {
    const { rate } = options;
    const pace = rate === undefined ? {} : { recordsPerSecond: rate };
    const asked = { kind: 'replay-dead-letters', ...filtersOf(options), ...pace } as const;
    return askOperation(name, options, asked, () => '');
  });
}

function readRate(text: string): number {
  const rate = Number(text);
  if (text.trim() !== '' && rate >= 0.1 && rate <= 1_000_000) return rate;
  throw new InvalidArgumentError('Expected a number from 0.1 to 1000000.');
}
