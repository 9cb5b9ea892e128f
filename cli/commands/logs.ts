// `millrace logs`: what a job's workers say, read from their log files on this machine.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ApiClient } from '#cli/api-client.ts';
import { readCount } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { type FilePosition, lastLines, nextLines } from '#cli/input/follow-file.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { shortWorkerName } from '#cli/print/job-page.ts';
import { formatLogLine } from '#cli/print/log-line.ts';
import { note, paintFor, writeOut } from '#cli/terminal.ts';
import type { JobView } from '#core/api/wire.ts';

const pollMs = 250;
/** New workers bring new files. */
const lookAgainMs = 2_000;

interface LogsOptions extends ApiOptions {
  readonly follow?: boolean;
  readonly tail: number;
  readonly raw?: boolean;
}

export function registerLogs(program: Command): void {
  addApiOptions(
    program
      .command('logs')
      .summary('what a job’s workers say')
      .argument('<job>', 'a job, or a route with one sink')
      .option('-f, --follow', 'go on until Ctrl-C, also with workers that start later')
      .option('--tail <count>', 'the last so many lines of each worker', readCount, 100)
      .option('--raw', 'lines as they are, control characters included'),
  ).action(logs);
}

interface WorkerLog {
  readonly worker: string;
  readonly path: string;
}

async function logs(name: string, options: LogsOptions): Promise<void> {
  const api = await connect(options);
  const job = await findJob(api, name);
  const files = logsOf(job);
  if (files.length === 0 && !options.follow)
    throw new CommandError(
      exitCodes.failure,
      `${job.name} has no worker with a log file on this machine (${job.status.phase}: ${job.status.message})`,
      {
        fix: `millrace why ${job.name}`,
      },
    );
  const positions = new Map<string, FilePosition>();
  const print = printer(options.raw ?? false);
  for (const file of files) {
    const found = await lastLines(file.path, options.tail).catch(() => null);
    if (found === null) note(`${file.worker}: its log ${file.path} cannot be read here`);
    else {
      positions.set(file.path, found.position);
      await print(file, found.lines, files.length > 1);
    }
  }
  if (options.follow) await follow(api, job.name, files, positions, print);
}

const logsOf = (job: JobView): readonly WorkerLog[] =>
  job.status.workers.flatMap((worker) =>
    worker.log === null ? [] : [{ worker: shortWorkerName(worker), path: worker.log }],
  );

type Print = (file: WorkerLog, lines: readonly string[], withPrefix: boolean) => Promise<void>;

function printer(raw: boolean): Print {
  const paint = paintFor(process.stdout);
  return async (file, lines, withPrefix) => {
    const prefix = withPrefix && !raw ? `${paint('cyan', file.worker)} ` : '';
    const shown = lines.map((line) => `${prefix}${raw ? line : formatLogLine(line, paint)}\n`);
    if (shown.length > 0) await writeOut(shown.join(''));
  };
}

async function follow(
  api: ApiClient,
  job: string,
  first: readonly WorkerLog[],
  positions: Map<string, FilePosition>,
  print: Print,
): Promise<never> {
  let files = first;
  let lookedAt = performance.now();
  while (true) {
    for (const file of files) {
      const position = positions.get(file.path);
      if (position) await print(file, await nextLines(position), true);
    }
    await sleep(pollMs);
    if (performance.now() - lookedAt < lookAgainMs) continue;
    lookedAt = performance.now();
    // The control plane may be away for a while; the logs go on.
    const view = await api.get<JobView>(jobPath(job)).catch(() => null);
    if (view === null) continue;
    for (const file of logsOf(view))
      if (!positions.has(file.path)) positions.set(file.path, { path: file.path, offset: 0, rest: Buffer.alloc(0) });
    const known = new Set(files.map((file) => file.path));
    files = [...files, ...logsOf(view).filter((file) => !known.has(file.path))].slice(-64);
  }
}
