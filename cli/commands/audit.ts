// `millrace audit verify`: whether the log of all changes is whole; exit code 1 where it is not.
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { exitCodes } from '#cli/exit.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import type { AuditView } from '#core/api/wire.ts';

interface AuditOptions extends ApiOptions {
  readonly known?: string;
  readonly output: OutputFormat;
}

export function registerAudit(program: Command): void {
  const group = program.command('audit').summary('the log of who changed what');
  addApiOptions(
    group
      .command('verify')
      .summary('whether the log is whole; exit code 1 where it is not')
      .description(
        'Walks the audit log from its first entry: each bears a hash over itself and the one before it. Prints the newest hash; kept where nobody who can write to the goal store can write, it shows later that the log was not made anew.',
      )
      .option('--known <head>', 'a head that was printed before, <sequence>:<hash>: the log has to hold it')
      .addOption(outputOption(['table', 'json', 'yaml'])),
  ).action(verify);
}

async function verify(options: AuditOptions): Promise<void> {
  const api = await connect(options);
  const query = options.known === undefined ? {} : { known: options.known };
  const verdict = await api.get<AuditView>('/v1/audit/verification', { query });
  await printAs(options.output, { value: verdict, names: () => [], table: () => tableOf(verdict) });
  if (!verdict.ok) process.exitCode = exitCodes.failure;
}

const tableOf = (verdict: AuditView): string =>
  verdict.ok
    ? `whole: ${verdict.entries} entries\nhead ${verdict.head.sequence}:${verdict.head.hash}\n`
    : `BROKEN at entry ${verdict.at}: ${verdict.problem} (${verdict.entries} entries before it are whole)\n`;
