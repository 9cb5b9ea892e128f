// The worker's image without a container engine: the file system that its Dockerfile describes, run by runc as Fargate would run it.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface WorkerImage {
  readonly folder: string;
  readonly mib: number;
  remove(): void;
}

export interface RunningImage {
  /** What it wrote, as far as it got. */
  readonly output: () => string;
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
}

export const hasRunc = (): boolean => spawnSync('runc', ['--version']).status === 0;

const nobody = 65534;

/** Node as this machine has it with the libraries that it needs, and the bundled program: what `FROM node` and two COPY lines give. */
export function layOutImage(program: string): WorkerImage {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-image-'));
  const root = join(folder, 'rootfs');
  const node = realpathSync(process.execPath);
  const libraries = execFileSync('ldd', [node], { encoding: 'utf8' }).match(/\/[^\s:()]+/g) ?? [];
  const put = (from: string, to: string): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(from, join(root, to), { recursive: true, dereference: true });
  };
  for (const library of libraries) put(library, library);
  put(node, '/usr/local/bin/node');
  for (const name of readdirSync(program).filter((each) => each !== 'Dockerfile'))
    put(join(program, name), `/millrace/${name}`);
  for (const name of ['proc', 'dev', 'etc']) mkdirSync(join(root, name), { recursive: true });
  return {
    folder,
    mib: Math.round(sizeOf(root) / 1024 / 1024),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

/** As the task definition says: nobody, a read-only root, no capability, so much memory. The network is this machine's. */
export function runImage(
  image: WorkerImage,
  environment: Readonly<Record<string, string>>,
  memoryMiB: number,
): RunningImage {
  const none: readonly string[] = [];
  const dockerfile = readFileSync(join(import.meta.dirname, '../../infra/worker-image/Dockerfile'), 'utf8');
  const args = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  const config = {
    ociVersion: '1.0.2',
    process: {
      ...{ terminal: false, user: { uid: nobody, gid: nobody }, cwd: '/millrace', noNewPrivileges: true, args },
      env: ['PATH=/usr/local/bin', 'NODE_ENV=production', ...Object.entries(environment).map(([k, v]) => `${k}=${v}`)],
      capabilities: { bounding: none, effective: none, permitted: none, ambient: none },
    },
    root: { path: 'rootfs', readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
    ],
    linux: {
      resources: { memory: { limit: memoryMiB * 1024 * 1024 } },
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  };
  writeFileSync(join(image.folder, 'config.json'), JSON.stringify(config));
  const name = image.folder.split('/').at(-1)!;
  const child: ChildProcess = spawn('runc', ['run', name], { cwd: image.folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    output: () => output,
    stop: async () => {
      spawnSync('runc', ['kill', name, 'TERM']);
      return await ended;
    },
  };
}
