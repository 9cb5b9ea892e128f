// Which of a job's dead letters a command is about: options that `dlq ls`, `show` and `replay` share.
import { type Command, Option } from 'commander';
import { addApiOptions } from '#cli/connect.ts';
import { type ErrorClass, errorClasses } from '#core/job/error-class.ts';

export interface FilterOptions {
  readonly class?: ErrorClass;
  readonly code?: string;
  readonly where?: string;
}

export const addFilters = (command: Command): Command =>
  addApiOptions(
    command
      .addOption(new Option('--class <class>', 'only those of this error class').choices(errorClasses))
      .option('--code <code>', 'only those of this error code, as dlq ls names them')
      .option('--where <expression>', 'only events for which it is true'),
  );

/** As the API takes them. */
export const filtersOf = (options: FilterOptions) => ({
  ...(options.class === undefined ? {} : { class: options.class }),
  ...(options.code === undefined ? {} : { code: options.code }),
  ...(options.where === undefined ? {} : { where: options.where }),
});
