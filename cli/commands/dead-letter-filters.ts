// Which of a job's dead letters a command is about: options that `dlq ls`, `show` and `replay` share.
import type { Command } from 'commander';
import { addApiOptions } from '#cli/connect.ts';

export interface FilterOptions {
  readonly class?: string;
  readonly code?: string;
  readonly where?: string;
}

export const addFilters = (command: Command): Command =>
  addApiOptions(
    command
      .option(
        '--class <class>',
        'only those of this error class: poison, schema, too-large, rejected, retryable, throttled',
      )
      .option('--code <code>', 'only those of this error code, as dlq ls names them')
      .option('--where <expression>', 'only events for which it is true'),
  );

/** As the API takes them. */
export const filtersOf = (options: FilterOptions) => ({
  ...(options.class === undefined ? {} : { class: options.class }),
  ...(options.code === undefined ? {} : { code: options.code }),
  ...(options.where === undefined ? {} : { where: options.where }),
});
