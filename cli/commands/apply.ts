// `millrace apply`: declares what should be true; checked as a whole first, then put piece by piece; with --wait until events flow.
import type { Command } from 'commander';
import { durationOption, gather, readCount } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import type { Applied } from '#cli/declare/apply-documents.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import type { SourceDocument } from '#cli/input/documents.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { formatPlan, planSummary } from '#cli/print/plan.ts';
import { confirm, note, paintFor, say } from '#cli/terminal.ts';
import type { PlanView } from '#core/api/wire.ts';
import { jobName } from '#core/names.ts';

interface ApplyOptions extends ApiOptions {
  readonly file: readonly string[];
  readonly wait?: boolean;
  readonly timeout: number;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly plan?: string;
  readonly try?: number | true;
  readonly reason?: string;
  readonly output: OutputFormat;
}

export function registerApply(program: Command): void {
  addApiOptions(
    program
      .command('apply')
      .summary('declare streams and routes from files; the platform makes them true')
      .description(
        'Declares streams and routes. All documents are checked together first; if one is refused, none is applied. Applying the same again changes nothing.',
      )
      .requiredOption('-f, --file <path>', 'a file, a folder, or - for stdin; may be repeated', gather)
      .option('--wait', 'return when events flow (or, for a paused route, when its workers have stopped)')
      .addOption(durationOption('--timeout <duration>', 'how long --wait waits; exit code 4 after it', '60s'))
      .option('--dry-run', 'show the plan, change nothing')
      .option(
        '--plan <hash>',
        'only if that plan still tells what will happen; all documents or none; exit code 5 else',
      )
      .option(
        '--try [records]',
        'first run the routes over so many real events (else 100); one that fails refuses the apply',
        readCount,
      )
      .option('--reason <text>', 'kept with the revision, for the people after you')
      .option('-y, --yes', 'do not ask before a job is replaced')
      .addOption(outputOption()),
  ).action(apply);
}

const triedRecords = 100;

async function apply(options: ApplyOptions): Promise<void> {
  const { loadDocuments } = await import('#cli/input/documents.ts');
  const { planDocuments, requireAccepted } = await import('#cli/declare/plan-documents.ts');
  const documents = await loadDocuments(options.file);
  const api = await connect(options);
  const plan = await planDocuments(api, documents);
  requireAccepted(plan, documents);
  if (options.dryRun) return printPlan(plan, options.output);
  if (plan.wouldChange) process.stderr.write(formatPlan(plan, paintFor(process.stderr)));
  if (options.try !== undefined) {
    const { requireTried } = await import('#cli/declare/try-documents.ts');
    await requireTried(api, documents, options.try === true ? triedRecords : options.try);
  }
  await askBeforeReplacing(plan, options);
  const { applyDocuments, applyTogether, describeApplied } = await import('#cli/declare/apply-documents.ts');
  const table = options.output === 'table';
  const tell = (one: Applied): void => {
    if (table) say(describeApplied(one));
  };
  const { plan: hash, reason } = options;
  const applied =
    hash === undefined
      ? await applyDocuments(api, documents, reason, tell)
      : await applyTogether(api, documents, { hash, reason }, tell);
  if (!table) await printApplied(applied, options.output);
  if (options.wait) await waitUntilReady(applied, plan, options);
}

export const printPlan = (plan: PlanView, output: OutputFormat): Promise<void> =>
  printAs(output, {
    value: plan,
    table: () => formatPlan(plan, paintFor(process.stdout)),
    names: () => plan.changes.map((change) => `${change.kind.toLowerCase()}/${change.name}`),
  });

const printApplied = (applied: readonly Applied[], output: OutputFormat): Promise<void> =>
  printAs(output, {
    value: { items: applied.map((one) => one.answer) },
    table: () => '',
    names: () => applied.map(({ document }) => `${document.kind.toLowerCase()}/${document.name}`),
  });

/** Only a person at a terminal is asked; a script says what it wants by calling `apply`. */
async function askBeforeReplacing(plan: PlanView, options: ApplyOptions): Promise<void> {
  const replaced = plan.changes.filter((change) => change.outcome === 'change' && change.class === 'replace');
  if (options.yes || replaced.length === 0) return;
  if (
    await confirm(
      `${planSummary(plan)} ${replaced.map((change) => `${change.kind} ${change.name}`).join(', ')} will be replaced. Apply?`,
    )
  )
    return;
  throw new CommandError(exitCodes.failure, 'not confirmed, so nothing was changed');
}

async function waitUntilReady(applied: readonly Applied[], plan: PlanView, options: ApplyOptions): Promise<void> {
  const { jobFlows, streamReady, waitForAll } = await import('#cli/jobs/wait-for-jobs.ts');
  const api = await connect(options);
  const awaited = applied.flatMap(({ document, answer }) => {
    if (document.kind === 'Stream') return [streamReady(api, document.name)];
    return sinkNames(document).map((sink) => jobFlows(api, jobName(document.name, sink), answer.resource.revision));
  });
  // Jobs of other routes that a changed stream restarts; those in the files wait for their own revision.
  const own = new Set(awaited.map((one) => one.title));
  const others = plan.changes.filter((change) => change.kind === 'Stream').flatMap((change) => change.jobs);
  for (const one of others.map((job) => jobFlows(api, job, 0))) if (!own.has(one.title)) awaited.push(one);
  note(`waiting for ${awaited.map((one) => one.title).join(', ')}`);
  await waitForAll(awaited, options.timeout);
}

function sinkNames(document: SourceDocument): readonly string[] {
  const { spec } = document.json as { readonly spec: { readonly to: readonly { readonly name: string }[] } };
  return spec.to.map((sink) => sink.name);
}
