// An operation that has a plan: shown first, agreed to at a terminal, asked for once, and waited for where that is wanted.
import type { Command } from 'commander';
import { newIdempotencyKey } from '#cli/api-client.ts';
import { durationOption } from '#cli/arguments.ts';
import { describeEnding, setExitCode, waitForOperation } from '#cli/commands/operations.ts';
import { type ApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { confirm, oneLine, withoutControls } from '#cli/terminal.ts';
import type { OperationPlanView, OperationView } from '#core/api/wire.ts';

export interface AskOptions extends ApiOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly reason?: string;
  readonly output: OutputFormat;
}

export const addAskOptions = (command: Command): Command =>
  command
    .option('--dry-run', 'show what it would do, ask for nothing')
    .option('--reason <text>', 'kept with the operation')
    .option('-y, --yes', 'do not ask')
    .option('--wait', 'return when it is done, with the receipt')
    .addOption(durationOption('--timeout <duration>', 'how long --wait waits; exit code 4 after it', '60s'))
    .addOption(outputOption(['table', 'json', 'yaml']));

export async function askOperation(
  name: string,
  options: AskOptions,
  asked: { readonly kind: OperationView['kind'] } & Readonly<Record<string, unknown>>,
  describeReceipt: (operation: OperationView) => string,
): Promise<void> {
  const { reason } = options;
  const api = await connect(options);
  const job = await findJob(api, name);
  const path = `${jobPath(job.name)}/operations`;
  const json = { ...asked, ...(reason === undefined ? {} : { reason }) };
  // Nothing is done by a dry run: with a key it may be sent again.
  const ask = <View>(dryRun: boolean): Promise<View> =>
    api.post<View>(path, {
      json,
      ...(dryRun ? { query: { dryRun } } : {}),
      headers: { 'idempotency-key': newIdempotencyKey() },
    });
  const plan = await ask<OperationPlanView>(true);
  if (options.dryRun) return await print(options.output, plan, () => describePlan(plan));
  process.stderr.write(describePlan(plan));
  if (!options.yes && !(await confirm(`${asked.kind} ${job.name}?`)))
    throw new CommandError(exitCodes.failure, 'not confirmed, so nothing was asked for');
  const operation = await ask<OperationView>(false);
  if (!options.wait)
    return await print(
      options.output,
      operation,
      () => `job/${job.name}: ${asked.kind} requested (operation ${operation.id})\n`,
    );
  const done = await waitForOperation(api, `${path}/${encodeURIComponent(operation.id)}`, options.timeout, job.name);
  await print(options.output, done, () => `${describeReceipt(done)}${describeEnding(done)}`);
  setExitCode(done);
}

const print = (output: OutputFormat, value: unknown, table: () => string): Promise<void> =>
  printAs(output, { value, table, names: () => [] });

const describePlan = (plan: OperationPlanView): string =>
  `${plan.kind} of ${oneLine(plan.job)}\n${plan.effects.map((effect) => `    → ${withoutControls(effect)}\n`).join('')}`;
