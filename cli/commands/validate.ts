// `millrace validate`: are these declarations right, and where not, why; changes nothing.
import type { Command } from 'commander';
import { gather } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { oneLine, paintFor } from '#cli/terminal.ts';

export function registerValidate(program: Command): void {
  addApiOptions(
    program
      .command('validate')
      .summary('check files as apply would, and say what is wrong where')
      .description(
        'Checks the files exactly as apply would, against what is declared already. Exit code 0: all would be accepted; 1: some would be refused.',
      )
      .requiredOption('-f, --file <path>', 'a file, a folder, or - for stdin; may be repeated', gather),
  ).action(validate);
}

async function validate(options: ApiOptions & { readonly file: readonly string[] }): Promise<void> {
  const { loadDocuments, titleOf } = await import('#cli/input/documents.ts');
  const { planDocuments, refusals } = await import('#cli/declare/plan-documents.ts');
  const documents = await loadDocuments(options.file);
  const plan = await planDocuments(await connect(options), documents);
  const paint = paintFor(process.stdout);
  for (const change of plan.changes) {
    const tests =
      change.tests.length === 0
        ? ''
        : ` (${change.tests.filter((test) => test.passed).length}/${change.tests.length} tests pass)`;
    const refused = change.outcome === 'refused';
    process.stdout.write(`${refused ? paint('red', '✗') : paint('green', '✓')} ${oneLine(titleOf(change))}${tests}\n`);
  }
  if (!plan.refused) return;
  const details = refusals(plan, documents);
  throw new CommandError(exitCodes.failure, `${details.length} problem${details.length === 1 ? '' : 's'} found`, {
    details,
  });
}
