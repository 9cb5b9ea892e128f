// Two versions of the platform beside each other, and a link that says which of them is started next.
import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openLog } from '#adapters/local/log-file.ts';
import { placesIn, readPlatformFile } from '#adapters/local/platform-file.ts';
import { environment } from '#core/names.ts';
import type { TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';

const repository = join(import.meta.dirname, '../..');
const run = promisify(execFile);

interface Version {
  /** A whole tree. */
  readonly tree: string;
  /** Its worker, as one file. */
  readonly worker: string;
}

export type VersionName = 'old' | 'new';

/** The one that a commit holds, with the packages of this tree, and this tree. */
export class Versions {
  /** In full. */
  readonly from: string;
  readonly #folder: string;
  readonly #versions: Readonly<Record<VersionName, Version>>;

  private constructor(from: string, folder: string, versions: Readonly<Record<VersionName, Version>>) {
    this.from = from;
    this.#folder = folder;
    this.#versions = versions;
  }

  static async make(commit: string): Promise<Versions> {
    const from = (await run('git', ['rev-parse', '--verify', `${commit}^{commit}`], { cwd: repository })).stdout.trim();
    const folder = mkdtempSync(join(tmpdir(), 'millrace-versions-'));
    const tree = join(folder, 'old');
    mkdirSync(tree);
    const tar = join(folder, 'old.tar');
    await run('git', ['archive', '--format=tar', `--output=${tar}`, from], { cwd: repository });
    await run('tar', ['-xf', tar, '-C', tree]);
    symlinkSync(join(repository, 'node_modules'), join(tree, 'node_modules'));
    return new Versions(from, folder, {
      old: { tree, worker: await bundleIn(tree) },
      new: { tree: repository, worker: await bundleIn(repository) },
    });
  }

  /** Of what is started from now on. */
  use(name: VersionName, part: 'control-plane' | 'worker'): void {
    const { tree, worker } = this.#versions[name];
    const [to, link] = part === 'worker' ? [worker, this.#workerLink] : [tree, this.#treeLink];
    symlinkSync(to, `${link}.next`);
    renameSync(`${link}.next`, link);
  }

  /** Ends as any platform does: by `platform.stop()`. */
  async up(platform: TestPlatform): Promise<void> {
    const log = openLog(placesIn(platform.dataDir).hostLog);
    const main = join(import.meta.dirname, 'linked-host.ts');
    const args = ['--title=millrace-host', '--no-warnings', main, platform.dataDir, this.#treeLink];
    const env = { ...process.env, [environment.workerEntry]: this.#workerLink };
    const host = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log], env });
    closeSync(log);
    let ended = false;
    host.once('exit', () => {
      ended = true;
    });
    host.unref();
    await until(
      () => {
        if (ended) throw new Error(`the platform did not start:\n${platform.logs()}`);
        const file = readPlatformFile(platform.dataDir);
        return file?.state === 'ready' && file.host?.pid === host.pid ? true : null;
      },
      'the platform to be ready',
      300_000,
    );
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #treeLink(): string {
    return join(this.#folder, 'current');
  }

  get #workerLink(): string {
    return join(this.#folder, 'worker.mjs');
  }
}

/** By the tree's own means: how a worker is bundled is part of its version. */
async function bundleIn(tree: string): Promise<string> {
  const program = "console.log(await (await import('./adapters/local/bundle-worker.ts')).bundleWorker())";
  const args = ['--no-warnings', '--input-type=module', '--eval', program];
  return (await run(process.execPath, args, { cwd: tree })).stdout.trim();
}
