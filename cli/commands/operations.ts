// `millrace pause`, `resume` and `restart`: one-shot verbs on a job, each with a receipt; never a field that sticks.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type ApiClient, newIdempotencyKey } from '#cli/api-client.ts';
import { durationOption } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { showDuration } from '#cli/print/quantity.ts';
import { note, say, withoutControls } from '#cli/terminal.ts';
import type { OperationView } from '#core/api/wire.ts';

const pollMs = 250;

const verbs: readonly { readonly kind: OperationView['kind']; readonly summary: string }[] = [
  { kind: 'pause', summary: 'drain a job and stop its workers; its position is kept' },
  { kind: 'resume', summary: 'let a paused job go on where it stopped' },
  { kind: 'restart', summary: 'replace a job’s workers by new ones' },
];

interface OperationOptions extends ApiOptions {
  readonly reason?: string;
  readonly wait?: boolean;
  readonly timeout: number;
}

export function registerOperations(program: Command): void {
  for (const { kind, summary } of verbs)
    addApiOptions(
      program
        .command(kind)
        .summary(summary)
        .argument('<job>', 'a job, or a route with one sink')
        .option('--reason <text>', 'kept with the operation')
        .option('--wait', 'return when it is done')
        .addOption(durationOption('--timeout <duration>', 'how long --wait waits; exit code 4 after it', '60s')),
    ).action((name: string, options: OperationOptions) => operate(kind, name, options));
}

async function operate(kind: OperationView['kind'], name: string, options: OperationOptions): Promise<void> {
  const api = await connect(options);
  const job = await findJob(api, name);
  const path = `${jobPath(job.name)}/operations`;
  const asked = await api.post<OperationView>(path, {
    json: { kind, ...(options.reason === undefined ? {} : { reason: options.reason }) },
    headers: { 'idempotency-key': newIdempotencyKey() },
  });
  if (!options.wait) {
    say(`job/${job.name}: ${kind} requested (operation ${asked.id})`);
    return;
  }
  const done = await waitForOperation(api, `${path}/${encodeURIComponent(asked.id)}`, options.timeout, job.name);
  process.stdout.write(describeEnding(done));
  setExitCode(done);
}

export const describeEnding = ({ job, kind, state, outcome }: OperationView): string =>
  `job/${job}: ${kind} ${state}${outcome ? `: ${withoutControls(outcome)}` : ''}\n`;

export function setExitCode({ state }: OperationView): void {
  if (state === 'superseded') process.exitCode = exitCodes.conflict;
  if (state === 'failed') process.exitCode = exitCodes.failure;
}

export async function waitForOperation(
  api: ApiClient,
  path: string,
  timeoutMs: number,
  job: string,
): Promise<OperationView> {
  const startedAt = performance.now();
  note(`waiting for ${job}`);
  while (true) {
    const operation = await api.get<OperationView>(path);
    if (operation.state !== 'requested') return operation;
    if (performance.now() - startedAt >= timeoutMs)
      throw new CommandError(
        exitCodes.timeout,
        `${operation.kind} of ${job} not done within ${showDuration(timeoutMs)}; it stays requested`,
        {
          fix: `millrace why ${job}`,
        },
      );
    await sleep(pollMs);
  }
}
