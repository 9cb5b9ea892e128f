// `millrace tail`: a stream's events as JSON lines, filtered if wished, until so many, until a time, or until Ctrl-C.
import type { Command } from 'commander';
import { ApiError } from '#cli/api-client.ts';
import { readCount, readPosition, readWait } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { readRecords } from '#cli/input/read-records.ts';
import { formatProblem } from '#cli/print/problems.ts';
import { plural, showBytes, showDuration } from '#cli/print/quantity.ts';
import { note, withoutControls, writeOut } from '#cli/terminal.ts';

interface TailOptions extends ApiOptions {
  readonly from?: string;
  readonly where?: string;
  readonly limit?: number;
  readonly timeout?: number;
  readonly withMetadata?: boolean;
  readonly follow?: boolean;
  readonly raw?: boolean;
}

const defaultTimeoutMs = 10_000;

export function registerTail(program: Command): void {
  addApiOptions(
    program
      .command('tail')
      .summary('a stream’s events as JSON lines')
      .description(
        'Prints a stream’s events, one JSON line each. Ends at --limit events, or after --timeout; with neither, at the end of the stream; with -f, at Ctrl-C. Where --limit or --timeout is given, it waits for events that are still to come.',
      )
      .argument('<stream>')
      .option(
        '--from <position>',
        'earliest, latest, a time, or a span back such as 15m (else earliest; with -f, latest)',
        readPosition,
      )
      .option('--where <expression>', 'only events for which this is true')
      .option('--limit <count>', 'at most so many events', readCount)
      .option('--timeout <duration>', 'wait so long for events (with --limit: else 10s)', readWait)
      .option('--with-metadata', 'with partition, offset, time, key and headers')
      .option('-f, --follow', 'go on until Ctrl-C')
      .option('--raw', 'do not replace control characters on a terminal'),
  ).action(tail);
}

async function tail(stream: string, options: TailOptions): Promise<void> {
  const api = await connect(options);
  const waits = (options.follow ?? false) || options.limit !== undefined || options.timeout !== undefined;
  const timeoutMs = options.follow ? options.timeout : (options.timeout ?? (waits ? defaultTimeoutMs : undefined));
  const end = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => end.abort(), timeoutMs);
  const clean = process.stdout.isTTY && !options.raw;
  let count = 0;
  let leftOut = 0;
  try {
    const records = readRecords(api, {
      stream,
      from: options.from ?? (options.follow ? 'latest' : 'earliest'),
      where: options.where,
      limit: options.limit,
      withMetadata: options.withMetadata ?? false,
      follow: waits,
      signal: end.signal,
      onTooLong: (sizeBytes) => {
        leftOut++;
        note(`an event of ${showBytes(sizeBytes)} is left out: too large to be shown`);
      },
    });
    for await (const line of records) {
      await writeOut(
        clean ? `${withoutControls(Buffer.from(line).toString('utf8'))}\n` : Buffer.concat([line, lineEnd]),
      );
      if (++count === options.limit) break;
    }
  } catch (error) {
    if (!end.signal.aborted) throw withCaret(error, options.where);
  } finally {
    clearTimeout(timer);
    end.abort();
  }
  if (options.limit !== undefined && count < options.limit && timeoutMs !== undefined)
    note(`${plural(count, 'event')} within ${showDuration(timeoutMs)} (--limit ${options.limit})`);
  else if (count + leftOut === 0) note('no events');
  if (leftOut > 0)
    throw new CommandError(exitCodes.failure, `${plural(leftOut, 'event')} left out, ${count} printed`, {
      fix: 'read what is left out from the topic itself, with a Kafka client',
    });
}

const lineEnd = Uint8Array.of(0x0a);

/** A refused --where, shown with a caret under its fault. */
function withCaret(error: unknown, where: string | undefined): unknown {
  const first = error instanceof ApiError ? error.problem.problems?.[0] : undefined;
  if (!(error instanceof ApiError) || first?.line === undefined || where === undefined) return error;
  const text = where.split('\n')[first.line - 1] ?? '';
  const position = { file: '--where', line: first.line, column: first.column ?? 1, text };
  return new CommandError(exitCodes.failure, 'the --where is refused', {
    details: [formatProblem({ ...first, path: '' }, position)],
    cause: error,
  });
}
