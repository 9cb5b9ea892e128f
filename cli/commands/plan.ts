// `millrace plan`: what an apply would do, computed by what the platform itself will go by; exit code 3 if it would change anything.
import type { Command } from 'commander';
import { gather } from '#cli/arguments.ts';
import { printPlan } from '#cli/commands/apply.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { exitCodes } from '#cli/exit.ts';
import { type OutputFormat, outputOption } from '#cli/print/output.ts';

export function registerPlan(program: Command): void {
  addApiOptions(
    program
      .command('plan')
      .summary('show what apply would change, with its effect on running jobs')
      .description(
        'Shows what applying the files would change, how heavy each change is for running jobs, and runs the tests in the routes. Exit code 0: nothing would change; 3: something would; 1: refused.',
      )
      .requiredOption('-f, --file <path>', 'a file, a folder, or - for stdin; may be repeated', gather)
      .addOption(outputOption()),
  ).action(plan);
}

async function plan(
  options: ApiOptions & { readonly file: readonly string[]; readonly output: OutputFormat },
): Promise<void> {
  const { loadDocuments } = await import('#cli/input/documents.ts');
  const { planDocuments, requireAccepted } = await import('#cli/declare/plan-documents.ts');
  const documents = await loadDocuments(options.file);
  const view = await planDocuments(await connect(options), documents);
  await printPlan(view, options.output);
  requireAccepted(view, documents);
  if (view.wouldChange) process.exitCode = exitCodes.difference;
}
