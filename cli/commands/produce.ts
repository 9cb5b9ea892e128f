// `millrace produce`: newline-separated JSON from a file or stdin into a stream; every line is acknowledged or named with its fault.
import type { Command } from 'commander';
import { readCount } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { openInput } from '#cli/input/open-input.ts';
import { type ProduceOutcome, produceLines } from '#cli/input/produce-lines.ts';
import { plural, showCount, showDuration, showRate } from '#cli/print/quantity.ts';
import { note, oneLine } from '#cli/terminal.ts';

interface ProduceOptions extends ApiOptions {
  readonly file?: string;
  readonly inFlight: number;
  readonly output: 'table' | 'json';
}

export function registerProduce(program: Command): void {
  addApiOptions(
    program
      .command('produce')
      .summary('send events (one JSON object a line) to a stream')
      .description(
        'Sends events, one JSON object a line, from a file or stdin, and prints how many were acknowledged. A bad line is named with its number and reason, the others are sent; exit code 1 then.',
      )
      .argument('<stream>')
      .option('-f, --file <file>', 'read this file; - or nothing: stdin', '-')
      .option('--in-flight <count>', 'requests at once; with more than 1 the order of events is not kept', readCount, 1)
      .option('-o, --output <format>', 'table or json', 'table'),
  ).action(produce);
}

async function produce(stream: string, options: ProduceOptions): Promise<void> {
  const api = await connect(options);
  const file = options.file ?? '-';
  if (file === '-' && process.stdin.isTTY)
    note('reading events from the terminal, one JSON object a line; end with Ctrl-D');
  const startedAt = performance.now();
  const outcome = await produceLines(api, stream, openInput(file, `-f ${file}`), options.inFlight);
  const seconds = Math.max(0.001, (performance.now() - startedAt) / 1_000);
  if (options.output === 'json') process.stdout.write(`${JSON.stringify(outcome)}\n`);
  else process.stdout.write(`${plural(outcome.acknowledged, 'event')} acknowledged\n`);
  note(`${showDuration(seconds * 1_000)}, ${showRate(outcome.acknowledged / seconds)} events/s`);
  if (outcome.refused > 0 || outcome.unknown !== null) throw incomplete(outcome);
}

function incomplete(outcome: ProduceOutcome): CommandError {
  const details = outcome.bad.map((line) => `  line ${line.line}: ${line.code}: ${oneLine(line.message, 300)}`);
  if (outcome.refused > outcome.bad.length)
    details.push(`  … and ${showCount(outcome.refused - outcome.bad.length)} more`);
  if (outcome.unknown !== null)
    return new CommandError(
      exitCodes.failure,
      `stopped at line ${outcome.unknown.fromLine}: ${outcome.unknown.reason}`,
      {
        details,
        fix: `send again from line ${outcome.unknown.fromLine}: tail -n +${outcome.unknown.fromLine} FILE | millrace produce …\nlines ${outcome.unknown.fromLine} to ${outcome.unknown.toLine} may then arrive twice`,
      },
    );
  return new CommandError(
    exitCodes.failure,
    `${plural(outcome.refused, 'line')} refused, ${showCount(outcome.acknowledged)} acknowledged`,
    { details },
  );
}
