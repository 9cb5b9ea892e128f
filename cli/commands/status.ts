// `millrace status`: each process of the platform on this machine: state, memory, age, where it listens and logs.
import type { Command } from 'commander';
import { dataDirOf } from '#cli/connect.ts';
import { exitCodes } from '#cli/exit.ts';
import { type OutputFormat, outputOption } from '#cli/print/output.ts';

interface StatusOptions {
  readonly data?: string;
  readonly output: OutputFormat;
}

interface ProcessRow {
  readonly name: string;
  readonly state: string;
  readonly pid: number | null;
  readonly residentBytes: number | null;
  readonly startedAt: number | null;
  readonly restarts: number;
  readonly endpoint: string;
  readonly log: string;
}

export function registerStatus(program: Command): void {
  program
    .command('status')
    .summary('show the processes of the platform on this machine; exit code 1 unless it is ready')
    .option('--data <dir>', 'the folder that holds everything of it (else .millrace)')
    .addOption(outputOption())
    .action(async (options: StatusOptions) => status(options));
}

async function status(options: StatusOptions): Promise<void> {
  const dataDir = dataDirOf(options);
  const { readPlatformFile } = await import('#adapters/local/platform-file.ts');
  const { printAs } = await import('#cli/print/output.ts');
  const file = readPlatformFile(dataDir);
  const processes = file === null ? [] : await rowsOf(dataDir);
  const state = file?.state ?? 'never started';
  const residentBytes = processes.reduce((sum, row) => sum + (row.residentBytes ?? 0), 0);
  const table = await tableOf(processes, `${state}: ${dataDir}`, residentBytes);
  await printAs(options.output, {
    value: { state, data: dataDir, apiUrl: file?.apiUrl ?? null, residentBytes, processes },
    names: () => processes.map(({ name }) => `process/${name}`),
    table: () => table,
  });
  if (state !== 'ready') process.exitCode = exitCodes.failure;
}

async function rowsOf(dataDir: string): Promise<ProcessRow[]> {
  const { placesIn, readPlatformFile } = await import('#adapters/local/platform-file.ts');
  const { isAlive, residentBytes } = await import('#adapters/local/process-identity.ts');
  const { readRecords } = await import('#adapters/local/task-records.ts');
  const file = readPlatformFile(dataDir);
  if (file === null) return [];
  const places = placesIn(dataDir);
  const memory = (pid: number | null): number | null => (pid === null ? null : residentBytes(pid));
  const host: ProcessRow = {
    name: 'host',
    state: file.state,
    pid: file.host?.pid ?? null,
    residentBytes: memory(file.host?.pid ?? null),
    startedAt: file.startedAt,
    restarts: 0,
    endpoint: '',
    log: places.hostLog,
  };
  const parts = file.parts.map((part) => ({ ...part, residentBytes: memory(part.pid) }));
  const workers = readRecords(places.tasks)
    .filter(({ task, identity }) => task.state !== 'stopped' && identity !== undefined && isAlive(identity))
    .map(({ task, identity }) => ({
      name: task.job,
      state: task.state,
      pid: identity?.pid ?? null,
      residentBytes: memory(identity?.pid ?? null),
      startedAt: task.createdAt,
      restarts: 0,
      endpoint: '',
      log: task.log ?? '',
    }));
  return [host, ...parts, ...workers];
}

async function tableOf(rows: readonly ProcessRow[], title: string, residentBytes: number): Promise<string> {
  if (rows.length === 0) return `${title}\n`;
  const { formatTable } = await import('#cli/print/table.ts');
  const { showAge, showBytes } = await import('#cli/print/quantity.ts');
  const now = Date.now();
  const table = formatTable<ProcessRow>(
    [
      { heading: 'process', cell: ({ name }) => name },
      { heading: 'state', cell: ({ state }) => state },
      { heading: 'pid', cell: ({ pid }) => (pid === null ? '-' : String(pid)), align: 'right' },
      {
        heading: 'memory',
        cell: (row) => (row.residentBytes === null ? '-' : showBytes(row.residentBytes)),
        align: 'right',
      },
      {
        heading: 'up',
        cell: ({ pid, startedAt }) => (pid === null ? '-' : showAge(startedAt ?? now, now)),
        align: 'right',
      },
      { heading: 'restarts', cell: ({ restarts }) => String(restarts), align: 'right' },
      { heading: 'listens', cell: ({ endpoint }) => endpoint },
      { heading: 'log', cell: ({ log }) => log },
    ],
    rows,
  );
  return `${title}, ${showBytes(residentBytes)} in all\n${table}`;
}
