// The worker's image without a daemon: built from its Dockerfile by buildah where that is there, else laid out as it says; run by runc as Fargate would run it.
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

/** How the image says that it is started. */
interface Start {
  readonly user: number;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
}

export interface WorkerImage {
  readonly made: 'built by buildah' | 'laid out';
  /** Holds `rootfs`. */
  readonly folder: string;
  readonly start: Start;
  readonly mib: number;
  remove(): void;
}

export interface RunningImage {
  /** What it wrote, as far as it got. */
  readonly output: () => string;
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
}

const dockerfilePath = join(import.meta.dirname, '../../infra/worker-image/Dockerfile');

/** Anybody but root would need a user namespace to mount what was built. */
export const hasBuildah = (): boolean => process.getuid?.() === 0 && spawnSync('buildah', ['--version']).status === 0;
export const hasRunc = (): boolean => spawnSync('runc', ['--version']).status === 0;

const nobody = 65534;

const aFolder = (): string => mkdtempSync(join(tmpdir(), 'millrace-image-'));

const imageIn = (folder: string, made: WorkerImage['made'], start: Start): WorkerImage => ({
  ...{ made, folder, start },
  mib: Math.round(sizeOf(join(folder, 'rootfs')) / 1024 / 1024),
  remove: () => rmSync(folder, { recursive: true, force: true }),
});

/** Node as this machine has it with the libraries that it needs: there is no registry here to take a base image from. */
function layOutNode(root: string): void {
  const node = realpathSync(process.execPath);
  const libraries = execFileSync('ldd', [node], { encoding: 'utf8' }).match(/\/[^\s:()]+/g) ?? [];
  const put = (from: string, to: string): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(from, join(root, to), { recursive: true, dereference: true });
  };
  for (const library of libraries) put(library, library);
  put(node, '/usr/local/bin/node');
  for (const name of ['proc', 'dev', 'etc']) mkdirSync(join(root, name), { recursive: true });
}

/** What two COPY lines give, and the line that starts it. */
export function layOutImage(program: string): WorkerImage {
  const folder = aFolder();
  const root = join(folder, 'rootfs');
  layOutNode(root);
  for (const name of readdirSync(program).filter((each) => each !== 'Dockerfile'))
    cpSync(join(program, name), join(root, 'millrace', name), { recursive: true, dereference: true });
  const entry = /^ENTRYPOINT (.*)$/m.exec(readFileSync(dockerfilePath, 'utf8'))?.[1] ?? '[]';
  const env = ['PATH=/usr/local/bin', 'NODE_ENV=production'];
  return imageIn(folder, 'laid out', { user: nobody, args: JSON.parse(entry) as string[], env, cwd: '/millrace' });
}

interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir: string;
}

/** From the Dockerfile that is deployed, over a base of this machine's Node. `program` holds it beside the bundle. */
export function buildImage(program: string): WorkerImage {
  const folder = aFolder();
  const base = join(folder, 'base');
  const storage = ['--storage-driver', 'vfs', '--root', join(folder, 'store'), '--runroot', join(folder, 'run')];
  const buildah = (...args: readonly string[]): string =>
    execFileSync('buildah', [...storage, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const build = (context: string, tag: string, ...more: readonly string[]): string =>
    buildah('bud', '--isolation', 'chroot', '--pull-never', ...more, '--tag', tag, context);
  layOutNode(join(base, 'rootfs'));
  writeFileSync(join(base, 'Dockerfile'), 'FROM scratch\nCOPY rootfs/ /\nENV PATH=/usr/local/bin\n');
  build(base, 'localhost/node');
  build(program, 'localhost/worker', '--build-arg', 'NODE_IMAGE=localhost/node');
  const place = buildah('mount', buildah('from', '--pull-never', 'localhost/worker'));
  cpSync(place, join(folder, 'rootfs'), { recursive: true });
  const inspected = JSON.parse(buildah('inspect', '--type', 'image', 'localhost/worker')) as {
    OCIv1: { config: ImageConfig };
  };
  const { config } = inspected.OCIv1;
  for (const name of ['store', 'run', 'base']) rmSync(join(folder, name), { recursive: true, force: true });
  const user = Number(config.User.split(':')[0]);
  return imageIn(folder, 'built by buildah', {
    ...{ user, args: config.Entrypoint, env: config.Env, cwd: config.WorkingDir },
  });
}

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

/** As image and task definition say: nobody, a read-only root, no capability, so much memory. The network is this machine's. */
export function runImage(
  image: WorkerImage,
  environment: Readonly<Record<string, string>>,
  memoryMiB: number,
): RunningImage {
  const none: readonly string[] = [];
  const { user, args, env, cwd } = image.start;
  const config = {
    ociVersion: '1.0.2',
    process: {
      ...{ terminal: false, user: { uid: user, gid: user }, cwd, noNewPrivileges: true, args },
      env: [...env, ...Object.entries(environment).map(([k, v]) => `${k}=${v}`)],
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
