// `millrace rewind`: a job reads again from an earlier place; what that would do is shown first, and what it did afterwards.
import type { Command } from 'commander';
import { newIdempotencyKey } from '#cli/api-client.ts';
import { durationOption } from '#cli/arguments.ts';
import { describeEnding, setExitCode, waitForOperation } from '#cli/commands/operations.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { showDuration } from '#cli/print/quantity.ts';
import { confirm, withoutControls } from '#cli/terminal.ts';
import type { OperationPlanView, OperationView } from '#core/api/wire.ts';

interface RewindOptions extends ApiOptions {
  readonly to: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly reason?: string;
  readonly output: OutputFormat;
}

export function registerRewind(program: Command): void {
  addApiOptions(
    program
      .command('rewind')
      .summary('let a job read again from an earlier place')
      .description(
        'Sets a job’s positions back: its workers drain and end, every position is set, workers start again from there. Refused where records would be left out or are not there any more. Shows what it will do and asks at a terminal.',
      )
      .argument('<job>', 'a job, or a route with one sink')
      .requiredOption(
        '--to <place>',
        'earliest, a time (2026-01-31T12:00:00Z), a span back (15m), an offset (1200), offsets by partition (0:1200,3:40), or checkpoint:N',
      )
      .option('--dry-run', 'show what it would do, ask for nothing')
      .option('--reason <text>', 'kept with the operation')
      .option('-y, --yes', 'do not ask')
      .option('--wait', 'return when it is done, with the receipt')
      .addOption(durationOption('--timeout <duration>', 'how long --wait waits; exit code 4 after it', '60s'))
      .addOption(outputOption(['table', 'json', 'yaml'])),
  ).action(rewind);
}

async function rewind(name: string, options: RewindOptions): Promise<void> {
  const { to, reason } = options;
  const api = await connect(options);
  const job = await findJob(api, name);
  const path = `${jobPath(job.name)}/operations`;
  const json = { kind: 'rewind', to, ...(reason === undefined ? {} : { reason }) };
  const plan = await api.post<OperationPlanView>(path, {
    json,
    query: { dryRun: true },
    // Nothing is done by it: it may be sent again.
    headers: { 'idempotency-key': newIdempotencyKey() },
  });
  if (options.dryRun) return await print(options.output, plan, () => describePlan(plan));
  process.stderr.write(describePlan(plan));
  if (!options.yes && !(await confirm(`Rewind ${job.name}?`)))
    throw new CommandError(exitCodes.failure, 'not confirmed, so nothing was rewound');
  const asked = await api.post<OperationView>(path, { json, headers: { 'idempotency-key': newIdempotencyKey() } });
  if (!options.wait)
    return await print(options.output, asked, () => `job/${job.name}: rewind requested (operation ${asked.id})\n`);
  const done = await waitForOperation(api, `${path}/${encodeURIComponent(asked.id)}`, options.timeout, job.name);
  await print(options.output, done, () => `${describeReceipt(done)}${describeEnding(done)}`);
  setExitCode(done);
}

const print = (output: OutputFormat, value: unknown, table: () => string): Promise<void> =>
  printAs(output, { value, table, names: () => [] });

const describePlan = (plan: OperationPlanView): string =>
  `rewind of ${plan.job}\n${plan.effects.map((effect) => `    → ${withoutControls(effect)}\n`).join('')}`;

function describeReceipt({ receipt }: OperationView): string {
  if (receipt === undefined) return '';
  const splits = receipt.splits.map(({ split, from, to }) => `    ${split}: ${from} → ${to}\n`).join('');
  return `${splits}    at most ${receipt.records} record(s) again, after a pause of ${showDuration(receipt.tookMs)}\n`;
}
