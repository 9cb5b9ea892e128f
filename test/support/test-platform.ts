// A whole local platform of a test's own, driven as a user would: by the command, the API, and the odd kill -9.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placesIn, readPlatformFile } from '#adapters/local/platform-file.ts';
import type { EventView, JobView, PageView } from '#core/api/wire.ts';
import { until } from '#test/support/until.ts';

const repository = join(import.meta.dirname, '../..');

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly input?: string;
  readonly withinMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the `millrace` command as a process of its own. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(repository, 'cli/millrace.mjs'), ...args], {
      cwd: repository,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      timeout: options.withinMs ?? 120_000,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const stderr = Buffer.concat(err).toString() + (signal ? `\nended by ${signal}` : '');
      resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

export type PartName = 'kafka' | 'postgres' | 'dynamodb' | 's3' | 'supervisor' | 'reconciler' | 'api';

export class TestPlatform {
  readonly dataDir: string;

  private constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  /** A folder for a platform that does not run yet. */
  static make(): TestPlatform {
    return new TestPlatform(mkdtempSync(join(tmpdir(), 'millrace-e2e-')));
  }

  static async start(): Promise<TestPlatform> {
    const platform = TestPlatform.make();
    await platform.up();
    return platform;
  }

  async up(): Promise<void> {
    const result = await runCli(['up', '--detach', '--data', this.dataDir], { withinMs: 300_000 });
    if (result.code !== 0) throw new Error(`up failed with ${result.code}:\n${result.stderr}\n${result.stdout}`);
  }

  /** Stops everything; on a failed test the logs' tails tell why, so they are given with the error. */
  async stop(): Promise<void> {
    await runCli(['down', '--data', this.dataDir], { withinMs: 150_000 });
    if (!process.env['MILLRACE_TEST_KEEP']) rmSync(this.dataDir, { recursive: true, force: true });
  }

  async cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return await runCli(args, { ...options, env: { MILLRACE_DATA_DIR: this.dataDir, ...options.env } });
  }

  /** The command's standard output; fails with all that it said when it does not end with 0. */
  async run(args: readonly string[], options: CliOptions = {}): Promise<string> {
    const result = await this.cli(args, options);
    if (result.code !== 0)
      throw new Error(`millrace ${args.join(' ')} ended with ${result.code}:\n${result.stderr}${result.stdout}`);
    return result.stdout;
  }

  async apply(documents: readonly object[], more: readonly string[] = ['--wait', '--timeout', '120s']): Promise<void> {
    const input = documents.map((document) => JSON.stringify(document)).join('\n---\n');
    await this.run(['apply', '-f', '-', '--yes', ...more], { input, withinMs: 150_000 });
  }

  get kafka(): string {
    return this.#file().endpoints.kafka;
  }

  #file() {
    const file = readPlatformFile(this.dataDir);
    if (file === null) throw new Error(`no platform in ${this.dataDir}`);
    return file;
  }

  async get<Answer>(path: string): Promise<Answer> {
    const response = await fetch(`${this.#file().apiUrl}${path}`, { signal: AbortSignal.timeout(30_000) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  async job(name: string): Promise<JobView> {
    return await this.get<JobView>(`/v1/jobs/${name}`);
  }

  /** What a test has looked at to its end runs on at the cost of all that follow: its jobs are paused, and stay declared. */
  async pauseAll(): Promise<void> {
    const { items } = await this.get<PageView<JobView>>('/v1/jobs?limit=200');
    const running = items.filter(({ paused }) => !paused).map(({ name }) => name);
    for (const name of running) await this.#pause(name);
    for (const name of running) await this.phase(name, 'Paused');
  }

  /** As the command does it, which costs a process. */
  async #pause(job: string): Promise<void> {
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify({ kind: 'pause' }),
    };
    const path = `${this.#file().apiUrl}/v1/jobs/${job}/operations`;
    const asked = (): Promise<true | null> =>
      fetch(path, request).then(
        ({ ok }) => ok || null,
        () => null,
      );
    await until(asked, `the pause of ${job} to be taken`);
  }

  async events(job: string): Promise<readonly EventView[]> {
    return (await this.get<PageView<EventView>>(`/v1/jobs/${job}/events?limit=200`)).items;
  }

  pid(part: PartName): number {
    const pid = this.#file().pids[part];
    if (pid === undefined) throw new Error(`${part} does not run`);
    return pid;
  }

  /** kill -9; the host starts it again. */
  kill(part: PartName): void {
    process.kill(this.pid(part), 'SIGKILL');
  }

  /** Ready again under another pid than `before`. */
  async restarted(part: PartName, before: number): Promise<void> {
    await until(
      () => {
        const status = this.#file().parts.find((candidate) => candidate.name === part);
        return status?.state === 'ready' && status.pid !== before ? true : null;
      },
      `${part} to be ready again`,
      60_000,
    );
  }

  /** The pid of the job's only live worker. */
  async workerPid(job: string): Promise<number> {
    return await until(async () => {
      const { workers } = (await this.job(job)).status;
      return workers.find((worker) => worker.state === 'running')?.pid ?? null;
    }, `a running worker of ${job}`);
  }

  async phase(job: string, wanted: string, withinMs = 120_000): Promise<void> {
    await until(
      async () => {
        const view = await this.job(job).catch(() => null);
        return view?.status.phase === wanted ? true : null;
      },
      `${job} to be ${wanted}`,
      withinMs,
    );
  }

  /** The last lines of every log, for the error of a test that failed. */
  logs(linesMax = 15): string {
    const { logs, taskLogs } = placesIn(this.dataDir);
    const files = [logs, taskLogs].flatMap((folder) =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter((name) => name.endsWith('.log'))
            .map((name) => join(folder, name))
        : [],
    );
    return files
      .map((file) => `--- ${file}\n${readFileSync(file, 'utf8').split('\n').slice(-linesMax).join('\n')}`)
      .join('\n');
  }
}
